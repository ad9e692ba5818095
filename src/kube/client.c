/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include "base/encode.h"
#include "kube/credential.h"
#include "kube/status.h"
#include "net/url.h"

#define TIMEOUT_DEFAULT_MS 30000
#define CONNECT_TIMEOUT_MS 15000
#define BUSY_WAIT_MS 100 /* all exchanges of net/http are taken */
#define USER_AGENT "prefect-k8s-worker/" PKW_VERSION

enum call_state {
    CALL_FREE,
    CALL_WAITS, /* for a credential plugin */
    CALL_SENT,
    CALL_PAUSES, /* an exchange is not free, or the call starts again in the next turn */
    CALL_FAILS,  /* err is delivered in the next turn */
};

struct call {
    struct kube *kube;
    slot_id id;
    enum call_state state;
    struct arena arena;          /* path and body; reserved once */
    struct kube_request request; /* its views in the arena */
    struct kube_grant grant;     /* held while SENT */
    http_id http;
    bool renewed; /* 401 was answered with a new credential already */
    struct loop_timer timer;
    struct err err;
};

struct kube {
    struct loop *loop;
    struct http *http;
    const struct kube_config *config;
    struct kube_credentials *credentials;
    struct slots slots;
    struct call *calls;
    struct arena scratch; /* of replies that no exchange stands behind */
};

static void call_start(struct call *c);

static struct call *call_of(struct kube *k, slot_id id)
{
    ptrdiff_t index = slots_index(&k->slots, id);
    return index < 0 ? NULL : &k->calls[index];
}

static void call_let_go(struct call *c)
{
    if (c->state == CALL_SENT)
        kube_credentials_release(c->kube->credentials, &c->grant);
    c->http = 0;
    c->state = CALL_PAUSES;
}

static void call_release(struct call *c)
{
    call_let_go(c);
    loop_timer_clear(c->kube->loop, &c->timer);
    slots_free(&c->kube->slots, c->id);
    c->state = CALL_FREE;
    c->id = 0;
    arena_reset(&c->arena);
}

/* ---- the outcome --------------------------------------------------------------------------- */

/* The call ends before its callback runs: that may send again and get the same place. */
static void call_deliver(struct call *c, const struct kube_reply *reply)
{
    kube_done_fn *on_done = c->request.on_done;
    void *ctx = c->request.ctx;
    call_release(c);
    on_done(ctx, reply);
}

static void call_deliver_failure(struct call *c)
{
    struct kube *k = c->kube;
    struct err e = c->err;
    arena_reset(&k->scratch);
    struct http_reply none = {.kind = e.kind, .retry_after_ms = -1, .arena = &k->scratch, .err = e};
    struct kube_reply reply = {.http = &none, .kind = e.kind, .err = &e};
    call_deliver(c, &reply);
}

static void on_timer(void *ctx)
{
    struct call *c = ctx;
    if (c->state == CALL_FAILS)
        call_deliver_failure(c);
    else
        call_start(c);
}

static void call_pause(struct call *c, int64_t delay_ms)
{
    c->state = CALL_PAUSES;
    loop_timer_set(c->kube->loop, &c->timer, delay_ms, on_timer, c);
}

static void call_fail_soon(struct call *c)
{
    c->state = CALL_FAILS;
    loop_timer_set(c->kube->loop, &c->timer, 0, on_timer, c);
}

static void on_http_done(void *ctx, const struct http_reply *r)
{
    struct call *c = ctx;
    struct kube *k = c->kube;
    uint32_t generation = c->grant.generation;
    call_let_go(c);
    if (r->status == 401 && !c->renewed && kube_credentials_refused(k->credentials, generation)) {
        c->renewed = true;
        call_pause(c, 0);
        return;
    }
    struct kube_status status = {.retry_s = -1};
    struct err e = r->err;
    if (r->kind && r->status >= 400) {
        kube_status_parse(r->arena, r->body, &status);
        struct kube_refusal refusal = {
            .method = c->request.method,
            .path = c->request.path,
            .credential = kube_credentials_name(k->credentials),
            .reply = r,
            .status = &status,
        };
        kube_refusal_describe(&refusal, &e);
    }
    struct kube_reply reply = {
        .http = r,
        .kind = r->kind,
        .reason = status.reason,
        .message = status.message,
        .err = &e,
    };
    call_deliver(c, &reply);
}

static enum http_data_verdict on_http_data(void *ctx, str bytes, struct err *e)
{
    struct call *c = ctx;
    return c->request.on_data(c->request.ctx, bytes, e);
}

/* ---- an attempt ---------------------------------------------------------------------------- */

static void call_send(struct call *c)
{
    const struct kube_request *q = &c->request;
    struct http_header headers[4];
    size_t n = 0;
    headers[n++] = (struct http_header){STR("User-Agent"), STR(USER_AGENT)};
    headers[n++] =
        (struct http_header){STR("Accept"), q->on_data ? STR("*/*") : STR("application/json, */*")};
    if (q->body.n)
        headers[n++] = (struct http_header){STR("Content-Type"), q->content_type};
    if (c->grant.authorization.n)
        headers[n++] = (struct http_header){STR("Authorization"), c->grant.authorization};
    int64_t timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_DEFAULT_MS;
    struct http_request request = {
        .target = c->grant.target,
        .method = q->method,
        .path = q->path,
        .headers = headers,
        .header_count = n,
        .body = q->body,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = timeout_ms < 0 ? 0 : timeout_ms,
        .idle_timeout_ms = q->idle_timeout_ms,
        .body_max = q->body_max,
        .on_data = q->on_data ? on_http_data : NULL,
        .on_done = on_http_done,
        .ctx = c,
    };
    c->state = CALL_SENT;
    if (http_send(c->kube->http, &request, &c->http, &c->err)) {
        call_let_go(c);
        if (!http_free(c->kube->http))
            call_pause(c, BUSY_WAIT_MS);
        else
            call_fail_soon(c);
    }
}

