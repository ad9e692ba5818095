/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/crash.h"

#include "base/encode.h"
#include "kube/job.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "worker/clusters.h"
#include "worker/diagnose.h"
#include "worker/pool.h"
#include "worker/propose.h"
#include "worker/report.h"
#include "worker/suspicion.h"
#include "worker/tail.h"

#define CASES 16
#define BATCH 200             /* runs of one filter */
#define GATHER_MS 100         /* suspects come in bursts: collect them */
#define SIBLING_WAIT_MS 30000 /* a pending run's Job may be replaced within this */
#define SIBLING_LOOK_MS 5000
#define PODS_MAX (1 * MIB) /* the pods of one Job */

#define STATES(X)                                             \
    X(FREE)                                                   \
    X(CONFIRM)  /* the Job itself: failed, or really gone? */ \
    X(PODS)     /* what ended its pods */                     \
    X(TAIL)     /* their last lines */                        \
    X(SIBLINGS) /* a pending run waits for another Job */     \
    X(RECHECK)  /* is the run still pending? */               \
    X(PROPOSE)  /* Crashed */
#define EVENTS(X)                      \
    X(OK)    /* on to the next step */ \
    X(AGAIN) /* the same step later */ \
    X(DROP)  /* no crash after all */
#define STATE_ENUM(name) CASE_##name,
#define EVENT_ENUM(name) ON_##name,
enum case_state { STATES(STATE_ENUM) CASE_STATE_COUNT };
enum case_event { EVENTS(EVENT_ENUM) CASE_EVENT_COUNT };

static const enum case_state next_state[CASE_STATE_COUNT][CASE_EVENT_COUNT] = {
    /*                  OK             AGAIN          DROP */
    [CASE_FREE] = {CASE_CONFIRM, CASE_FREE, CASE_FREE},
    [CASE_CONFIRM] = {CASE_PODS, CASE_CONFIRM, CASE_FREE},
    [CASE_PODS] = {CASE_TAIL, CASE_PODS, CASE_FREE},
    [CASE_TAIL] = {CASE_SIBLINGS, CASE_SIBLINGS, CASE_FREE},
    [CASE_SIBLINGS] = {CASE_PROPOSE, CASE_RECHECK, CASE_FREE},
    [CASE_RECHECK] = {CASE_SIBLINGS, CASE_SIBLINGS, CASE_FREE},
    [CASE_PROPOSE] = {CASE_FREE, CASE_PROPOSE, CASE_FREE},
};

struct crash_case {
    struct crashes *all;
    enum case_state state;
    struct arena arena; /* message, tail, Job's text */
    struct uuid job;    /* key of its record */
    struct kube *kube;  /* of its cluster */
    struct run_ref run;
    bool pending, gone;
    str job_text, message;
    int64_t since_ms;
    int tries;
    struct tail tail;
    struct proposal proposal;
    kube_id kube_call;
    prefect_id call;
    struct loop_timer timer;
};

struct crashes {
    struct worker *w;
    struct crash_case cases[CASES];
    struct loop_timer timer;
    struct arena stream_arena;
    struct json_stream *stream;
    struct uuid batch[BATCH]; /* uids of the Jobs asked about */
    bool unsettled[BATCH];
    size_t batch_count;
    prefect_id call;
    int failures;
};

static void enter(struct crash_case *c);
static void look(void *ctx);

struct crashes *crashes_open(struct arena *perm, struct worker *w)
{
    struct crashes *all = arena_must(perm, sizeof *all);
    all->w = w;
    arena_reserve(&all->stream_arena, "suspects", 2 * RUN_JSON_MAX + MIB);
    for (size_t i = 0; i < CASES; i++) {
        all->cases[i].all = all;
        arena_reserve(&all->cases[i].arena, "case", CASE_ARENA);
    }
    return all;
}

void crashes_wake(struct crashes *all)
{
    if (!all->timer.set && !all->call)
        loop_timer_set(all->w->loop, &all->timer, GATHER_MS, look, all);
}

