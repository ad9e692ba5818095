/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/deadlines.h"

#include "base/time.h"
#include "net/backoff.h"
#include "worker/clusters.h"
#include "worker/deadline_case.h"
#include "worker/pool.h"

#define SCAN_MS 1000 /* between two looks through the records */
#define TRIES_MAX 8
#define POSTPONE_S 60 /* after a step that does not work */

struct deadlines {
    struct worker *w;
    struct deadline_case cases[DEADLINE_CASES_MAX];
    struct loop_timer timer;
    int64_t due_ms;     /* of the timer */
    int64_t scanned_ms; /* when it went off last */
};

/* ---- the table ----------------------------------------------------------------------------- */

#define NEVER DEADLINE_STATE_COUNT
#define TO(name) DEADLINE_IN_##name

static const enum deadline_state next_state[DEADLINE_STATE_COUNT][DEADLINE_EVENT_COUNT] = {
    /*                       OK           AGAIN        DROP */
    [DEADLINE_IN_FREE] = {TO(RUN), NEVER, NEVER},
    [DEADLINE_IN_RUN] = {TO(PODS), TO(RUN), TO(FREE)},
    [DEADLINE_IN_PODS] = {TO(TAIL), TO(PODS), TO(FREE)},
    [DEADLINE_IN_TAIL] = {TO(DELETE), NEVER, TO(FREE)},
    [DEADLINE_IN_DELETE] = {TO(WAIT), TO(DELETE), TO(FREE)},
    [DEADLINE_IN_WAIT] = {TO(PROPOSE), NEVER, TO(FREE)},
    [DEADLINE_IN_PROPOSE] = {TO(FREE), TO(PROPOSE), TO(FREE)},
};

enum deadline_state deadline_next(enum deadline_state state, enum deadline_event event)
{
    return next_state[state][event];
}

/* ---- the nearest deadline ------------------------------------------------------------------ */

static uint32_t now_s(void)
{
    return (uint32_t)(time_now_us() / 1000000);
}

static void scan(void *ctx);

static void arm(struct deadlines *d, int64_t delay_ms)
{
    int64_t now_ms = loop_now_ms(d->w->loop);
    int64_t earliest_ms = d->scanned_ms ? d->scanned_ms + SCAN_MS - now_ms : 0;
    if (delay_ms < earliest_ms)
        delay_ms = earliest_ms;
    if (delay_ms < 0)
        delay_ms = 0;
    if (d->timer.set && d->due_ms <= now_ms + delay_ms)
        return;
    d->due_ms = now_ms + delay_ms;
    loop_timer_set(d->w->loop, &d->timer, delay_ms, scan, d);
}

bool deadline_followed(const struct job_record *job)
{
    return job->live && !job->ended_by_us && !job->suspect && !job->judged && !job->in_case &&
           !uuid_is_nil(&job->flow_run);
}

void deadlines_note(struct deadlines *d, const struct job_record *job)
{
    struct deadline next = terms_next(&job->terms);
    if (next.kind != DEADLINE_NONE && deadline_followed(job))
        arm(d, ((int64_t)next.at_s - now_s()) * 1000);
}

void deadlines_expect(struct deadlines *d, str job_uid, const struct manifest *manifest)
{
    struct uuid uid;
    struct job_record *job =
        uuid_parse(job_uid, &uid) ? records_find(observer_jobs(d->w->observer), &uid) : NULL;
    if (!job)
        return;
    terms_set(&job->terms, manifest);
    deadlines_note(d, job);
}

void deadlines_take_job(struct deadlines *d, struct job_record *record, const struct kube_job *job)
{
    int64_t since_us = job->started_us ? job->started_us : job->meta.created_us;
    record->terms.since_s = (uint32_t)(since_us / 1000000);
    record->terms.suspended = job->suspended;
    if (job->suspended)
        record->terms.started_s = 0; /* what comes later begins anew */
    else if (job->ready > 0 && !record->terms.started_s)
        record->terms.started_s = now_s(); /* its pod, where it is seen, knows better */
    deadlines_note(d, record);
}

uint32_t deadline_pod_start(struct arena *scratch, const struct kube_pod *pod)
{
    struct kube_container c;
    int64_t first_us = 0;
    for (size_t i = 0; kube_pod_container(scratch, pod, i, &c); i++)
        if (!c.init && c.started_us && (!first_us || c.started_us < first_us))
            first_us = c.started_us;
    if (first_us)
        return (uint32_t)(first_us / 1000000);
    return str_eq(pod->phase, STR("Pending")) ? 0 : now_s();
}

void deadline_note_start(struct job_record *job, uint32_t started_s)
{
    if (started_s && (!job->terms.started_s || started_s < job->terms.started_s))
        job->terms.started_s = started_s;
}

void deadlines_take_pod(struct deadlines *d, const struct kube_pod *pod,
                        const struct diagnosis *found)
{
    struct arena *scratch = &d->w->tick;
    struct uuid uid;
    str owner = kube_label(scratch, &pod->meta, "batch.kubernetes.io/controller-uid");
    if (!owner.p)
        owner = kube_label(scratch, &pod->meta, "controller-uid"); /* before Kubernetes 1.27 */
    struct job_record *job =
        uuid_parse(owner, &uid) ? records_find(observer_jobs(d->w->observer), &uid) : NULL;
    if (!job || !job->live)
        return;
    deadline_note_start(job, deadline_pod_start(scratch, pod));
    int64_t after_s = terms_doom_s(d->w->config->fail_doomed, found ? found->cause : NULL);
    if (after_s < 0)
        job->terms.doomed_s = 0;
    else if (!job->terms.doomed_s)
        job->terms.doomed_s = now_s() + (uint32_t)after_s;
    deadlines_note(d, job);
}

