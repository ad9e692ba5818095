/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/credential.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/exec.h"

#define FILE_FRESH_MS 60000      /* a token file is read again after this */
#define PLUGIN_EARLY_US 60000000 /* a plugin's credential is renewed so long before its end, */
#define PLUGIN_EARLY_PART 4      /* or at a fourth of its life before it, */
#define PLUGIN_LEAST_US 1000000  /* but it is used for so long at least */
#define PLACES 3                 /* identities at once: the present one and those under way */

/* A target with the client certificate of one run of a plugin. */
struct place {
    struct arena arena;
    struct tls_config tls;
    struct http_target target;
    uint32_t held; /* by requests under way */
};

struct kube_credentials {
    struct loop *loop;
    const struct kube_config *config;
    kube_credentials_ready_fn *on_ready;
    void *ctx;
    struct kube_plugin *plugin; /* KUBE_EXEC */
    struct buf authorization;
    uint32_t generation;
    bool valid;       /* authorization and place can be used */
    int64_t read_ms;  /* token file: when it was read */
    int64_t renew_us; /* plugin: when to run it again; 0: when refused */
    struct place places[PLACES];
    uint32_t place;
    str name;
};

static str name_of(struct arena *perm, const struct kube_config *config)
{
    switch (config->credential) {
    case KUBE_TOKEN:
        return STR("the token");
    case KUBE_TOKEN_FILE:
        return str_printf(perm, "the token in " STR_FMT, STR_ARG(config->token_file));
    case KUBE_BASIC:
        return str_printf(perm, "the password of " STR_FMT, STR_ARG(config->username));
    case KUBE_EXEC:
        return str_printf(perm, "what the exec plugin " STR_FMT " gave",
                          STR_ARG(config->exec.command));
    case KUBE_ANONYMOUS:
        break;
    }
    return config->tls.identity ? STR("the client certificate") : STR("no credential");
}

str kube_credentials_name(const struct kube_credentials *c)
{
    return c->name;
}

/* A place that no request uses, as a copy of the configured target. */
static bool take_place(struct kube_credentials *c, uint32_t *index)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        struct place *p = &c->places[i];
        if (p->held || (i == c->place && c->valid))
            continue;
        arena_reset(&p->arena);
        p->tls = c->config->tls;
        p->target = c->config->target;
        if (p->target.tls)
            p->target.tls = &p->tls;
        *index = i;
        return true;
    }
    return false;
}

static bool is_token(str token)
{
    for (size_t i = 0; i < token.n; i++)
        if ((unsigned char)token.p[i] <= ' ' || (unsigned char)token.p[i] >= 0x7f)
            return false;
    return token.n > 0;
}

static enum err_kind set_bearer(struct kube_credentials *c, str token, struct err *e)
{
    if (!is_token(token))
        return err_set(e, ERR_AUTH, STR_FMT " is %s", STR_ARG(c->name),
                       token.n ? "no token: it has a blank or a control character" : "empty");
    if (token.n > KUBE_TOKEN_MAX)
        return err_set(e, ERR_AUTH, STR_FMT " is longer than %zu bytes", STR_ARG(c->name),
                       KUBE_TOKEN_MAX);
    buf_clear(&c->authorization);
    buf_cstr(&c->authorization, "Bearer ");
    buf_put(&c->authorization, token);
    c->valid = true;
    c->generation++;
    return ERR_NONE;
}

static void set_basic(struct kube_credentials *c, struct arena *perm)
{
    const struct kube_config *config = c->config;
    str pair =
        str_printf(perm, STR_FMT ":" STR_FMT, STR_ARG(config->username), STR_ARG(config->password));
    buf_cstr(&c->authorization, "Basic ");
    base64_encode(&c->authorization, pair);
}

/* ---- token files --------------------------------------------------------------------------- */

/* A file that can't be read now leaves the token that we have. */
static enum err_kind read_file(struct kube_credentials *c, struct err *e)
{
    int64_t now_ms = loop_now_ms(c->loop);
    if (c->valid && now_ms - c->read_ms < FILE_FRESH_MS)
        return ERR_NONE;
    char memory[KUBE_TOKEN_MAX + 64];
    struct arena scratch = arena_over("token", memory, sizeof memory);
    bool had = buf_str(&c->authorization).n > 0;
    str text;
    enum err_kind kind = file_read(&scratch, c->config->token_file.p, KUBE_TOKEN_MAX, &text, e);
    c->read_ms = now_ms;
    if (!kind)
        kind = set_bearer(c, str_trim(text), e);
    if (!kind)
        return ERR_NONE;
    if (!had && c->config->token.n)
        return set_bearer(c, c->config->token, e);
    if (!had) {
        e->kind = ERR_AUTH;
        err_prefix(e, "the token for the API server: ");
        return ERR_AUTH;
    }
    log_warning("Kubernetes: %s; going on with the token as it was", e->text);
    c->valid = true;
    return ERR_NONE;
}

/* ---- plugins ------------------------------------------------------------------------------- */

