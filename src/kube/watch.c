/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/lines.h"
#include "kube/watch_line.h"
#include "net/backoff.h"

#define IDLE_DEFAULT_MS 70000 /* bookmarks come every 60 s */
#define SERVER_LEAST_S 240    /* what we ask the server to end a watch after ... */
#define SERVER_SPREAD_S 60    /* ... and a random part, so that streams do not end together */
#define PAGE_SIZE 500
#define PAGE_TIMEOUT_MS 120000
#define PAGE_REST_MAX (64 * KIB)
#define LIST_SILENCE_DEFAULT_MS 5000
#define SHORT_STREAM_MS 1000 /* a stream that ends sooner is no success; */
#define SHORT_STREAMS_MAX 2  /* so many in a row are renewed at once all the same */
#define STANDS_EVERY_MS 100  /* after trouble: is the stream accepted? */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_CAP_MS 30000
#define RETRY_AFTER_CAP_MS 300000
#define ERRORS_BEFORE_LIST 3 /* ERROR events in a row before the watch lists again */

enum watch_state {
    WATCH_STOPPED,
    WATCH_STREAM_LIST, /* a watch that begins with all that exists */
    WATCH_PAGE_LIST,
    WATCH_FOLLOWS,
    WATCH_BACKOFF,
};

/* Why we ended an exchange ourselves, from inside its data. */
enum watch_break { BREAK_NONE, BREAK_GONE, BREAK_ERROR, BREAK_STOP };

struct kube_watch {
    struct loop *loop;
    struct kube *kube;
    struct kube_watch_options options; /* its strings in perm */
    struct kube_watch_handler handler;
    enum watch_state state;
    bool pages; /* the server has no streaming list */
    kube_id call;
    struct loop_timer timer; /* back-off, or the wait for the end of a streaming list */
    struct kube_lines lines;
    struct arena arena; /* the page's reader, or one line's values */
    struct json_stream *page;
    enum watch_break broken;
    struct err error; /* of BREAK_ERROR */
    int64_t retry_ms; /* of BREAK_ERROR; -1 none */
    int64_t started_ms;
    bool fed;          /* this exchange has brought something */
    int failures;      /* in a row */
    int short_streams; /* in a row */
    bool recovering;   /* trouble was told, and nothing has worked since */
    int errors;        /* ERROR events in a row */
    uint64_t skipped_said;
    struct kube_watch_figures figures;
    char version[WATCH_VERSION_MAX]; /* empty: list first */
    char token[WATCH_TOKEN_MAX];     /* continue; empty: the first page */
};

static void start(struct kube_watch *w);
static void on_timer(void *ctx);

/* ---- requests ------------------------------------------------------------------------------ */

static void put_parameter(struct buf *b, const char *name, str value)
{
    buf_printf(b, "&%s=", name);
    percent_encode(b, value, (str){0});
}