static struct job_record *record_of(struct crashes *all, const struct uuid *job)
{
    return records_find(observer_jobs(all->w->observer), job);
}

/* ---- moving a case ------------------------------------------------------------------------- */

static void end_case(struct crash_case *c)
{
    struct crashes *all = c->all;
    struct job_record *job = record_of(all, &c->job);
    proposal_cancel(&c->proposal);
    tail_cancel(&c->tail);
    kube_cancel(c->kube, c->kube_call);
    prefect_cancel(all->w->prefect, c->call);
    loop_timer_clear(all->w->loop, &c->timer);
    arena_reset(&c->arena);
    struct arena arena = c->arena;
    *c = (struct crash_case){.all = all, .arena = arena};
    if (job)
        observer_judged(all->w->observer, job);
    crashes_wake(all);
}

static void enter_again(void *ctx)
{
    enter(ctx);
}

static void step(struct crash_case *c, enum case_event event)
{
    enum case_state next = next_state[c->state][event];
    bool again = next == c->state;
    c->tries = again ? c->tries + 1 : 0;
    c->state = next;
    if (next == CASE_FREE)
        end_case(c);
    else if (again)
        loop_timer_set(c->all->w->loop, &c->timer, backoff_exponential_ms(1000, c->tries, 60000),
                       enter_again, c);
    else
        enter(c);
}

static void ask_kube(struct crash_case *c, str path, size_t body_max, kube_done_fn *on_done)
{
    struct err e;
    struct kube_request request = {
        .method = HTTP_GET, .path = path, .body_max = body_max, .on_done = on_done, .ctx = c};
    if (kube_send(c->kube, &request, &c->kube_call, &e) != ERR_NONE)
        step(c, ON_AGAIN);
}

static bool may_come_later(enum err_kind kind)
{
    return kind == ERR_RETRY || kind == ERR_AUTH;
}

/* ---- the steps ----------------------------------------------------------------------------- */

/* 404 or another uid: gone. The same uid: it only left the selector, or is being deleted. */
static void on_confirmed(void *ctx, const struct kube_reply *reply)
{
    struct crash_case *c = ctx;
    struct kube_job job;
    struct err e;
    c->kube_call = 0;
    if (may_come_later(reply->kind)) {
        step(c, ON_AGAIN);
        return;
    }
    if (reply->kind == ERR_MISSING) {
        c->gone = true;
        step(c, ON_OK);
        return;
    }
    if (reply->kind || kube_job_read(reply->http->arena, reply->http->body, &job, &e) != ERR_NONE) {
        log_warning("whether Job %.63s is gone can't be read: %s",
                    record_of(c->all, &c->job) ? record_of(c->all, &c->job)->name : "?",
                    reply->kind ? reply->err->text : e.text);
        step(c, ON_DROP);
        return;
    }
    bool same = uuid_eq(&job.meta.uid, &c->job);
    c->gone = !same;
    if (same)
        c->job_text = str_copy(&c->arena, reply->http->body);
    bool failed = same && (job.failed_condition || job.failed > job.backoff_limit);
    step(c, c->gone || failed ? ON_OK : ON_DROP);
}

static void enter_confirm(struct crash_case *c)
{
    struct job_record *job = record_of(c->all, &c->job);
    if (!job) {
        step(c, ON_DROP);
        return;
    }
    ask_kube(c,
             kube_path(&c->all->w->tick, "/apis/batch/v1", str_of(job->namespace), "jobs",
                       str_of(job->name)),
             0, on_confirmed);
}

/* The newest pod that did not succeed tells most. */
static bool choose_pod(struct crash_case *c, str list, struct kube_pod *chosen)
{
    struct arena *tick = &c->all->w->tick;
    struct json root;
    struct err e;
    bool found = false;
    if (json_parse(tick, list, &root, &e) != ERR_NONE)
        return false;
    for (struct json_iter it = json_each(json_get(root, STR("items"))); json_next(&it);) {
        struct kube_pod pod;
        if (kube_pod_read(tick, json_raw(it.value), &pod, &e) != ERR_NONE ||
            str_eq(pod.phase, STR("Succeeded")))
            continue;
        if (!found || pod.meta.created_us > chosen->meta.created_us)
            *chosen = pod;
        found = true;
    }
    return found;
}

