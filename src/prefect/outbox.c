/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/outbox.h"

#include <string.h>

#include "base/log.h"
#include "net/backoff.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_CAP_MS 60000
#define RETRY_AFTER_CAP_MS 300000
#define REFUSAL_EVERY_MS 60000

/*
 * The text is ",{...},{...}" with one byte to spare: the byte before an item becomes '[' and the
 * one behind the last item of a batch ']' while it is sent, so a batch is a view of the text.
 */
struct prefect_outbox {
    struct loop *loop;
    struct prefect *prefect;
    struct prefect_outbox_options options;
    struct arena arena; /* the text; pages go back when it is empty */
    struct buf text;
    struct buf room; /* between begin and commit */
    uint32_t *sizes; /* of the items, with the byte before each */
    size_t count, weight;
    prefect_id call;
    size_t batch_count, batch_bytes; /* under way */
    size_t suspects;                 /* items of a refused batch that are not sorted out yet */
    size_t limit;                    /* items of the next batch; 0: as many as fit */
    struct loop_timer timer;
    bool waits;      /* the timer is set */
    bool hurries;    /* flush: no delay until nothing waits */
    bool off;        /* the server does not take them */
    int failures;    /* in a row */
    bool short_said; /* that there is no room */
    int64_t refusal_said_ms;
    struct prefect_outbox_figures figures;
};

static void send_batch(struct prefect_outbox *o);

static void on_timer(void *ctx)
{
    struct prefect_outbox *o = ctx;
    o->waits = false;
    send_batch(o);
}

static void send_after(struct prefect_outbox *o, int64_t delay_ms)
{
    o->waits = true;
    loop_timer_set(o->loop, &o->timer, delay_ms, on_timer, o);
}

/* Decides when the next batch goes; nothing to do while one is under way or in back-off. */
static void schedule(struct prefect_outbox *o)
{
    if (!o->count) {
        o->hurries = false;
        return;
    }
    if (o->call || (o->failures && o->waits && !o->hurries))
        return;
    if (o->hurries || o->suspects || o->weight >= o->options.full_at)
        send_after(o, 0);
    else if (!o->waits)
        send_after(o, o->options.delay_ms);
}

