/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/restore.h"

#include "base/time.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "worker/deadlines.h"
#include "worker/pool.h"

#define START_POLL_MS 500 /* until pool and Job list are known */
#define BATCH PREFECT_FILTER_IDS_MAX
#define TRIES_MAX 10

/* A run of a live Job, until its deployment was read. */
struct restored {
    struct uuid run, deployment;
    str text; /* of the run's job variables, in an object */
    bool done;
};

struct restore {
    struct worker *w;
    int64_t started_s; /* what an earlier worker had said by then is not said again */
    uint32_t list_end; /* places of the Job records that were used at the first list's end */
    uint32_t place;    /* the next one that is looked at */
    struct restored batch[BATCH];
    size_t count;
    struct arena arena; /* texts of the batch */
    struct arena build; /* one rendering */
    struct arena stream_arena;
    struct json_stream *stream;
    struct uuid deployment; /* being read */
    prefect_id call;
    struct loop_timer timer;
    int tries;
};

static void next_batch(void *ctx);
static void next_deployment(void *ctx);

static bool is_lost(const struct job_record *job, const struct uuid *pool)
{
    return job && job->live && !job->terms.known && uuid_eq(&job->work_pool, pool) &&
           !uuid_is_nil(&job->flow_run);
}

/* ---- the timeouts of one run --------------------------------------------------------------- */

static void set_terms(struct restore *r, const struct uuid *run, const struct manifest *manifest)
{
    struct worker *w = r->w;
    struct records *jobs = observer_jobs(w->observer);
    struct uuid pool = {{0}};
    uuid_parse(pool_id(w->pool), &pool);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!is_lost(job, &pool) || !uuid_eq(&job->flow_run, run))
            continue;
        struct job_terms *terms = &job->terms;
        terms_set(terms, manifest);
        terms->warned = terms->since_s + terms->pod_timeout_s < r->started_s;
        deadlines_note(w->deadlines, job);
    }
}

/* A configuration that can't be rendered (any more) gives no timeouts: the Job is left alone. */
static void render(struct restore *r, struct restored *it, str deployment)
{
    struct worker *w = r->w;
    struct arena *out = &r->build;
    struct tree *run = NULL, *pool = NULL, *its_deployment = NULL;
    struct manifest manifest = {.job_timeout_s = -1};
    struct manifest_error error;
    struct err e;
    arena_reset(out);
    bool read =
        tree_parse_json(out, w->tick, it->text, &run, &e) == ERR_NONE &&
        tree_parse_json(out, w->tick, str_copy(out, pool_text(w->pool)), &pool, &e) == ERR_NONE &&
        (deployment.n == 0 ||
         tree_parse_json(out, w->tick, deployment, &its_deployment, &e) == ERR_NONE);
    struct manifest_input input = {.work_pool = pool,
                                   .flow_run = run,
                                   .deployment = its_deployment,
                                   .config = w->config,
                                   .server_major = w->server_major,
                                   .environment = w->environment};
    if (!read || manifest_timeouts(out, w->tick, &input, &manifest, &error) != ERR_NONE)
        manifest = (struct manifest){.job_timeout_s = -1};
    set_terms(r, &it->run, &manifest);
}

/* ---- deployments, one after the other ------------------------------------------------------ */

static void render_all_of(struct restore *r, const struct uuid *deployment, str text)
{
    for (size_t i = 0; i < r->count; i++) {
        struct restored *it = &r->batch[i];
        if (it->done || !uuid_eq(&it->deployment, deployment))
            continue;
        it->done = true;
        render(r, it, text);
    }
    arena_reset(&r->build);
}

static void again(struct restore *r, loop_timer_fn *step, const struct err *e)
{
    if (++r->tries > TRIES_MAX) {
        log_warning("the timeouts of Jobs from before the start are not enforced: %s", e->text);
        return;
    }
    loop_timer_set(r->w->loop, &r->timer, backoff_exponential_ms(1000, r->tries - 1, 60000), step,
                   r);
}

static void on_deployment(void *ctx, const struct prefect_reply *reply)
{
    struct restore *r = ctx;
    r->call = 0;
    if (reply->kind && reply->kind != ERR_MISSING) {
        again(r, next_deployment, reply->err);
        return;
    }
    r->tries = 0;
    render_all_of(r, &r->deployment, reply->kind ? (str){0} : reply->body);
    next_deployment(r);
}

static void next_deployment(void *ctx)
{
    struct restore *r = ctx;
    struct err e;
    size_t i = 0;
    while (i < r->count && r->batch[i].done)
        i++;
    if (i == r->count) {
        next_batch(r);
        return;
    }
    r->deployment = r->batch[i].deployment;
    if (uuid_is_nil(&r->deployment)) {
        render_all_of(r, &r->deployment, (str){0});
        loop_timer_set(r->w->loop, &r->timer, 0, next_deployment, r);
        return;
    }
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = prefect_path_id(&r->w->tick, "/deployments/", &r->deployment, ""),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_deployment,
        .ctx = r,
    };
    if (prefect_send(r->w->prefect, &request, &r->call, &e) != ERR_NONE)
        again(r, next_deployment, &e);
}