static str watch_path(struct kube_watch *w, struct buf *b)
{
    const struct kube_watch_options *o = &w->options;
    char names[KIB];
    struct arena scratch = arena_over("path", names, sizeof names);
    buf_put(b, kube_path(&scratch, o->api, o->namespace, o->resource, (str){0}));
    if (w->state == WATCH_PAGE_LIST) {
        buf_printf(b, "?limit=%d", PAGE_SIZE);
        if (w->token[0])
            put_parameter(b, "continue", str_of(w->token));
    } else {
        buf_printf(b, "?watch=true&allowWatchBookmarks=true&timeoutSeconds=%d",
                   SERVER_LEAST_S + (int)(random_unit() * SERVER_SPREAD_S));
        if (w->state == WATCH_STREAM_LIST)
            buf_cstr(b, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        put_parameter(b, "resourceVersion", str_of(w->version));
    }
    if (w->options.label_selector.n)
        put_parameter(b, "labelSelector", w->options.label_selector);
    return buf_str(b);
}

/* ---- what comes next ----------------------------------------------------------------------- */

static void go(struct kube_watch *w, int64_t delay_ms)
{
    w->state = WATCH_BACKOFF;
    loop_timer_set(w->loop, &w->timer, delay_ms, on_timer, w);
}

/* The state that an exchange begins in: a list where no version is known. */
static enum watch_state entry_state(const struct kube_watch *w)
{
    if (w->version[0])
        return WATCH_FOLLOWS;
    return w->pages ? WATCH_PAGE_LIST : WATCH_STREAM_LIST;
}

static void back_off(struct kube_watch *w, const struct err *e, int64_t retry_ms)
{
    int64_t delay_ms = backoff_exponential_ms(BACKOFF_FIRST_MS, w->failures, BACKOFF_CAP_MS);
    if (retry_ms > RETRY_AFTER_CAP_MS)
        retry_ms = RETRY_AFTER_CAP_MS;
    if (retry_ms > delay_ms)
        delay_ms = retry_ms;
    w->failures++;
    w->recovering = true;
    w->figures.synced = false;
    go(w, delay_ms);
    if (w->handler.on_trouble)
        w->handler.on_trouble(w->handler.ctx, e, delay_ms);
}

/* Lists from the start: at once, or after a back-off where that has just failed. */
static void list_again(struct kube_watch *w, const struct err *e)
{
    w->version[0] = w->token[0] = '\0';
    w->figures.synced = false;
    if (w->failures)
        back_off(w, e, -1);
    else
        go(w, 0);
    w->failures += w->failures == 0;
}

static void set_version(struct kube_watch *w, str version)
{
    /* Without one, or with one that is too long to keep, the watch can't go on from here. */
    if (version.n && !str_to_cstr(version, w->version, sizeof w->version))
        w->version[0] = '\0';
}

/* A list is complete, or a stream goes on from a known version. */
static void recovered(struct kube_watch *w)
{
    w->figures.synced = true;
    if (!w->recovering)
        return;
    w->recovering = false;
    if (w->handler.on_recovered)
        w->handler.on_recovered(w->handler.ctx);
}

static void synced(struct kube_watch *w)
{
    w->figures.lists++;
    /* Only a stream that brings something is a success: a list alone can repeat for ever. */
    w->failures = w->failures > 0;
    if (w->handler.on_synced)
        w->handler.on_synced(w->handler.ctx);
    if (w->state != WATCH_STOPPED)
        recovered(w);
}

static void say_skipped(struct kube_watch *w)
{
    if (w->figures.skipped == w->skipped_said)
        return;
    w->skipped_said = w->figures.skipped;
    log_warning("Kubernetes: an object of the watch on %s is larger than %zu MiB and was passed "
                "over (%llu so far)",
                w->options.resource, WATCH_LINE_MAX / MIB, (unsigned long long)w->figures.skipped);
}

/* ---- lines of a watch ---------------------------------------------------------------------- */

static void take_error(struct kube_watch *w, const struct kube_status *status)
{
    if (status->code == 410 || str_eq(status->reason, STR("Expired")) ||
        str_eq(status->reason, STR("Gone"))) {
        w->broken = BREAK_GONE;
        err_set(&w->error, ERR_GONE, "the watch on %s is too far behind: " STR_FMT,
                w->options.resource, STR_ARG(status->message));
        return;
    }
    w->broken = BREAK_ERROR;
    w->retry_ms = status->retry_s > 0 && status->retry_s < 86400 ? status->retry_s * 1000 : -1;
    err_set(&w->error, status->code ? err_kind_of_status((int)status->code) : ERR_RETRY,
            "the watch on %s reported: " STR_FMT " (" STR_FMT ", %lld)", w->options.resource,
            STR_ARG(status->message), STR_ARG(status->reason), (long long)status->code);
}

static void hand_over(struct kube_watch *w, enum kube_line_type type, str object)
{
    static const enum kube_event events[] = {
        [KUBE_LINE_ADDED] = KUBE_ADDED,
        [KUBE_LINE_MODIFIED] = KUBE_MODIFIED,
        [KUBE_LINE_DELETED] = KUBE_DELETED,
    };
    enum kube_event event = events[type];
    if (w->state == WATCH_STREAM_LIST && event == KUBE_ADDED)
        event = KUBE_LISTED;
    if (w->broken)
        return; /* stopped meanwhile */
    w->figures.events++;
    w->handler.on_object(w->handler.ctx, event, object);
}

static void take_bookmark(struct kube_watch *w, const struct kube_watch_line *line)
{
    set_version(w, line->resource_version);
    if (w->state != WATCH_STREAM_LIST || !line->initial_events_end)
        return;
    loop_timer_clear(w->loop, &w->timer);
    w->state = WATCH_FOLLOWS;
    synced(w);
}

static void progress(struct kube_watch *w)
{
    w->errors = 0;
    if (w->state != WATCH_FOLLOWS)
        return;
    w->failures = 0;
    recovered(w);
}

static bool take_line(struct kube_watch *w, str text)
{
    struct kube_watch_line line;
    struct err e;
    if (!str_trim(text).n)
        return true;
    if (kube_watch_line_read(&w->arena, text, &line, &e)) {
        w->figures.skipped++;
        w->skipped_said++;
        log_warning("Kubernetes: %s", e.text);
        return true;
    }
    switch (line.type) {
    case KUBE_LINE_ADDED:
    case KUBE_LINE_MODIFIED:
    case KUBE_LINE_DELETED:
        /* In a streaming list the versions of what exists are no place to go on from. */
        if (w->state == WATCH_FOLLOWS)
            set_version(w, line.resource_version);
        progress(w);
        hand_over(w, line.type, line.object);
        break;
    case KUBE_LINE_BOOKMARK:
        progress(w);
        take_bookmark(w, &line);
        break;
    case KUBE_LINE_ERROR:
        take_error(w, &line.status);
        break;
    case KUBE_LINE_OTHER:
        break;
    }
    return w->broken == BREAK_NONE;
}

static bool on_line(void *ctx, str text)
{
    struct kube_watch *w = ctx;
    bool go_on = take_line(w, text);
    if (w->arena.used)
        arena_reset(&w->arena);
    return go_on;
}

/* ---- elements of a page -------------------------------------------------------------------- */

static enum err_kind on_element(void *ctx, str element, struct err *e)
{
    struct kube_watch *w = ctx;
    w->figures.events++;
    w->handler.on_object(w->handler.ctx, KUBE_LISTED, element);
    return w->broken ? err_set(e, ERR_LIMIT, "stopped") : ERR_NONE;
}

static enum err_kind end_page(struct kube_watch *w, struct err *e)
{
    str rest;
    struct json root;
    enum err_kind kind = json_stream_end(w->page, &rest, e);
    if (kind)
        return kind;
    w->figures.skipped += json_stream_skipped(w->page);
    say_skipped(w);
    kind = json_parse(&w->arena, rest, &root, e);
    if (kind)
        return kind;
    str version = json_str(&w->arena, json_path(root, "metadata.resourceVersion"));
    str token = json_str(&w->arena, json_path(root, "metadata.continue"));
    if (!str_to_cstr(token, w->token, sizeof w->token))
        return err_set(e, ERR_LIMIT, "the continue token of %zu bytes is too long", token.n);
    if (token.n)
        return ERR_NONE;
    set_version(w, version);
    return w->version[0] ? ERR_NONE : err_set(e, ERR_INVALID, "the list has no resourceVersion");
}

/* ---- an exchange --------------------------------------------------------------------------- */

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct kube_watch *w = ctx;
    w->fed = true;
    w->figures.last_contact_ms = loop_now_ms(w->loop);
    if (w->state == WATCH_PAGE_LIST) {
        if (json_stream_feed(w->page, bytes, e))
            return HTTP_DATA_STOP;
    } else {
        if (w->state == WATCH_STREAM_LIST)
            loop_timer_set(w->loop, &w->timer, w->options.list_silence_ms, on_timer, w);
        uint64_t before = w->lines.skipped;
        bool go_on = kube_lines_feed(&w->lines, bytes, on_line, w);
        w->figures.skipped += w->lines.skipped - before;
        say_skipped(w);
        if (!go_on) {
            err_set(e, ERR_RETRY, "ended by us");
            return HTTP_DATA_STOP;
        }
    }
    return HTTP_DATA_TAKEN;
}

