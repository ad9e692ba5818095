/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <string.h>

#include "net/http_exchange.h"
#include "net/loop_curl.h"

/*
 * The pool. Everything that ends an exchange goes through finish() or drop(), outside of curl's
 * callbacks: what is asked for inside of one is noted in the exchange and done by the loop's hook.
 */

struct http {
    struct loop *loop;
    struct slots slots;
    struct exchange *exchanges;
    bool deferred; /* some exchange has something noted */
    uint64_t requests, failures;
    size_t arena_high; /* of exchanges whose memory went back */
};

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    return names[method];
}

/* -- an exchange's place in the pool */

static struct exchange *take(struct http *http)
{
    slot_id id = slots_take(&http->slots);
    if (!id)
        return NULL;
    struct exchange *x = &http->exchanges[slots_index(&http->slots, id)];
    struct arena arena = x->arena;
    CURL *easy = x->easy;
    if (!arena.base)
        arena_reserve(&arena, "exchange", HTTP_EXCHANGE_ARENA);
    memset(x, 0, sizeof *x);
    x->http = http;
    x->loop = http->loop;
    x->id = id;
    x->arena = arena;
    x->easy = easy ? easy : curl_easy_init();
    x->retry_after_ms = -1;
    return x;
}

/* The first few places keep their arena's pages and curl's handle; those that only a burst needs
 * give everything back. */
static void release(struct exchange *x)
{
    struct http *http = x->http;
    loop_timer_clear(x->loop, &x->deadline);
    loop_timer_clear(x->loop, &x->idle);
    if (x->arena.high > http->arena_high)
        http->arena_high = x->arena.high;
    if (x - http->exchanges < HTTP_EXCHANGES_WARM) {
        arena_reset(&x->arena);
        if (x->easy)
            curl_easy_reset(x->easy);
    } else {
        arena_release(&x->arena);
        curl_easy_cleanup(x->easy);
        x->easy = NULL;
    }
    slots_free(&http->slots, x->id);
    x->id = 0;
}

/* NULL for ids that are over, also while on_done of theirs runs. */
static struct exchange *find(const struct http *http, http_id id)
{
    ptrdiff_t i = slots_index(&http->slots, id);
    struct exchange *x = i < 0 ? NULL : &http->exchanges[i];
    return x && !x->cancelled && !x->finishing ? x : NULL;
}

static void leave_multi(struct exchange *x)
{
    if (!x->in_multi)
        return;
    CURLMcode code = curl_multi_remove_handle(loop_multi(x->loop), x->easy);
    ASSERT(code == CURLM_OK);
    x->in_multi = false;
}

static void drop(struct exchange *x)
{
    leave_multi(x);
    release(x);
}

/* -- starting and ending */

static enum err_kind start(struct exchange *x, struct err *e)
{
    x->start_wanted = false;
    CURLMcode code = curl_multi_add_handle(loop_multi(x->loop), x->easy);
    if (code != CURLM_OK)
        return err_set(e, ERR_RETRY, "curl cannot start the request: %s",
                       curl_multi_strerror(code));
    x->in_multi = true;
    return ERR_NONE;
}

/* True where the exchange goes on at another URL. */
static bool follow(struct exchange *x)
{
    struct err e = {0};
    if (!exchange_redirect(x, &e)) {
        if (e.kind) {
            x->own_err = e;
            x->end = END_REFUSED;
        }
        return false;
    }
    enum err_kind kind = exchange_set_up(x, &e);
    if (!kind)
        kind = start(x, &e);
    if (!kind)
        return true;
    x->own_err = e;
    x->end = END_REFUSED;
    return false;
}

static void finish(struct exchange *x, CURLcode code)
{
    leave_multi(x);
    if (code == CURLE_OK && !x->head_complete)
        code = CURLE_PARTIAL_FILE;
    if (code == CURLE_OK && x->end == END_BY_CURL && follow(x))
        return;
    x->finishing = true;
    loop_timer_clear(x->loop, &x->deadline);
    loop_timer_clear(x->loop, &x->idle);
    struct http_reply reply = exchange_outcome(x, code);
    x->http->failures += reply.kind != ERR_NONE;
    x->on_done(x->ctx, &reply);
    release(x);
}

static void on_deadline(void *ctx)
{
    struct exchange *x = ctx;
    x->end = END_DEADLINE;
    finish(x, CURLE_OPERATION_TIMEDOUT);
}

/* Bytes are counted by their time alone, so the timer is not set anew for each of them. Until the
 * request is sent, and while the caller has paused the stream, silence means nothing. */
