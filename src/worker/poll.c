/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/poll.h"

#include "base/time.h"
#include "format/json.h"
#include "format/json_write.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "worker/observe.h"
#include "worker/pool.h"
#include "worker/submit.h"

struct poll {
    struct worker *w;
    prefect_id call;
    struct loop_timer timer;
    struct arena stream_arena; /* reset at each poll */
    struct json_stream *stream;
    struct arena backlog; /* texts of runs, length-prefixed, from `backlog_read` on */
    size_t backlog_read;
    bool started, stopped;
    bool more; /* the last reply had runs that fitted nowhere: poll again when there is room */
    bool quota_said;
    int64_t last_ms;
    int failures;
};

static void poll_now(void *ctx);

struct poll *poll_open(struct arena *perm, struct worker *w)
{
    struct poll *poll = arena_must(perm, sizeof *poll);
    poll->w = w;
    arena_reserve(&poll->stream_arena, "poll", 2 * RUN_JSON_MAX + MIB);
    arena_reserve(&poll->backlog, "backlog", POLL_BACKLOG_MAX);
    return poll;
}

int64_t poll_last_ms(const struct poll *poll)
{
    return poll->last_ms;
}

/* ---- may a run be taken now? --------------------------------------------------------------- */

/* Live Jobs of this worker and runs on their way to one, against --limit. */
static bool below_limit(struct worker *w)
{
    if (w->config->limit < 0)
        return true;
    if (w->config->observer_enabled && !observer_jobs_synced(w->observer))
        return false; /* what runs already is not known yet */
    size_t busy = observer_own_live_jobs(w->observer) + submissions_active(w->submissions);
    return busy < (size_t)w->config->limit;
}

/* Runs on their way to a started container, against PREFECT_K8S_WORKER_MAX_STARTING. */
static bool below_max_starting(struct worker *w)
{
    size_t cap = (size_t)w->config->max_starting;
    return cap == 0 ||
           observer_own_starting_jobs(w->observer) + submissions_active(w->submissions) < cap;
}

/* Which namespace a run goes to is known after its claim only: so with some runs waiting for a
 * quota, none is claimed until one got through. */
static bool below_quota_waits(struct worker *w)
{
    return submissions_quota_waits(w->submissions) < QUOTA_WAITS_MAX;
}

/* Once, until none waits any more. */
static void say_quota(struct poll *poll)
{
    size_t waits = submissions_quota_waits(poll->w->submissions);
    bool full = waits >= QUOTA_WAITS_MAX;
    if (full && !poll->quota_said)
        log_warning("%zu runs wait for a quota of Kubernetes: no further run is taken until one of "
                    "them got through",
                    waits);
    poll->quota_said = full || (poll->quota_said && waits);
}

static bool below_limits(struct worker *w)
{
    return below_limit(w) && below_max_starting(w) && below_quota_waits(w);
}

static bool may_claim(struct worker *w)
{
    return w->kube_ready && !w->stopping && below_limits(w);
}

/* ---- backlog ------------------------------------------------------------------------------- */

static bool backlog_empty(const struct poll *poll)
{
    return poll->backlog_read == poll->backlog.used;
}

static void backlog_clear(struct poll *poll)
{
    arena_reset(&poll->backlog);
    poll->backlog_read = 0;
}

static bool backlog_put(struct poll *poll, str run)
{
    size_t size = sizeof run.n + run.n;
    char *p = arena_bytes(&poll->backlog, size);
    if (!p)
        return false;
    __builtin_memcpy(p, &run.n, sizeof run.n);
    __builtin_memcpy(p + sizeof run.n, run.p, run.n);
    return true;
}

static str backlog_next(struct poll *poll)
{
    str run;
    const char *p = poll->backlog.base + poll->backlog_read;
    __builtin_memcpy(&run.n, p, sizeof run.n);
    run.p = p + sizeof run.n;
    poll->backlog_read += sizeof run.n + run.n;
    return run;
}

static void drain_backlog(struct poll *poll)
{
    struct worker *w = poll->w;
    while (!backlog_empty(poll) && may_claim(w) && submissions_room(w->submissions))
        submissions_take(w->submissions, backlog_next(poll));
    if (backlog_empty(poll) || !below_limits(w))
        backlog_clear(poll); /* at a limit the rest comes again with a later poll */
}

/* ---- one poll ------------------------------------------------------------------------------ */

