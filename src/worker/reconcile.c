/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reconcile.h"

#include "base/time.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "worker/observe.h"
#include "worker/pool.h"
#include "worker/repair.h"
#include "worker/submit.h"

#define START_POLL_MS 200 /* until pool and Job list are known */
#define PAGE 200
#define DIFFERENCES 256 /* remembered at once; more are found by a later pass */

#define STEPS(X)                                  \
    X(IDLE)                                       \
    X(ALIVE) /* runs that Prefect thinks alive */ \
    X(OVER)  /* runs of live Jobs that are over */
#define STEP_ENUM(name) RECONCILE_##name,
enum reconcile_step { STEPS(STEP_ENUM) };

struct difference {
    struct uuid run;
    enum reconcile_verdict verdict;
    int64_t since_ms;
    uint32_t pass; /* in which it was last seen */
    bool used, repairing;
};

struct reconcile {
    struct worker *w;
    enum reconcile_step step;
    struct difference differences[DIFFERENCES];
    struct repairs *repairs;
    struct arena stream_arena;
    struct json_stream *stream;
    prefect_id call;
    struct loop_timer timer;
    uint32_t pass;
    int64_t offset; /* of the page */
    size_t on_page;
    uint32_t place; /* of the Job records, in OVER */
    bool full_said;
};

static void next_page(struct reconcile *r);
static void next_over(struct reconcile *r);
static void begin_pass(void *ctx);

/* ---- differences --------------------------------------------------------------------------- */

static struct difference *difference_of(struct reconcile *r, const struct uuid *run)
{
    struct difference *unused = NULL;
    for (size_t i = 0; i < DIFFERENCES; i++) {
        struct difference *d = &r->differences[i];
        if (d->used && uuid_eq(&d->run, run))
            return d;
        if (!d->used && !unused)
            unused = d;
    }
    if (unused)
        *unused = (struct difference){.run = *run};
    return unused;
}

/* A repair that changed nothing is tried again when a later pass sees the difference still. */
static void on_repaired(void *ctx, const struct uuid *run)
{
    struct reconcile *r = ctx;
    struct difference *d = difference_of(r, run);
    if (d)
        d->repairing = false;
}

static void note(struct reconcile *r, const struct prefect_flow_run *run,
                 enum reconcile_verdict verdict)
{
    int64_t now_ms = loop_now_ms(r->w->loop);
    struct difference *d = difference_of(r, &run->id);
    if (!d) {
        if (!r->full_said)
            log_warning("more than %d runs differ between Prefect and Kubernetes; the others are "
                        "looked at when these are repaired",
                        DIFFERENCES);
        r->full_said = true;
        return;
    }
    if (!d->used || d->verdict != verdict)
        *d = (struct difference){
            .run = run->id, .verdict = verdict, .since_ms = now_ms, .used = true};
    d->pass = r->pass;
    if (d->repairing)
        return;
    /* A claim's age counts from the claim; the others from when they were first seen. */
    int64_t standing_ms = now_ms - d->since_ms;
    if (verdict == RECONCILE_RESUME && run->state.timestamp_us)
        standing_ms = (time_now_us() - run->state.timestamp_us) / 1000;
    d->repairing = repairs_try(r->repairs, &run->id, verdict, standing_ms);
}

static int64_t pass_ms(const struct reconcile *r)
{
    return (int64_t)(r->w->config->reconcile_s * 1000);
}

static void end_pass(struct reconcile *r)
{
    for (size_t i = 0; i < DIFFERENCES; i++) {
        struct difference *d = &r->differences[i];
        if (d->used && !d->repairing && d->pass != r->pass)
            d->used = false; /* healed by itself */
    }
    r->step = RECONCILE_IDLE;
    loop_timer_set(r->w->loop, &r->timer, backoff_jitter_ms(pass_ms(r), 0.1), begin_pass, r);
}

/* ---- reading runs, page by page ------------------------------------------------------------ */

void reconcile_gather(struct worker *w, const struct uuid *run, struct reconcile_facts *facts)
{
    struct records *jobs = observer_jobs(w->observer);
    facts->submitting = submissions_has(w->submissions, run);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !uuid_eq(&job->flow_run, run))
            continue;
        facts->job_live = facts->job_live || job->live;
        facts->job_complete = facts->job_complete || job->complete;
        facts->job_failed = facts->job_failed || (!job->live && !job->complete);
    }
}

