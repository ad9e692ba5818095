/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/client.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"
#include "format/json.h"
#include "prefect/attempt.h"
#include "prefect/headers.h"

#define BUSY_WAIT_MS 100        /* all exchanges of net/http are taken */
#define TOTAL_TIMEOUT_FACTOR 10 /* of a collected reply, in request timeouts */

enum call_state {
    CALL_FREE,
    CALL_WAITS_FOR_TOKEN, /* another call fetches the CSRF token */
    CALL_SENT,
    CALL_PAUSES, /* before the next attempt */
    CALL_FAILS,  /* err is delivered in the next turn */
};

struct call {
    struct prefect *prefect;
    slot_id id;
    enum call_state state;
    struct arena arena; /* path and body; reserved once */
    enum http_method method;
    str path, body; /* in the arena */
    enum prefect_repeat repeat;
    size_t body_max;
    http_data_fn *on_data;
    prefect_done_fn *on_done;
    void *ctx;
    http_id http;
    int tries;
    bool streamed, lost;
    struct loop_timer timer;
    struct err err;
};

struct prefect {
    struct loop *loop;
    struct http *http;
    struct tls_config tls;
    struct http_target target;
    struct prefect_headers headers;
    struct slots slots;
    struct call *calls;
    struct arena scratch; /* of replies that no exchange stands behind */
    char worker_name[PREFECT_NAME_MAX];
    char worker_id[UUID_TEXT_LEN + 1];
    int64_t timeout_ms;
    int max_retries;
    double jitter_factor;
    const int *extra_codes;
    size_t extra_code_count;
    bool reached; /* some reply has arrived */
    int64_t maintenance_until_ms;

    bool csrf;         /* the server may want tokens */
    slot_id csrf_call; /* the fetch under way, or 0 */
    char csrf_client[UUID_TEXT_LEN + 1];
    char csrf_token[PREFECT_TOKEN_MAX];
    size_t csrf_token_n;
    int64_t csrf_expires_us; /* 0: not said */
};

static void call_start(struct call *c);

static struct call *call_of(struct prefect *p, slot_id id)
{
    ptrdiff_t index = slots_index(&p->slots, id);
    return index < 0 ? NULL : &p->calls[index];
}

static void call_release(struct call *c)
{
    loop_timer_clear(c->prefect->loop, &c->timer);
    slots_free(&c->prefect->slots, c->id);
    c->state = CALL_FREE;
    c->id = 0;
    c->http = 0;
    arena_reset(&c->arena);
}

/* ---- the outcome --------------------------------------------------------------------------- */

/* The call ends before its callback runs: that may send again and get the same place. */
static void call_deliver(struct call *c, struct prefect_reply *reply)
{
    prefect_done_fn *on_done = c->on_done;
    void *ctx = c->ctx;
    reply->lost = c->lost && c->method != HTTP_GET;
    call_release(c);
    on_done(ctx, reply);
}

static void call_deliver_failure(struct call *c)
{
    struct prefect *p = c->prefect;
    struct err e = c->err;
    arena_reset(&p->scratch);
    struct http_reply none = {.kind = e.kind, .retry_after_ms = -1, .arena = &p->scratch, .err = e};
    struct prefect_reply reply = {
        .kind = e.kind,
        .arena = &p->scratch,
        .http = &none,
        .err = &e,
    };
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
    loop_timer_set(c->prefect->loop, &c->timer, delay_ms, on_timer, c);
}

/* Reports c->err in a turn of its own, so never from inside a caller's call. */
static void call_fail_soon(struct call *c)
{
    c->state = CALL_FAILS;
    loop_timer_set(c->prefect->loop, &c->timer, 0, on_timer, c);
}

static void call_again(struct call *c, const struct prefect_step *step, const struct err *e)
{
    struct prefect *p = c->prefect;
    if (step->maintenance) {
        p->maintenance_until_ms = loop_now_ms(p->loop) + step->delay_ms;
        log_warning("%s; the Prefect API is under maintenance, next try in %.1f s", e->text,
                    (double)step->delay_ms / 1000);
    } else {
        log_warning("%s; next try in %.1f s (%d of %d)", e->text, (double)step->delay_ms / 1000,
                    step->tries, p->max_retries);
    }
    call_pause(c, step->delay_ms);
}

static void on_http_done(void *ctx, const struct http_reply *r)
{
    struct call *c = ctx;
    struct prefect *p = c->prefect;
    struct prefect_attempt attempt = {
        .repeat = c->repeat,
        .tries = c->tries,
        .max_retries = p->max_retries,
        .reached = p->reached,
        .streamed = c->streamed,
        .extra_codes = p->extra_codes,
        .extra_code_count = p->extra_code_count,
        .jitter_factor = p->jitter_factor,
    };
    c->http = 0;
    p->reached = p->reached || r->status;
    struct err e = r->err;
    if (r->kind) {
        prefect_reply_error(r, &e);
        struct prefect_step step = prefect_attempt_judge(&attempt, r);
        c->tries = step.tries;
        c->lost = c->lost || prefect_attempt_lost(r);
        if (step.token_refused)
            p->csrf_token_n = 0;
        if (step.again) {
            call_again(c, &step, &e);
            return;
        }
    }
    struct prefect_reply reply = {
        .kind = r->kind,
        .status = r->status,
        .body = r->body,
        .arena = r->arena,
        .http = r,
        .err = &e,
    };
    call_deliver(c, &reply);
}