static void after_page(struct kube_watch *w)
{
    struct err e;
    if (end_page(w, &e)) {
        err_prefix(&e, "the list of %s: ", w->options.resource);
        w->version[0] = w->token[0] = '\0';
        back_off(w, &e, -1);
        return;
    }
    if (w->token[0]) {
        go(w, 0);
        return;
    }
    synced(w);
    if (w->state != WATCH_STOPPED)
        go(w, 0);
}

/* The stream ended without a fault, as the server does after timeoutSeconds, or by a cut after it
 * had stood for a while: go on from the last version at once. */
static void renew(struct kube_watch *w, const struct err *e, int64_t stood_ms)
{
    w->short_streams = stood_ms < SHORT_STREAM_MS ? w->short_streams + 1 : 0;
    if (w->state == WATCH_STREAM_LIST || w->short_streams > SHORT_STREAMS_MAX) {
        back_off(w, e, -1);
        return;
    }
    go(w, 0);
}

static void after_failure(struct kube_watch *w, const struct kube_reply *reply)
{
    int64_t stood_ms = loop_now_ms(w->loop) - w->started_ms;
    int status = reply->http->status;
    if (w->state == WATCH_STREAM_LIST && (status == 400 || status == 422)) {
        log_debug("Kubernetes: no streaming list of %s here, it is read in pages",
                  w->options.resource);
        w->pages = true;
        go(w, 0);
    } else if (status == 410) {
        list_again(w, reply->err);
    } else if (w->state == WATCH_FOLLOWS && status < 400 && w->fed) {
        renew(w, reply->err, stood_ms);
    } else {
        w->token[0] = '\0'; /* an interrupted list begins anew */
        back_off(w, reply->err, reply->http->retry_after_ms);
    }
}