/* Forgets the first items. */
static void remove_first(struct prefect_outbox *o, size_t count, size_t bytes)
{
    o->count -= count;
    memmove(o->sizes, o->sizes + count, o->count * sizeof *o->sizes);
    o->text.n -= bytes;
    memmove(o->text.p, o->text.p + bytes, o->text.n);
    o->weight = o->text.n; /* near enough for what is left */
    if (!o->count) {
        arena_reset(&o->arena);
        o->text = buf_new(&o->arena, o->options.bytes_max + 1);
        o->text.cap--;
    }
    if (o->short_said && o->text.n < o->options.bytes_max / 2) {
        o->short_said = false;
        log_info("Prefect: %ss are taken again; %llu were dropped so far", o->options.what,
                 (unsigned long long)o->figures.dropped);
    }
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static void take_success(struct prefect_outbox *o)
{
    if (o->failures)
        log_info("Prefect: %ss are delivered again", o->options.what);
    o->failures = 0;
    o->figures.sent += o->batch_count;
    o->suspects -= o->suspects < o->batch_count ? o->suspects : o->batch_count;
    if (!o->suspects)
        o->limit = 0;
    remove_first(o, o->batch_count, o->batch_bytes);
}

static void take_refusal(struct prefect_outbox *o, const struct err *e)
{
    o->failures = 0;
    o->figures.failed_batches++;
    if (o->batch_count > 1) {
        if (o->suspects < o->batch_count)
            o->suspects = o->batch_count;
        o->limit = (o->batch_count + 1) / 2;
        return;
    }
    o->figures.dropped++;
    /* One line a minute: a fault of many items is one fault. */
    int64_t now_ms = loop_now_ms(o->loop);
    bool said = o->refusal_said_ms && now_ms - o->refusal_said_ms < REFUSAL_EVERY_MS;
    log_write(said ? LOG_DEBUG : LOG_WARNING, LOG_NAME, NULL,
              "Prefect: one %s is dropped, the server refused it (%llu so far): %s",
              o->options.what, (unsigned long long)o->figures.dropped, e->text);
    if (!said)
        o->refusal_said_ms = now_ms;
    o->suspects -= o->suspects > 0;
    o->limit = o->suspects; /* the rest may be good: all at once, or everything */
    remove_first(o, 1, o->batch_bytes);
}

static void switch_off(struct prefect_outbox *o)
{
    log_info("Prefect: the server takes no %ss (404 for %s); they are dropped", o->options.what,
             o->options.path);
    o->off = true;
    o->figures.dropped += o->count;
    o->suspects = o->limit = 0;
    remove_first(o, o->count, o->text.n);
}

static void take_failure(struct prefect_outbox *o, const struct err *e, int64_t retry_after_ms)
{
    int64_t delay_ms = backoff_exponential_ms(BACKOFF_FIRST_MS, o->failures, BACKOFF_CAP_MS);
    if (retry_after_ms > RETRY_AFTER_CAP_MS)
        retry_after_ms = RETRY_AFTER_CAP_MS;
    if (retry_after_ms > delay_ms)
        delay_ms = retry_after_ms;
    log_write(o->failures ? LOG_DEBUG : LOG_WARNING, LOG_NAME, NULL,
              "Prefect: %zu %ss wait, next try in %.1f s: %s", o->count, o->options.what,
              (double)delay_ms / 1000, e->text);
    o->failures++;
    o->figures.failed_batches++;
    o->hurries = false;
    send_after(o, delay_ms);
}

static void on_done(void *ctx, const struct prefect_reply *reply)
{
    struct prefect_outbox *o = ctx;
    o->call = 0;
    switch (reply->kind) {
    case ERR_NONE:
        take_success(o);
        break;
    case ERR_INVALID:
    case ERR_CONFLICT:
    case ERR_GONE:
        take_refusal(o, reply->err);
        break;
    case ERR_MISSING:
        if (o->options.optional)
            switch_off(o);
        else
            take_failure(o, reply->err, -1);
        break;
    case ERR_RETRY:
    case ERR_AUTH:
    case ERR_FORBIDDEN:
    case ERR_LIMIT:
    case ERR_FATAL:
        take_failure(o, reply->err, reply->http->retry_after_ms);
        break;
    }
    schedule(o);
}

/* ---- a batch ------------------------------------------------------------------------------- */

static void choose_batch(struct prefect_outbox *o)
{
    size_t limit = o->limit && o->limit < o->count ? o->limit : o->count;
    o->batch_count = o->batch_bytes = 0;
    while (o->batch_count < limit) {
        size_t size = o->sizes[o->batch_count];
        if (o->batch_count && o->batch_bytes + size + 1 > o->options.batch_max)
            break;
        o->batch_bytes += size;
        o->batch_count++;
    }
}

static void send_batch(struct prefect_outbox *o)
{
    if (!o->count || o->call)
        return;
    choose_batch(o);
    char *first = o->text.p, *behind = o->text.p + o->batch_bytes, kept = *behind;
    *first = '[';
    *behind = ']';
    struct prefect_request request = {
        .method = HTTP_POST,
        .path = str_of(o->options.path),
        .body = {o->text.p, o->batch_bytes + 1},
        .repeat = PREFECT_REPEAT_NEVER, /* the back-off is ours */
        .on_done = on_done,
        .ctx = o,
    };
    struct err e;
    enum err_kind kind = prefect_send(o->prefect, &request, &o->call, &e);
    *first = ',';
    *behind = kept;
    if (kind)
        take_failure(o, &e, -1);
}

/* ---- for everybody ------------------------------------------------------------------------- */

struct prefect_outbox *prefect_outbox_open(struct arena *perm, struct loop *loop,
                                           struct prefect *prefect,
                                           const struct prefect_outbox_options *options)
{
    struct prefect_outbox *o = arena_must(perm, sizeof *o);
    o->loop = loop;
    o->prefect = prefect;
    o->options = *options;
    o->sizes = arena_untouched(perm, PREFECT_OUTBOX_ITEMS_MAX * sizeof *o->sizes);
    arena_reserve(&o->arena, options->what, options->bytes_max + 1);
    o->text = buf_new(&o->arena, options->bytes_max + 1);
    o->text.cap--; /* the byte to spare */
    return o;
}

struct buf *prefect_outbox_begin(struct prefect_outbox *o)
{
    size_t from = o->text.n + 1;
    o->room = from < o->text.cap ? buf_over(o->text.p + from, o->text.cap - from)
                                 : (struct buf){.full = true};
    return &o->room;
}

static bool refuse(struct prefect_outbox *o)
{
    o->figures.dropped++;
    if (!o->short_said)
        log_warning("Prefect: %zu %ss (%zu KiB) wait already, there is no room for more: further "
                    "ones are dropped",
                    o->count, o->options.what, o->text.n / KIB);
    o->short_said = true;
    return false;
}

bool prefect_outbox_commit(struct prefect_outbox *o, size_t weight)
{
    if (o->off) {
        o->figures.dropped++;
        return false;
    }
    if (!o->room.full && o->room.n + 2 > o->options.batch_max) {
        log_warning("Prefect: one %s of %zu bytes is dropped, it is too large", o->options.what,
                    o->room.n);
        o->figures.dropped++;
        return false;
    }
    if (o->room.full || o->count == PREFECT_OUTBOX_ITEMS_MAX)
        return refuse(o);
    o->text.p[o->text.n] = ',';
    o->text.n += 1 + o->room.n;
    o->sizes[o->count++] = (uint32_t)(1 + o->room.n);
    o->weight += weight ? weight : 1 + o->room.n;
    schedule(o);
    return true;
}

bool prefect_outbox_put(struct prefect_outbox *o, str object)
{
    buf_put(prefect_outbox_begin(o), object);
    return prefect_outbox_commit(o, 0);
}

void prefect_outbox_flush(struct prefect_outbox *o)
{
    o->hurries = true;
    schedule(o);
}

bool prefect_outbox_idle(const struct prefect_outbox *o)
{
    return !o->count && !o->call;
}

struct prefect_outbox_figures prefect_outbox_figures(const struct prefect_outbox *o)
{
    struct prefect_outbox_figures figures = o->figures;
    figures.bytes_waiting = o->text.n;
    return figures;
}