/* ---- moving a case ------------------------------------------------------------------------- */

struct job_record *deadline_record(struct deadline_case *c)
{
    return records_find(observer_jobs(c->w->observer), &c->job);
}

void deadline_postpone(struct deadline_case *c, uint32_t seconds)
{
    struct job_record *job = deadline_record(c);
    if (job)
        job->terms.later_s = now_s() + seconds;
}

static void release(struct deadline_case *c)
{
    struct worker *w = c->w;
    struct kube *kube = clusters_kube(w->clusters, c->cluster);
    struct job_record *job = deadline_record(c);
    tail_cancel(&c->tail);
    job_deletion_cancel(&c->deletion);
    proposal_cancel(&c->proposal);
    if (kube)
        kube_cancel(kube, c->kube_call);
    prefect_cancel(w->prefect, c->call);
    loop_timer_clear(w->loop, &c->timer);
    arena_reset(&c->arena);
    struct arena arena = c->arena;
    *c = (struct deadline_case){.all = c->all, .w = w, .arena = arena};
    if (job) {
        job->terms.busy = false;
        deadlines_note(c->all, job);
    }
}

static void enter_again(void *ctx)
{
    deadline_enter(ctx);
}

void deadline_event(struct deadline_case *c, enum deadline_event event)
{
    if (event == DEADLINE_ON_AGAIN && ++c->tries > TRIES_MAX) {
        deadline_postpone(c, POSTPONE_S);
        event = DEADLINE_ON_DROP;
    }
    enum deadline_state next = deadline_next(c->state, event);
    ASSERT(next < DEADLINE_STATE_COUNT);
    if (event == DEADLINE_ON_AGAIN) {
        loop_timer_set(c->w->loop, &c->timer, backoff_exponential_ms(500, c->tries - 1, 60000),
                       enter_again, c);
        return;
    }
    if (event == DEADLINE_ON_DROP && c->state == DEADLINE_IN_DELETE)
        observer_spare(c->w->observer, &c->job); /* its end is judged as any other's */
    c->tries = 0;
    c->state = next;
    if (next == DEADLINE_IN_FREE)
        release(c);
    else
        deadline_enter(c);
}

/* ---- Jobs whose time is over --------------------------------------------------------------- */

static struct deadline_case *free_case(struct deadlines *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->cases); i++)
        if (d->cases[i].state == DEADLINE_IN_FREE)
            return &d->cases[i];
    return NULL;
}

/* False: no place is free. */
static bool open_case(struct deadlines *d, struct job_record *job, enum deadline_kind kind)
{
    struct deadline_case *c = free_case(d);
    if (!c)
        return false;
    job->terms.busy = true;
    c->kind = kind;
    c->job = job->record.key;
    c->run.id = job->flow_run;
    c->cluster = job->cluster;
    c->name = str_copy(&c->arena, str_of(job->name));
    c->namespace = str_copy(&c->arena, str_of(job->namespace));
    c->limit_s = kind == DEADLINE_JOB ? job->terms.job_timeout_s : job->terms.pod_timeout_s;
    deadline_event(c, DEADLINE_ON_OK);
    return true;
}

static void scan(void *ctx)
{
    struct deadlines *d = ctx;
    struct worker *w = d->w;
    struct records *jobs = observer_jobs(w->observer);
    struct uuid pool = {{0}};
    uint32_t now = now_s();
    int64_t nearest_s = INT64_MAX;
    d->scanned_ms = loop_now_ms(w->loop);
    if (!pool_known(w->pool) || !w->kube_ready) {
        arm(d, SCAN_MS);
        return;
    }
    uuid_parse(pool_id(w->pool), &pool);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !deadline_followed(job) || !uuid_eq(&job->work_pool, &pool))
            continue;
        struct deadline next = terms_next(&job->terms);
        if (next.kind == DEADLINE_NONE)
            continue;
        if (next.at_s > now || !open_case(d, job, next.kind))
            nearest_s = next.at_s < nearest_s ? next.at_s : nearest_s;
    }
    if (nearest_s != INT64_MAX)
        arm(d, (nearest_s - now) * 1000);
}

bool deadlines_hold(const struct deadlines *d, const struct uuid *flow_run)
{
    for (size_t i = 0; i < ARRAY_LEN(d->cases); i++)
        if (d->cases[i].state >= DEADLINE_IN_DELETE && uuid_eq(&d->cases[i].run.id, flow_run))
            return true;
    return false;
}

struct deadlines *deadlines_open(struct arena *perm, struct worker *w)
{
    struct deadlines *d = arena_must(perm, sizeof *d);
    d->w = w;
    for (size_t i = 0; i < ARRAY_LEN(d->cases); i++) {
        d->cases[i].all = d;
        d->cases[i].w = w;
        arena_reserve(&d->cases[i].arena, "deadline", CASE_ARENA);
    }
    return d;
}

void deadlines_stop(struct deadlines *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->cases); i++)
        if (d->cases[i].state != DEADLINE_IN_FREE)
            release(&d->cases[i]);
    loop_timer_clear(d->w->loop, &d->timer);
}