static enum http_data_verdict on_http_data(void *ctx, str bytes, struct err *e)
{
    struct call *c = ctx;
    c->streamed = true;
    return c->on_data(c->ctx, bytes, e);
}

/* ---- CSRF ---------------------------------------------------------------------------------- */

static bool csrf_wanted(const struct call *c)
{
    return c->prefect->csrf && c->method != HTTP_GET;
}

static bool csrf_valid(const struct prefect *p)
{
    return p->csrf_token_n && (!p->csrf_expires_us || time_now_us() < p->csrf_expires_us);
}

static bool csrf_is_off(const struct prefect_reply *reply)
{
    return reply->status == 404 ||
           (reply->status == 422 && str_has(reply->body, STR("CSRF protection is disabled.")));
}

static enum err_kind csrf_read(struct prefect *p, const struct prefect_reply *reply, struct err *e)
{
    struct json root;
    enum err_kind kind = json_parse(reply->arena, reply->body, &root, e);
    if (kind)
        return err_prefix(e, "the reply of /csrf-token: ");
    str token = json_str(reply->arena, json_get(root, STR("token")));
    if (!token.n || !str_to_cstr(token, p->csrf_token, sizeof p->csrf_token))
        return err_set(e, ERR_INVALID, "the reply of /csrf-token has no usable token");
    p->csrf_token_n = token.n;
    str expiration = json_str(reply->arena, json_get(root, STR("expiration")));
    if (!time_parse_rfc3339(expiration, &p->csrf_expires_us))
        p->csrf_expires_us = 0;
    return ERR_NONE;
}

static void on_csrf_done(void *ctx, const struct prefect_reply *reply)
{
    struct prefect *p = ctx;
    struct err e = *reply->err;
    enum err_kind kind = reply->kind;
    p->csrf_call = 0;
    p->csrf_token_n = 0;
    if (kind && csrf_is_off(reply)) {
        p->csrf = false;
        kind = ERR_NONE;
    } else if (!kind) {
        kind = csrf_read(p, reply, &e);
    }
    for (uint32_t i = 0; i < p->slots.fresh; i++) {
        struct call *c = &p->calls[i];
        if (c->state != CALL_WAITS_FOR_TOKEN)
            continue;
        if (kind) {
            c->err = e;
            call_fail_soon(c);
        } else {
            call_pause(c, 0);
        }
    }
}

/* ---- an attempt ---------------------------------------------------------------------------- */

static void call_send(struct call *c)
{
    struct prefect *p = c->prefect;
    struct http_header list[HTTP_HEADERS_MAX];
    struct prefect_header_options options = {.body = c->body.n > 0};
    if (csrf_wanted(c)) {
        options.csrf_token = (str){p->csrf_token, p->csrf_token_n};
        options.csrf_client = str_of(p->csrf_client);
    }
    struct http_request request = {
        .target = &p->target,
        .method = c->method,
        .path = c->path,
        .headers = list,
        .header_count = prefect_headers_list(&p->headers, &options, list),
        .body = c->body,
        .connect_timeout_ms = p->timeout_ms,
        .timeout_ms = c->on_data ? 0 : p->timeout_ms * TOTAL_TIMEOUT_FACTOR,
        .idle_timeout_ms = p->timeout_ms,
        .body_max = c->body_max,
        .on_data = c->on_data ? on_http_data : NULL,
        .on_done = on_http_done,
        .ctx = c,
    };
    c->state = CALL_SENT;
    if (http_send(p->http, &request, &c->http, &c->err)) {
        if (!http_free(p->http))
            call_pause(c, BUSY_WAIT_MS);
        else
            call_fail_soon(c);
    }
}

static struct call *call_new(struct prefect *p, const struct prefect_request *request,
                             struct err *e)
{
    slot_id id = slots_take(&p->slots);
    struct call *c = call_of(p, id);
    ASSERT(c);
    struct arena arena = c->arena;
    if (!arena.base)
        arena_reserve(&arena, "prefect call", PREFECT_CALL_ARENA);
    *c = (struct call){
        .prefect = p,
        .id = id,
        .arena = arena,
        .method = request->method,
        .repeat = request->repeat,
        .body_max = request->body_max,
        .on_data = request->on_data,
        .on_done = request->on_done,
        .ctx = request->ctx,
    };
    c->path = str_copy(&c->arena, request->path);
    c->body = str_copy(&c->arena, request->body);
    if (!c->path.p || !c->body.p) {
        call_release(c);
        err_set(e, ERR_LIMIT, "%s " STR_FMT ": a body of %zu bytes is too large",
                http_method_name(request->method), STR_ARG(str_sub(request->path, 0, 120)),
                request->body.n);
        return NULL;
    }
    return c;
}