static void on_idle(void *ctx)
{
    struct exchange *x = ctx;
    int64_t left_ms = x->last_byte_ms + x->idle_timeout_ms - loop_now_ms(x->loop);
    if (x->sendings == 0 || x->paused)
        left_ms = x->idle_timeout_ms;
    if (left_ms > 0) {
        loop_timer_set(x->loop, &x->idle, left_ms, on_idle, x);
        return;
    }
    x->end = END_IDLE;
    finish(x, CURLE_OPERATION_TIMEDOUT);
}

/* -- after curl */

static void run_noted(struct http *http)
{
    http->deferred = false;
    for (uint32_t i = 0; i < http->slots.fresh; i++) {
        struct exchange *x = &http->exchanges[i];
        struct err e;
        if (!slots_at(&http->slots, i))
            continue;
        if (x->cancelled) {
            drop(x);
        } else if (x->start_wanted && start(x, &e)) {
            x->own_err = e;
            x->end = END_REFUSED;
            finish(x, CURLE_FAILED_INIT);
        } else if (x->resume_wanted) {
            x->resume_wanted = false;
            curl_easy_pause(x->easy, CURLPAUSE_CONT);
        }
    }
}

static void after_curl(void *ctx)
{
    struct http *http = ctx;
    if (http->deferred)
        run_noted(http);
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(loop_multi(http->loop), &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        struct exchange *x = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        ASSERT(x && x->in_multi);
        finish(x, code);
    }
}

/* -- the interface */

enum err_kind http_open(struct arena *perm, struct loop *loop, struct http **out, struct err *e)
{
    struct http *http = arena_must(perm, sizeof *http);
    http->loop = loop;
    slots_init(&http->slots, perm, HTTP_EXCHANGES_MAX);
    http->exchanges = arena_untouched(perm, HTTP_EXCHANGES_MAX * sizeof *http->exchanges);
    CURLM *multi = loop_multi(loop);
    if (curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP_HOST_CONNECTIONS_MAX) ||
        curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)HTTP_EXCHANGES_MAX) ||
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_KEPT) ||
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING))
        return err_set(e, ERR_FATAL, "curl does not take its limits");
    loop_set_curl_hook(loop, after_curl, http);
    *out = http;
    return ERR_NONE;
}

void http_close(struct http *http)
{
    ASSERT(!loop_in_curl(http->loop));
    for (uint32_t i = 0; i < http->slots.fresh; i++) {
        struct exchange *x = &http->exchanges[i];
        if (slots_at(&http->slots, i))
            drop(x);
        curl_easy_cleanup(x->easy);
        x->easy = NULL;
        arena_release(&x->arena);
    }
    loop_set_curl_hook(http->loop, NULL, NULL);
}

enum err_kind http_send(struct http *http, const struct http_request *request, http_id *id,
                        struct err *e)
{
    struct exchange *x = take(http);
    if (!x)
        return err_set(e, ERR_LIMIT, "%d requests are under way already", HTTP_EXCHANGES_MAX);
    enum err_kind kind = ERR_NONE;
    if (!x->easy)
        kind = err_set(e, ERR_RETRY, "curl's memory budget is used up");
    if (!kind)
        kind = exchange_take(x, request, e);
    if (!kind)
        kind = exchange_set_up(x, e);
    if (!kind && loop_in_curl(http->loop))
        x->start_wanted = http->deferred = true;
    else if (!kind)
        kind = start(x, e);
    if (kind) {
        release(x);
        return kind;
    }
    if (x->timeout_ms > 0)
        loop_timer_set(x->loop, &x->deadline, x->timeout_ms, on_deadline, x);
    if (x->idle_timeout_ms > 0)
        loop_timer_set(x->loop, &x->idle, x->idle_timeout_ms, on_idle, x);
    http->requests++;
    *id = x->id;
    return ERR_NONE;
}

void http_cancel(struct http *http, http_id id)
{
    struct exchange *x = find(http, id);
    if (x && loop_in_curl(http->loop))
        x->cancelled = http->deferred = true;
    else if (x)
        drop(x);
}

void http_resume(struct http *http, http_id id)
{
    struct exchange *x = find(http, id);
    if (!x || !x->paused)
        return;
    x->paused = false;
    x->last_byte_ms = loop_now_ms(x->loop);
    if (loop_in_curl(http->loop))
        x->resume_wanted = http->deferred = true;
    else
        curl_easy_pause(x->easy, CURLPAUSE_CONT);
}

int http_status(const struct http *http, http_id id)
{
    const struct exchange *x = find(http, id);
    return x && x->head_complete ? x->status : 0;
}

size_t http_free(const struct http *http)
{
    return http->slots.cap - http->slots.used;
}

struct http_figures http_figures(const struct http *http)
{
    struct http_figures f = {http->requests, http->failures, http->arena_high, http->slots.used};
    for (uint32_t i = 0; i < http->slots.fresh; i++)
        if (http->exchanges[i].arena.high > f.exchange_arena_high)
            f.exchange_arena_high = http->exchanges[i].arena.high;
    return f;
}