static void compose_message(struct crash_case *c, const struct kube_pod *pod)
{
    struct arena *tick = &c->all->w->tick;
    struct job_record *record = record_of(c->all, &c->job);
    struct kube_job job = {.meta = {.name = str_of(record ? record->name : "")}};
    struct err e;
    struct kube_container guilty;
    if (!c->gone && c->job_text.n && kube_job_read(tick, c->job_text, &job, &e) == ERR_NONE) {
        /* Where there never was a pod, an Event of the Job told why. */
        str podless = pod || !record ? (str){0} : suspicions_cause(c->all->w->suspicions, record);
        c->message =
            str_printf(&c->arena, STR_FMT "%s" STR_FMT, STR_ARG(diagnose_failure(tick, &job, pod)),
                       podless.n ? " " : "", STR_ARG(podless));
        return;
    }
    if (pod && diagnose_guilty_container(tick, pod, &guilty)) {
        str failure = diagnose_failure(tick, &job, pod);
        c->message = str_printf(&c->arena, STR_FMT " The Job was deleted.", STR_ARG(failure));
        return;
    }
    c->message = str_printf(&c->arena, "Job " STR_FMT " was deleted before the run was over.",
                            STR_ARG(job.meta.name));
}

static void on_tail(void *ctx)
{
    step(ctx, ON_OK);
}

static void on_pods(void *ctx, const struct kube_reply *reply)
{
    struct crash_case *c = ctx;
    struct worker *w = c->all->w;
    struct kube_pod pod;
    c->kube_call = 0;
    if (may_come_later(reply->kind) && c->tries < 3) {
        step(c, ON_AGAIN);
        return;
    }
    bool found = reply->kind == ERR_NONE && choose_pod(c, reply->http->body, &pod);
    compose_message(c, found ? &pod : NULL);
    if (!found || !w->config->forward_crashed_logs) {
        c->state = CASE_TAIL;
        step(c, ON_OK);
        return;
    }
    c->state = CASE_TAIL;
    c->tail =
        (struct tail){.w = w, .kube = c->kube, .arena = &c->arena, .on_done = on_tail, .ctx = c};
    tail_read(&c->tail, &pod);
}

static void enter_pods(struct crash_case *c)
{
    struct arena *tick = &c->all->w->tick;
    struct job_record *job = record_of(c->all, &c->job);
    if (!job) {
        step(c, ON_DROP);
        return;
    }
    struct buf path = buf_new(tick, HTTP_URL_MAX);
    buf_put(&path, kube_path(tick, "/api/v1", str_of(job->namespace), "pods", (str){0}));
    buf_put(&path, STR("?labelSelector="));
    percent_encode(&path, str_printf(tick, "job-name=%s", job->name), STR(""));
    ask_kube(c, buf_str(&path), PODS_MAX, on_pods);
}

/* Another Job of the same run that lives or succeeded: then nothing crashed. */
static bool has_sibling(struct crash_case *c)
{
    struct records *jobs = observer_jobs(c->all->w->observer);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (job && !uuid_eq(&job->record.key, &c->job) && uuid_eq(&job->flow_run, &c->run.id) &&
            (job->live || job->complete))
            return true;
    }
    return false;
}

static void look_again(void *ctx)
{
    step(ctx, ON_AGAIN);
}

static void enter_siblings(struct crash_case *c)
{
    struct loop *loop = c->all->w->loop;
    if (has_sibling(c))
        step(c, ON_DROP);
    else if (!c->pending || loop_now_ms(loop) - c->since_ms >= SIBLING_WAIT_MS)
        step(c, ON_OK);
    else
        loop_timer_set(loop, &c->timer, SIBLING_LOOK_MS, look_again, c);
}