/* ---- runs, a batch at a time --------------------------------------------------------------- */

static enum err_kind on_run(void *ctx, str text, struct err *e)
{
    struct restore *r = ctx;
    struct prefect_flow_run run;
    struct arena *tick = &r->w->tick;
    size_t mark = arena_mark(tick);
    enum err_kind kind = prefect_flow_run_parse(tick, text, &run, e);
    for (size_t i = 0; !kind && i < r->count; i++) {
        struct restored *it = &r->batch[i];
        if (!uuid_eq(&it->run, &run.id))
            continue;
        it->deployment = run.deployment_id;
        if (json_is(run.job_variables, JSON_OBJECT))
            it->text = str_printf(&r->arena, "{\"job_variables\":" STR_FMT "}",
                                  STR_ARG(json_raw(run.job_variables)));
        else
            it->text = STR("{}");
        it->done = it->text.p == NULL; /* no room: left alone */
    }
    arena_rewind(tick, mark);
    return kind;
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct restore *r = ctx;
    return json_stream_feed(r->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

static void on_runs(void *ctx, const struct prefect_reply *reply)
{
    struct restore *r = ctx;
    struct err e;
    str rest;
    r->call = 0;
    if (reply->kind || json_stream_end(r->stream, &rest, &e) != ERR_NONE) {
        r->place = 0; /* the same Jobs again */
        again(r, next_batch, reply->kind ? reply->err : &e);
        return;
    }
    r->tries = 0;
    next_deployment(r);
}

/* Runs of live Jobs whose timeouts are not known. A run that Prefect does not have any more stays
 * in the batch as done: its Job is reconciliation's matter. */
static size_t gather(struct restore *r, struct uuid *ids)
{
    struct records *jobs = observer_jobs(r->w->observer);
    struct uuid pool = {{0}};
    uuid_parse(pool_id(r->w->pool), &pool);
    r->count = 0;
    arena_reset(&r->arena);
    for (; r->place < r->list_end && r->count < BATCH; r->place++) {
        struct job_record *job = records_at(jobs, r->place);
        if (!is_lost(job, &pool))
            continue;
        ids[r->count] = job->flow_run;
        r->batch[r->count++] = (struct restored){.run = job->flow_run, .done = true};
    }
    return r->count;
}

static void next_batch(void *ctx)
{
    struct restore *r = ctx;
    struct worker *w = r->w;
    struct uuid ids[BATCH];
    struct err e;
    if (gather(r, ids) == 0)
        return;
    struct buf body = buf_new(&w->tick, 32 * KIB);
    struct json_writer out = json_writer(&body);
    struct prefect_flow_run_filter filter = {.ids = ids, .id_count = r->count, .limit = BATCH};
    prefect_flow_run_filter_body(&out, &filter);
    arena_reset(&r->stream_arena);
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = r};
    r->stream = json_stream_new(&r->stream_arena, &options);
    ASSERT(r->stream);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/flow_runs/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE, /* it reads only */
                                      .on_data = on_data,
                                      .on_done = on_runs,
                                      .ctx = r};
    if (prefect_send(w->prefect, &request, &r->call, &e) != ERR_NONE) {
        r->place = 0;
        again(r, next_batch, &e);
    }
}

static void begin(void *ctx)
{
    struct restore *r = ctx;
    struct worker *w = r->w;
    if (!pool_known(w->pool) || !observer_jobs_synced(w->observer)) {
        loop_timer_set(w->loop, &r->timer, START_POLL_MS, begin, r);
        return;
    }
    r->list_end = observer_jobs(w->observer)->fresh;
    next_batch(r);
}

struct restore *restore_open(struct arena *perm, struct worker *w)
{
    struct restore *r = arena_must(perm, sizeof *r);
    r->w = w;
    r->started_s = time_now_us() / 1000000;
    arena_reserve(&r->arena, "restored runs", RESTORE_ARENA);
    arena_reserve(&r->build, "restored timeouts", SUBMISSION_ARENA);
    arena_reserve(&r->stream_arena, "runs of live Jobs", 2 * RUN_JSON_MAX + MIB);
    return r;
}

void restore_start(struct restore *r)
{
    if (r->w->config->observer_enabled && !r->w->config->run_once)
        begin(r);
}

void restore_stop(struct restore *r)
{
    loop_timer_clear(r->w->loop, &r->timer);
    prefect_cancel(r->w->prefect, r->call);
    r->call = 0;
}