static void set_renewal(struct kube_credentials *c, int64_t expires_us)
{
    int64_t now_us = time_now_us();
    c->renew_us = 0;
    if (!expires_us)
        return;
    int64_t early_us = (expires_us - now_us) / PLUGIN_EARLY_PART;
    c->renew_us = expires_us - (early_us < PLUGIN_EARLY_US ? early_us : PLUGIN_EARLY_US);
    if (c->renew_us < now_us + PLUGIN_LEAST_US)
        c->renew_us = now_us + PLUGIN_LEAST_US;
}

static enum err_kind use_plugin_result(struct kube_credentials *c,
                                       const struct kube_exec_credential *credential, struct err *e)
{
    uint32_t index = c->place;
    if (!take_place(c, &index))
        return err_set(e, ERR_RETRY, "requests with %d older client certificates are under way",
                       PLACES - 1);
    struct place *p = &c->places[index];
    enum err_kind kind = ERR_NONE;
    if (credential->certificate_pem.n) {
        if (!p->arena.base)
            arena_reserve(&p->arena, "client certificate", KUBE_IDENTITY_ARENA);
        kind =
            tls_identity_from_pem(&p->arena, credential->certificate_pem, credential->key_pem,
                                  "the client certificate of the exec plugin", &p->tls.identity, e);
    }
    if (!kind && credential->token.n) {
        kind = set_bearer(c, credential->token, e);
    } else if (!kind) {
        buf_clear(&c->authorization);
        c->valid = true;
        c->generation++;
    }
    if (kind)
        return kind;
    c->place = index;
    set_renewal(c, credential->expires_us);
    return ERR_NONE;
}

static void on_plugin_done(void *ctx, const struct kube_exec_credential *credential,
                           const struct err *failure)
{
    struct kube_credentials *c = ctx;
    struct err e;
    if (!failure) {
        c->valid = false;
        if (use_plugin_result(c, credential, &e))
            failure = &e;
    }
    c->on_ready(c->ctx, failure);
}

static enum kube_grant_state run_plugin(struct kube_credentials *c, struct err *e)
{
    if (!kube_plugin_running(c->plugin) && kube_plugin_start(c->plugin, on_plugin_done, c, e))
        return KUBE_GRANT_FAILED;
    return KUBE_GRANT_PENDING;
}

/* ---- for kube/client ----------------------------------------------------------------------- */

struct kube_credentials *kube_credentials_new(struct arena *perm, struct loop *loop,
                                              const struct kube_config *config,
                                              kube_credentials_ready_fn *on_ready, void *ctx)
{
    struct kube_credentials *c = arena_must(perm, sizeof *c);
    c->loop = loop;
    c->config = config;
    c->on_ready = on_ready;
    c->ctx = ctx;
    c->name = name_of(perm, config);
    size_t room = config->credential == KUBE_BASIC
                      ? (config->username.n + config->password.n) * 4 / 3 + 32
                      : KUBE_TOKEN_MAX + 16;
    c->authorization = buf_over(arena_untouched(perm, room), room);
    take_place(c, &c->place);
    if (config->credential == KUBE_EXEC)
        c->plugin = kube_plugin_new(perm, loop, &config->exec);
    else if (config->credential == KUBE_BASIC)
        set_basic(c, perm);
    return c;
}

void kube_credentials_stop(struct kube_credentials *c)
{
    if (c->plugin)
        kube_plugin_stop(c->plugin);
}

static enum kube_grant_state renew(struct kube_credentials *c, struct err *e)
{
    switch (c->config->credential) {
    case KUBE_TOKEN:
        if (!c->valid && set_bearer(c, c->config->token, e))
            return KUBE_GRANT_FAILED;
        return KUBE_GRANTED;
    case KUBE_TOKEN_FILE:
        return read_file(c, e) ? KUBE_GRANT_FAILED : KUBE_GRANTED;
    case KUBE_EXEC:
        if (c->valid && (!c->renew_us || time_now_us() < c->renew_us))
            return KUBE_GRANTED;
        return run_plugin(c, e);
    case KUBE_ANONYMOUS:
    case KUBE_BASIC:
        return KUBE_GRANTED;
    }
    return KUBE_GRANTED;
}

enum kube_grant_state kube_credentials_get(struct kube_credentials *c, struct kube_grant *grant,
                                           struct err *e)
{
    enum kube_grant_state state = renew(c, e);
    if (state != KUBE_GRANTED)
        return state;
    struct place *p = &c->places[c->place];
    p->held++;
    *grant = (struct kube_grant){
        .target = &p->target,
        .authorization = buf_str(&c->authorization),
        .generation = c->generation,
        .place = c->place,
    };
    return KUBE_GRANTED;
}

void kube_credentials_release(struct kube_credentials *c, const struct kube_grant *grant)
{
    ASSERT(c->places[grant->place].held > 0);
    c->places[grant->place].held--;
}

bool kube_credentials_refused(struct kube_credentials *c, uint32_t generation)
{
    if (c->config->credential != KUBE_TOKEN_FILE && c->config->credential != KUBE_EXEC)
        return false;
    if (generation == c->generation)
        c->valid = false; /* others may have renewed it already */
    return true;
}