static void on_rechecked(void *ctx, const struct prefect_reply *reply)
{
    struct crash_case *c = ctx;
    struct prefect_flow_run run;
    struct err e;
    c->call = 0;
    if (reply->kind == ERR_MISSING) {
        step(c, ON_DROP);
        return;
    }
    if (reply->kind == ERR_NONE &&
        prefect_flow_run_parse(reply->arena, reply->body, &run, &e) == ERR_NONE)
        c->pending = run.state_type == PREFECT_PENDING;
    step(c, ON_OK);
}

static void enter_recheck(struct crash_case *c)
{
    struct err e;
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = prefect_path_id(&c->all->w->tick, "/flow_runs/", &c->run.id, ""),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_rechecked,
        .ctx = c,
    };
    if (prefect_send(c->all->w->prefect, &request, &c->call, &e) != ERR_NONE)
        step(c, ON_AGAIN);
}

static void on_proposed(void *ctx, const struct proposal_result *result)
{
    struct crash_case *c = ctx;
    bool crashed = result->outcome == PROPOSAL_ACCEPTED ||
                   (result->outcome == PROPOSAL_REJECTED && result->state.type == PREFECT_CRASHED);
    if (result->outcome == PROPOSAL_FAILED && may_come_later(result->err->kind)) {
        step(c, ON_AGAIN);
        return;
    }
    if (result->outcome == PROPOSAL_FAILED)
        report_run(c->all->w, &c->run, LOG_ERROR, RUN_LOGGER_OBSERVER,
                   "Flow run could not be marked as crashed: %s", result->err->text);
    if (crashed) {
        report_run(c->all->w, &c->run, LOG_WARNING, RUN_LOGGER_OBSERVER,
                   "Flow run is marked as crashed: " STR_FMT, STR_ARG(c->message));
        tail_forward(&c->tail, &c->run);
    }
    step(c, ON_OK);
}

static void enter_propose(struct crash_case *c)
{
    c->proposal = (struct proposal){.w = c->all->w,
                                    .run = c->run.id,
                                    .type = PREFECT_CRASHED,
                                    .name = "Crashed",
                                    .message = c->message,
                                    .on_done = on_proposed,
                                    .ctx = c};
    proposal_start(&c->proposal);
}

static void enter(struct crash_case *c)
{
    switch (c->state) {
    case CASE_FREE:
    case CASE_TAIL: /* begun by on_pods */
    case CASE_STATE_COUNT:
        break;
    case CASE_CONFIRM:
        enter_confirm(c);
        break;
    case CASE_PODS:
        enter_pods(c);
        break;
    case CASE_SIBLINGS:
        enter_siblings(c);
        break;
    case CASE_RECHECK:
        enter_recheck(c);
        break;
    case CASE_PROPOSE:
        enter_propose(c);
        break;
    }
}

/* ---- suspects: which of their runs are not settled? ---------------------------------------- */

static struct crash_case *free_case(struct crashes *all)
{
    for (size_t i = 0; i < CASES; i++)
        if (all->cases[i].state == CASE_FREE)
            return &all->cases[i];
    return NULL;
}

static void open_case(struct crashes *all, struct job_record *job,
                      const struct prefect_flow_run *run)
{
    struct crash_case *c = free_case(all);
    if (!c)
        return; /* stays a suspect: asked about again when a case ends */
    job->in_case = true;
    c->job = job->record.key;
    c->kube = clusters_kube(all->w->clusters, job->cluster);
    c->run = (struct run_ref){run->id, str_copy(&c->arena, run->name)};
    c->pending = run->state_type == PREFECT_PENDING;
    c->since_ms = loop_now_ms(all->w->loop);
    step(c, ON_OK);
}