static enum err_kind on_run(void *ctx, str text, struct err *e)
{
    struct reconcile *r = ctx;
    struct prefect_flow_run run;
    struct arena *tick = &r->w->tick;
    size_t mark = arena_mark(tick);
    enum err_kind kind = prefect_flow_run_parse(tick, text, &run, e);
    r->on_page++;
    if (kind == ERR_NONE) {
        struct reconcile_facts facts = {.state = run.state_type,
                                        .has_pid = run.infrastructure_pid.n > 0};
        reconcile_gather(r->w, &run.id, &facts);
        enum reconcile_verdict verdict = reconcile_decide(&facts);
        if (verdict != RECONCILE_FINE)
            note(r, &run, verdict);
    }
    arena_rewind(tick, mark);
    return kind;
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct reconcile *r = ctx;
    return json_stream_feed(r->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

static void on_page(void *ctx, const struct prefect_reply *reply)
{
    struct reconcile *r = ctx;
    struct err e;
    str rest;
    r->call = 0;
    if (reply->kind || json_stream_end(r->stream, &rest, &e) != ERR_NONE) {
        log_warning("runs can't be compared with Jobs: %s",
                    reply->kind ? reply->err->text : e.text);
        end_pass(r);
        return;
    }
    bool last = r->on_page < PAGE;
    r->offset += PAGE;
    if (r->step == RECONCILE_OVER)
        next_over(r);
    else if (!last)
        next_page(r);
    else {
        r->step = RECONCILE_OVER;
        r->place = 0;
        next_over(r);
    }
}

static void ask(struct reconcile *r, const struct prefect_flow_run_filter *filter)
{
    struct worker *w = r->w;
    struct err e;
    struct buf body = buf_new(&w->tick, 32 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_flow_run_filter_body(&out, filter);
    arena_reset(&r->stream_arena);
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = r};
    r->stream = json_stream_new(&r->stream_arena, &options);
    ASSERT(r->stream);
    r->on_page = 0;
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/flow_runs/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_data = on_data,
                                      .on_done = on_page,
                                      .ctx = r};
    if (prefect_send(w->prefect, &request, &r->call, &e) != ERR_NONE)
        end_pass(r);
}

static void next_page(struct reconcile *r)
{
    static const enum prefect_state_type alive[] = {PREFECT_PENDING, PREFECT_RUNNING};
    struct prefect_flow_run_filter filter = {.types = alive,
                                             .type_count = ARRAY_LEN(alive),
                                             .sort = "ID_DESC",
                                             .limit = PAGE,
                                             .offset = r->offset};
    uuid_parse(pool_id(r->w->pool), &filter.work_pool_id);
    ask(r, &filter);
}

/* The runs of live Jobs of our pool, 200 at a time: which of them are over? */
static void next_over(struct reconcile *r)
{
    static const enum prefect_state_type over[] = {PREFECT_COMPLETED, PREFECT_FAILED,
                                                   PREFECT_CANCELLED, PREFECT_CRASHED};
    struct records *jobs = observer_jobs(r->w->observer);
    struct uuid ids[PAGE], pool = {{0}};
    struct prefect_flow_run_filter filter = {
        .ids = ids, .types = over, .type_count = ARRAY_LEN(over), .limit = PAGE};
    uuid_parse(pool_id(r->w->pool), &pool);
    for (; r->place < jobs->fresh && filter.id_count < PAGE; r->place++) {
        struct job_record *job = records_at(jobs, r->place);
        if (job && job->live && uuid_eq(&job->work_pool, &pool) && !uuid_is_nil(&job->flow_run))
            ids[filter.id_count++] = job->flow_run;
    }
    if (filter.id_count)
        ask(r, &filter);
    else
        end_pass(r);
}

/* ---- passes -------------------------------------------------------------------------------- */

static void begin_pass(void *ctx)
{
    struct reconcile *r = ctx;
    struct worker *w = r->w;
    if (!pool_known(w->pool) || !w->kube_ready || !observer_jobs_trusted(w->observer)) {
        loop_timer_set(w->loop, &r->timer, r->pass ? pass_ms(r) : START_POLL_MS, begin_pass, r);
        return;
    }
    r->pass++;
    r->offset = 0;
    r->step = RECONCILE_ALIVE;
    next_page(r);
}

struct reconcile *reconcile_open(struct arena *perm, struct worker *w)
{
    struct reconcile *r = arena_must(perm, sizeof *r);
    r->w = w;
    r->repairs = repairs_open(perm, w, on_repaired, r);
    arena_reserve(&r->stream_arena, "reconcile", 2 * RUN_JSON_MAX + MIB);
    return r;
}

void reconcile_start(struct reconcile *r)
{
    if (r->w->config->observer_enabled && !r->w->config->run_once)
        begin_pass(r);
}

void reconcile_stop(struct reconcile *r)
{
    loop_timer_clear(r->w->loop, &r->timer);
    prefect_cancel(r->w->prefect, r->call);
    r->call = 0;
    repairs_stop(r->repairs);
}