static void csrf_fetch(struct prefect *p)
{
    char path[64];
    struct buf b = buf_over(path, sizeof path);
    buf_printf(&b, "/csrf-token?client=%s", p->csrf_client);
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = buf_str(&b),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_csrf_done,
        .ctx = p,
    };
    struct call *c = call_new(p, &request, NULL);
    ASSERT(c);
    p->csrf_call = c->id;
    call_send(c);
}

static void call_start(struct call *c)
{
    struct prefect *p = c->prefect;
    if (!csrf_wanted(c) || csrf_valid(p)) {
        call_send(c);
        return;
    }
    c->state = CALL_WAITS_FOR_TOKEN;
    if (!p->csrf_call)
        csrf_fetch(p);
}

/* ---- for everybody ------------------------------------------------------------------------- */

static enum err_kind set_target(struct prefect *p, struct arena *perm,
                                const struct prefect_options *options, struct err *e)
{
    str url = str_trim(options->api_url);
    while (str_ends(url, STR("/")))
        url.n--;
    bool https = str_starts(url, STR("https://"));
    size_t scheme = https ? 8 : 7;
    if ((!https && !str_starts(url, STR("http://"))) || url.n <= scheme || url.p[scheme] == '/' ||
        url.p[scheme] == ':')
        return err_set(e, ERR_INVALID,
                       "PREFECT_API_URL \"" STR_FMT "\" is no URL of the form "
                       "http(s)://host[:port]/api",
                       STR_ARG(url));
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '?' || url.p[i] == '#')
            return err_set(e, ERR_INVALID,
                           "PREFECT_API_URL \"" STR_FMT "\" has a character that is no part of "
                           "such a URL (blank, ? or #)",
                           STR_ARG(url));
    p->tls = options->tls;
    p->target = (struct http_target){
        .base_url = str_copy(perm, url),
        .proxy = options->proxy,
        .tls = https ? &p->tls : NULL,
    };
    return p->target.base_url.p ? ERR_NONE : err_set(e, ERR_LIMIT, "PREFECT_API_URL is too long");
}

enum err_kind prefect_open(struct arena *perm, struct loop *loop, struct http *http,
                           const struct prefect_options *options, struct prefect **prefect,
                           struct err *e)
{
    struct prefect *p = arena_must(perm, sizeof *p);
    enum err_kind kind = set_target(p, perm, options, e);
    if (!kind)
        kind = prefect_headers_init(&p->headers, perm, options->api_key, options->api_auth_string,
                                    options->custom_headers, e);
    if (kind)
        return kind;
    p->loop = loop;
    p->http = http;
    p->timeout_ms = options->request_timeout_s > 0 && options->request_timeout_s < 86400
                        ? (int64_t)(options->request_timeout_s * 1000)
                        : 60000;
    p->max_retries = options->max_retries;
    p->jitter_factor = options->jitter_factor;
    p->extra_codes = options->extra_codes;
    p->extra_code_count = options->extra_code_count;
    p->csrf = options->csrf && !options->cloud;
    struct uuid client = uuid_v4();
    uuid_format(&client, p->csrf_client);
    slots_init(&p->slots, perm, PREFECT_CALLS_MAX + 1); /* one for the CSRF token */
    p->calls = arena_untouched(perm, (PREFECT_CALLS_MAX + 1) * sizeof *p->calls);
    p->scratch = arena_over("prefect scratch", arena_must(perm, KIB), KIB);
    *prefect = p;
    return ERR_NONE;
}

void prefect_set_worker_name(struct prefect *p, str name)
{
    name = str_trim_chars(name, STR(" \t"));
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
            return; /* can't stand in a header */
    if (str_to_cstr(name, p->worker_name, sizeof p->worker_name))
        p->headers.worker_name = (str){p->worker_name, name.n};
}

void prefect_set_worker_id(struct prefect *p, str id)
{
    struct uuid checked;
    if (uuid_parse(id, &checked))
        p->headers.worker_id = uuid_format(&checked, p->worker_id);
}

enum err_kind prefect_send(struct prefect *p, const struct prefect_request *request, prefect_id *id,
                           struct err *e)
{
    if (p->slots.used - (p->csrf_call ? 1 : 0) >= PREFECT_CALLS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d requests to the Prefect API at once",
                       PREFECT_CALLS_MAX);
    struct call *c = call_new(p, request, e);
    if (!c)
        return ERR_LIMIT;
    if (id)
        *id = c->id;
    call_start(c);
    return ERR_NONE;
}

void prefect_cancel(struct prefect *p, prefect_id id)
{
    struct call *c = call_of(p, id);
    if (!c)
        return;
    http_cancel(p->http, c->http);
    call_release(c);
}

void prefect_resume(struct prefect *p, prefect_id id)
{
    struct call *c = call_of(p, id);
    if (c)
        http_resume(p->http, c->http);
}

int64_t prefect_maintenance_until_ms(const struct prefect *p)
{
    return p->maintenance_until_ms;
}