/* A run of the reply: it is PENDING or RUNNING, so its Job's end matters. */
static enum err_kind on_run(void *ctx, str text, struct err *e)
{
    struct crashes *all = ctx;
    struct prefect_flow_run run;
    enum err_kind kind = prefect_flow_run_parse(&all->w->tick, text, &run, e);
    if (kind)
        return kind;
    for (size_t i = 0; i < all->batch_count; i++) {
        struct job_record *job = record_of(all, &all->batch[i]);
        if (!job || !uuid_eq(&job->flow_run, &run.id))
            continue;
        all->unsettled[i] = true;
        if (!job->in_case)
            open_case(all, job, &run);
    }
    return ERR_NONE;
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct crashes *all = ctx;
    return json_stream_feed(all->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

static void on_filtered(void *ctx, const struct prefect_reply *reply)
{
    struct crashes *all = ctx;
    struct err e;
    str rest;
    all->call = 0;
    bool whole = reply->kind == ERR_NONE && json_stream_end(all->stream, &rest, &e) == ERR_NONE;
    if (!whole) {
        int64_t delay_ms = backoff_exponential_ms(1000, all->failures++, 60000);
        log_warning("the runs of failed Jobs can't be read: %s; trying again in %lld s",
                    reply->kind ? reply->err->text : e.text, (long long)(delay_ms + 500) / 1000);
        loop_timer_set(all->w->loop, &all->timer, delay_ms, look, all);
        return;
    }
    all->failures = 0;
    for (size_t i = 0; i < all->batch_count; i++) {
        struct job_record *job = record_of(all, &all->batch[i]);
        if (job && !all->unsettled[i] && !job->in_case)
            observer_judged(all->w->observer, job); /* settled, or deleted in Prefect */
    }
    if (free_case(all))
        crashes_wake(all);
}

/* Suspects of our pool; the others are none of our business. */
static size_t gather(struct crashes *all, struct uuid *runs)
{
    struct records *jobs = observer_jobs(all->w->observer);
    struct uuid pool = {{0}};
    uuid_parse(pool_id(all->w->pool), &pool);
    all->batch_count = 0;
    for (uint32_t i = 0; i < jobs->fresh && all->batch_count < BATCH; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !job->suspect || job->in_case)
            continue;
        if (!uuid_eq(&job->work_pool, &pool) || uuid_is_nil(&job->flow_run)) {
            observer_judged(all->w->observer, job);
            continue;
        }
        all->unsettled[all->batch_count] = false;
        runs[all->batch_count] = job->flow_run;
        all->batch[all->batch_count++] = job->record.key;
    }
    return all->batch_count;
}

static void look(void *ctx)
{
    struct crashes *all = ctx;
    struct worker *w = all->w;
    static const enum prefect_state_type unsettled[] = {PREFECT_PENDING, PREFECT_RUNNING};
    struct uuid runs[BATCH];
    struct err e;
    if (all->call || !free_case(all))
        return;
    if (!pool_known(w->pool)) {
        loop_timer_set(w->loop, &all->timer, 1000, look, all);
        return;
    }
    if (gather(all, runs) == 0)
        return;
    struct buf body = buf_new(&w->tick, 32 * KIB);
    struct json_writer out = json_writer(&body);
    struct prefect_flow_run_filter filter = {.ids = runs,
                                             .id_count = all->batch_count,
                                             .types = unsettled,
                                             .type_count = ARRAY_LEN(unsettled)};
    prefect_flow_run_filter_body(&out, &filter);
    arena_reset(&all->stream_arena);
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = all};
    all->stream = json_stream_new(&all->stream_arena, &options);
    ASSERT(all->stream);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/flow_runs/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_data = on_data,
                                      .on_done = on_filtered,
                                      .ctx = all};
    if (prefect_send(w->prefect, &request, &all->call, &e) != ERR_NONE)
        loop_timer_set(w->loop, &all->timer, 1000, look, all);
}

void crashes_stop(struct crashes *all)
{
    loop_timer_clear(all->w->loop, &all->timer);
    prefect_cancel(all->w->prefect, all->call);
    for (size_t i = 0; i < CASES; i++)
        if (all->cases[i].state != CASE_FREE) {
            struct job_record *job = record_of(all, &all->cases[i].job);
            if (job)
                job->in_case = false;
            proposal_cancel(&all->cases[i].proposal);
            tail_cancel(&all->cases[i].tail);
            kube_cancel(all->cases[i].kube, all->cases[i].kube_call);
            prefect_cancel(all->w->prefect, all->cases[i].call);
            loop_timer_clear(all->w->loop, &all->cases[i].timer);
        }
}