static void call_start(struct call *c)
{
    switch (kube_credentials_get(c->kube->credentials, &c->grant, &c->err)) {
    case KUBE_GRANTED:
        call_send(c);
        break;
    case KUBE_GRANT_PENDING:
        c->state = CALL_WAITS;
        break;
    case KUBE_GRANT_FAILED:
        call_fail_soon(c);
        break;
    }
}

static void on_credentials(void *ctx, const struct err *e)
{
    struct kube *k = ctx;
    for (uint32_t i = 0; i < k->slots.fresh; i++) {
        struct call *c = &k->calls[i];
        if (c->state != CALL_WAITS)
            continue;
        if (e) {
            c->err = *e;
            call_fail_soon(c);
        } else {
            call_pause(c, 0);
        }
    }
}

/* ---- for everybody ------------------------------------------------------------------------- */

enum err_kind kube_open(struct arena *perm, struct loop *loop, struct http *http,
                        const struct kube_config *config, struct kube **kube, struct err *e)
{
    struct url url;
    if (url_parse(config->target.base_url, &url, e) != ERR_NONE) {
        err_prefix(e, STR_FMT ": server can't be used: ", STR_ARG(config->source));
        e->kind = ERR_FATAL;
        return ERR_FATAL;
    }
    struct kube *k = ARENA_NEW(perm, struct kube);
    if (!k)
        return err_set(e, ERR_LIMIT, "no room for a client of another cluster");
    k->loop = loop;
    k->http = http;
    k->config = config;
    k->credentials = kube_credentials_new(perm, loop, config, on_credentials, k);
    slots_init(&k->slots, perm, KUBE_CALLS_MAX);
    k->calls = arena_untouched(perm, KUBE_CALLS_MAX * sizeof *k->calls);
    k->scratch = arena_over("kube scratch", arena_must(perm, KIB), KIB);
    *kube = k;
    return ERR_NONE;
}

const struct kube_config *kube_config_of(const struct kube *k)
{
    return k->config;
}

enum err_kind kube_send(struct kube *k, const struct kube_request *request, kube_id *id,
                        struct err *e)
{
    slot_id taken = slots_take(&k->slots);
    if (!taken)
        return err_set(e, ERR_LIMIT, "more than %d requests to one API server at once",
                       KUBE_CALLS_MAX);
    struct call *c = call_of(k, taken);
    ASSERT(c);
    struct arena arena = c->arena;
    if (!arena.base)
        arena_reserve(&arena, "kube call", KUBE_CALL_ARENA);
    *c = (struct call){.kube = k, .id = taken, .arena = arena, .request = *request};
    c->request.path = str_copy(&c->arena, request->path);
    c->request.body = str_copy(&c->arena, request->body);
    c->request.content_type = str_copy(
        &c->arena, request->content_type.n ? request->content_type : STR("application/json"));
    if (!c->request.path.p || !c->request.body.p || !c->request.content_type.p) {
        call_release(c);
        return err_set(e, ERR_LIMIT, "%s " STR_FMT ": a body of %zu bytes is too large",
                       http_method_name(request->method), STR_ARG(str_sub(request->path, 0, 120)),
                       request->body.n);
    }
    if (id)
        *id = taken;
    call_start(c);
    return ERR_NONE;
}

void kube_cancel(struct kube *k, kube_id id)
{
    struct call *c = call_of(k, id);
    if (!c)
        return;
    http_cancel(k->http, c->http);
    call_release(c);
}

void kube_resume(struct kube *k, kube_id id)
{
    struct call *c = call_of(k, id);
    if (c)
        http_resume(k->http, c->http);
}

bool kube_answered(const struct kube *k, kube_id id)
{
    ptrdiff_t index = slots_index(&k->slots, id);
    int status = index < 0 ? 0 : http_status(k->http, k->calls[index].http);
    return status >= 200 && status < 300;
}

void kube_close(struct kube *k)
{
    for (uint32_t i = 0; i < k->slots.fresh; i++)
        kube_cancel(k, slots_at(&k->slots, i));
    kube_credentials_stop(k->credentials);
}

str kube_path(struct arena *out, const char *api, str namespace, const char *resource, str name)
{
    size_t fixed = str_of(api).n + str_of(resource).n + sizeof "/namespaces///";
    struct buf b = buf_new(out, fixed + 3 * (namespace.n + name.n));
    buf_cstr(&b, api);
    if (namespace.n) {
        buf_cstr(&b, "/namespaces/");
        percent_encode(&b, namespace, (str){0});
    }
    buf_byte(&b, '/');
    buf_cstr(&b, resource);
    if (name.n) {
        buf_byte(&b, '/');
        percent_encode(&b, name, (str){0});
    }
    return b.full ? (str){0} : buf_str(&b);
}