static enum err_kind on_run(void *ctx, str run, struct err *e)
{
    struct poll *poll = ctx;
    struct worker *w = poll->w;
    (void)e;
    if (!may_claim(w))
        return ERR_NONE;
    if (backlog_empty(poll) && submissions_room(w->submissions))
        submissions_take(w->submissions, run);
    else if (!backlog_put(poll, run))
        poll->more = true;
    return ERR_NONE;
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct poll *poll = ctx;
    return json_stream_feed(poll->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

static void schedule(struct poll *poll, int64_t delay_ms)
{
    if (!poll->stopped)
        loop_timer_set(poll->w->loop, &poll->timer, delay_ms, poll_now, poll);
}

static int64_t interval_ms(const struct poll *poll)
{
    return backoff_jitter_ms((int64_t)(poll->w->config->query_s * 1000), 0.3);
}

static void trouble(struct poll *poll, const struct err *e)
{
    int64_t base_ms = (int64_t)(poll->w->config->query_s * 1000);
    int doublings =
        poll->failures < 3 ? 0 : poll->failures / 3; /* as the Python worker backs off */
    int64_t delay_ms = backoff_exponential_ms(base_ms, doublings > 3 ? 3 : doublings, base_ms * 8);
    poll->failures++;
    log_warning("%s; polling again in %lld s", e->text, (long long)(delay_ms + 500) / 1000);
    poll->w->run_once_polled = true;
    if (poll->w->config->run_once)
        worker_fail(poll->w, "the only poll of --run-once failed");
    schedule(poll, delay_ms);
}

static void on_polled(void *ctx, const struct prefect_reply *reply)
{
    struct poll *poll = ctx;
    struct worker *w = poll->w;
    struct err e;
    str rest;
    poll->call = 0;
    if (reply->kind == ERR_MISSING) { /* the pool is gone: nothing is scheduled in it */
        poll->last_ms = loop_now_ms(w->loop);
        w->run_once_polled = true;
        schedule(poll, interval_ms(poll));
        return;
    }
    if (reply->kind != ERR_NONE) {
        trouble(poll, reply->err);
        return;
    }
    if (json_stream_end(poll->stream, &rest, &e) != ERR_NONE) {
        err_prefix(&e, "the list of scheduled runs is unusable: ");
        trouble(poll, &e);
        return;
    }
    size_t skipped = json_stream_skipped(poll->stream);
    if (skipped)
        log_error("%zu scheduled runs are larger than %zu bytes each and can't be started by this "
                  "worker; give them smaller parameters",
                  skipped, (size_t)RUN_JSON_MAX);
    if (poll->failures)
        log_info("polling works again");
    poll->failures = 0;
    poll->last_ms = loop_now_ms(w->loop);
    w->run_once_polled = true;
    schedule(poll, interval_ms(poll));
}

static str body_of(struct worker *w)
{
    int64_t before_us = time_now_us() + (int64_t)w->config->prefetch_s * 1000000;
    struct buf body = buf_new(&w->tick, 64 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_scheduled_body(&out, w->config->queues, w->config->queue_count, before_us);
    return buf_str(&body);
}

static void poll_now(void *ctx)
{
    struct poll *poll = ctx;
    struct worker *w = poll->w;
    struct err e;
    if (poll->call || poll->stopped)
        return;
    say_quota(poll);
    if (!w->kube_ready || !backlog_empty(poll) ||
        (w->config->limit > 0 && w->config->observer_enabled &&
         !observer_jobs_synced(w->observer))) {
        schedule(poll, w->kube_ready ? interval_ms(poll) : 100); /* poll_wake comes first */
        return;
    }
    arena_reset(&poll->stream_arena);
    poll->more = false;
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = poll};
    poll->stream = json_stream_new(&poll->stream_arena, &options);
    ASSERT(poll->stream);
    struct prefect_request request = {
        .method = HTTP_POST,
        .path = prefect_path(&w->tick, "/work_pools/", w->config->pool, "/get_scheduled_flow_runs"),
        .body = body_of(w),
        .repeat = PREFECT_REPEAT_SAFE, /* it reads only */
        .on_data = on_data,
        .on_done = on_polled,
        .ctx = poll,
    };
    if (prefect_send(w->prefect, &request, &poll->call, &e) != ERR_NONE)
        trouble(poll, &e);
}

void poll_start(struct poll *poll)
{
    if (poll->started)
        return;
    poll->started = true;
    poll_now(poll);
}

void poll_stop(struct poll *poll)
{
    poll->stopped = true;
    loop_timer_clear(poll->w->loop, &poll->timer);
    prefect_cancel(poll->w->prefect, poll->call);
    poll->call = 0;
    backlog_clear(poll);
}

void poll_wake(struct poll *poll)
{
    if (!poll->started || poll->stopped || poll->call)
        return;
    drain_backlog(poll);
    bool first = poll->last_ms == 0 && poll->failures == 0;
    if (backlog_empty(poll) && (poll->more || first))
        poll_now(poll);
}