static void on_done(void *ctx, const struct kube_reply *reply)
{
    struct kube_watch *w = ctx;
    int64_t stood_ms = loop_now_ms(w->loop) - w->started_ms;
    w->call = 0;
    kube_lines_clear(&w->lines);
    loop_timer_clear(w->loop, &w->timer);
    switch (w->broken) {
    case BREAK_STOP:
        return;
    case BREAK_GONE:
        list_again(w, &w->error);
        return;
    case BREAK_ERROR:
        if (++w->errors >= ERRORS_BEFORE_LIST)
            w->version[0] = '\0';
        back_off(w, &w->error, w->retry_ms);
        return;
    case BREAK_NONE:
        break;
    }
    if (reply->kind) {
        after_failure(w, reply);
    } else if (w->state == WATCH_PAGE_LIST) {
        after_page(w);
    } else {
        struct err e;
        err_set(&e, ERR_RETRY, "the API server ended the watch on %s early", w->options.resource);
        renew(w, &e, stood_ms);
    }
}

static enum err_kind send(struct kube_watch *w, struct err *e)
{
    char memory[HTTP_URL_MAX];
    struct buf b = buf_over(memory, sizeof memory);
    bool page = w->state == WATCH_PAGE_LIST;
    struct kube_request request = {
        .method = HTTP_GET,
        .path = watch_path(w, &b),
        .timeout_ms = page ? PAGE_TIMEOUT_MS : -1,
        .idle_timeout_ms = w->options.idle_timeout_ms,
        .on_data = on_data,
        .on_done = on_done,
        .ctx = w,
    };
    if (b.full)
        return err_set(e, ERR_LIMIT, "the label selector of the watch on %s is too long",
                       w->options.resource);
    arena_reset(&w->arena);
    if (page) {
        struct json_stream_options options = {
            .member = STR("items"),
            .element_max = WATCH_LINE_MAX,
            .rest_max = PAGE_REST_MAX,
            .on_element = on_element,
            .ctx = w,
        };
        w->page = json_stream_new(&w->arena, &options);
        ASSERT(w->page);
    }
    return kube_send(w->kube, &request, &w->call, e);
}

static void start(struct kube_watch *w)
{
    struct err e;
    w->state = entry_state(w);
    w->broken = BREAK_NONE;
    w->fed = false;
    w->started_ms = loop_now_ms(w->loop);
    if (w->state != WATCH_FOLLOWS && !w->token[0] && w->handler.on_list)
        w->handler.on_list(w->handler.ctx);
    if (w->state == WATCH_STOPPED)
        return;
    if (send(w, &e))
        back_off(w, &e, -1);
    else if (w->state == WATCH_STREAM_LIST)
        loop_timer_set(w->loop, &w->timer, w->options.list_silence_ms, on_timer, w);
    else if (w->state == WATCH_FOLLOWS && !w->figures.synced)
        loop_timer_set(w->loop, &w->timer, STANDS_EVERY_MS, on_timer, w);
}

static void on_timer(void *ctx)
{
    struct kube_watch *w = ctx;
    if (w->call && w->state == WATCH_FOLLOWS) {
        if (kube_answered(w->kube, w->call))
            recovered(w);
        else
            loop_timer_set(w->loop, &w->timer, STANDS_EVERY_MS, on_timer, w);
        return;
    }
    if (w->call && w->state == WATCH_STREAM_LIST) {
        /* A server that ignores sendInitialEvents: it never says that all has been sent. */
        log_debug("Kubernetes: no end of the streaming list of %s, it is read in pages",
                  w->options.resource);
        kube_cancel(w->kube, w->call);
        w->call = 0;
        kube_lines_clear(&w->lines);
        w->pages = true;
    }
    start(w);
}

/* ---- for everybody ------------------------------------------------------------------------- */

struct kube_watch *kube_watch_open(struct arena *perm, struct loop *loop, struct kube *kube,
                                   const struct kube_watch_options *options,
                                   const struct kube_watch_handler *handler)
{
    struct kube_watch *w = arena_must(perm, sizeof *w);
    w->loop = loop;
    w->kube = kube;
    w->handler = *handler;
    w->options = *options;
    w->options.namespace = str_copy(perm, options->namespace);
    w->options.label_selector = str_copy(perm, options->label_selector);
    ASSERT(w->options.namespace.p && w->options.label_selector.p);
    if (!w->options.idle_timeout_ms)
        w->options.idle_timeout_ms = IDLE_DEFAULT_MS;
    if (!w->options.list_silence_ms)
        w->options.list_silence_ms = LIST_SILENCE_DEFAULT_MS;
    kube_lines_init(&w->lines, WATCH_LINE_MAX);
    arena_reserve(&w->arena, "watch", WATCH_ARENA);
    go(w, 0);
    return w;
}

void kube_watch_stop(struct kube_watch *w)
{
    w->state = WATCH_STOPPED;
    w->broken = BREAK_STOP;
    loop_timer_clear(w->loop, &w->timer);
    kube_cancel(w->kube, w->call);
    w->call = 0;
    w->figures.synced = false;
}

struct kube_watch_figures kube_watch_figures(const struct kube_watch *w)
{
    return w->figures;
}
