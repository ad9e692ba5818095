/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/observe.h"

#include "base/time.h"
#include "format/slug.h"
#include "kube/job.h"
#include "kube/watch.h"
#include "worker/clusters.h"
#include "worker/crash.h"
#include "worker/deadlines.h"
#include "worker/output.h"
#include "worker/pods.h"
#include "worker/poll.h"
#include "worker/suspicion.h"

#define SCOPES 16

/* Jobs and pods of one namespace, or of all. */
struct scope {
    struct observer *o;
    uint8_t cluster;                        /* clusters.h */
    char namespace[KUBE_NAMESPACE_MAX + 1]; /* empty: all */
    struct kube_watch *jobs, *pods;
    uint32_t jobs_list, pods_list; /* number of the present list */
    bool jobs_synced, refused, stopped;
    bool jobs_trouble; /* said of the Jobs' stream: the pods' has the same cause */
};

struct observer {
    struct worker *w;
    struct arena *perm;
    struct records jobs;
    struct pods *pods;
    struct scope scopes[SCOPES];
    size_t scope_count;
    uint32_t lists; /* so far: numbers of lists */
    size_t own_live;
    str own_label; /* prefect.io/worker-name as our Jobs carry it */
    struct loop_timer narrow_timer;
    struct observer_figures figures;
};

struct observer *observer_open(struct arena *perm, struct worker *w)
{
    struct observer *o = arena_must(perm, sizeof *o);
    o->w = w;
    o->perm = perm;
    o->own_label = slug_label_value(perm, w->tick, w->config->name);
    records_init(&o->jobs, perm, sizeof(struct job_record), WORKER_RUNS_MAX);
    o->pods = pods_open(perm, w);
    return o;
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

static void set_live(struct observer *o, struct job_record *job, bool live)
{
    if (job->own && job->live != live) {
        o->own_live += live ? 1 : (size_t)-1;
        if (!live)
            poll_wake(o->w->poll); /* there may be room under --limit */
    }
    job->live = live;
}

static void forget(struct observer *o, struct job_record *job)
{
    set_live(o, job, false);
    records_remove(&o->jobs, job);
}

static void suspect(struct observer *o, struct job_record *job)
{
    if (job->judged || job->suspect || job->ended_by_us)
        return;
    job->suspect = true;
    crashes_wake(o->w->crashes);
}

static struct job_record *job_record_of(struct observer *o, struct arena *scratch,
                                        const struct kube_job *job)
{
    str run = kube_label(scratch, &job->meta, "prefect.io/flow-run-id");
    if (!run.p || uuid_is_nil(&job->meta.uid))
        return NULL;
    bool fresh = !records_find(&o->jobs, &job->meta.uid);
    struct job_record *record = records_get(&o->jobs, &job->meta.uid);
    if (!record) {
        if (o->figures.table_full++ == 0)
            log_error("more than %d Jobs carry runs; further ones are not followed until finished "
                      "ones are deleted (job variable finished_job_ttl)",
                      WORKER_RUNS_MAX);
        return NULL;
    }
    if (!fresh)
        return record;
    if (!uuid_parse(run, &record->flow_run))
        record->flow_run = (struct uuid){{0}};
    str pool = kube_label(scratch, &job->meta, "prefect.io/work-pool-id");
    if (!uuid_parse(pool, &record->work_pool))
        record->work_pool = (struct uuid){{0}};
    str_to_cstr(job->meta.name, record->name, sizeof record->name);
    str_to_cstr(job->meta.namespace, record->namespace, sizeof record->namespace);
    str worker = kube_label(scratch, &job->meta, "prefect.io/worker-name");
    record->own = worker.p && str_eq(worker, o->own_label);
    return record;
}

/* The Failed condition decides; a count over the limit comes first in time. */
static bool has_failed(const struct kube_job *job)
{
    return job->failed_condition || (!job->complete && job->failed > job->backoff_limit);
}

/* A live Job that has no pod now: suspicion.c looks for the cause. */
static void note_pods(struct observer *o, struct job_record *record, const struct kube_job *job)
{
    bool changed = record->suspended != job->suspended;
    int64_t now_us = time_now_us(), made_us = job->meta.created_us;
    record->suspended = job->suspended;
    if (job->active > 0 || changed) {
        record->podless_us = record->look_ms = 0;
        record->cause_key = 0;
        record->looks = 0;
    }
    if (!record->live || job->active > 0)
        return;
    bool first = !changed && job->failed == 0 && made_us && made_us < now_us;
    if (!record->podless_us)
        record->podless_us = first ? made_us : now_us;
    suspicions_wake(o->w->suspicions);
}

static void take_job(struct observer *o, uint8_t cluster, uint32_t list, bool deleted, str text)
{
    struct arena *scratch = &o->w->tick;
    struct kube_job job;
    struct err e;
    if (kube_job_read(scratch, text, &job, &e) != ERR_NONE) {
        log_warning("a Job can't be read and is passed over: %s", e.text);
        return;
    }
    struct job_record *record = job_record_of(o, scratch, &job);
    if (!record)
        return;
    record->cluster = cluster;
    record->seen = list;
    record->complete = record->complete || job.complete;
    record->started = record->started || job.ready || job.succeeded || job.failed;
    set_live(o, record, !deleted && !job.complete && !has_failed(&job));
    note_pods(o, record, &job);
    deadlines_take_job(o->w->deadlines, record, &job);
    if (has_failed(&job))
        suspect(o, record);
    if (!deleted)
        return;
    record->gone = true;
    if (!record->complete && job.succeeded == 0)
        suspect(o, record);
    if (!record->suspect)
        forget(o, record);
}

void observer_judged(struct observer *o, struct job_record *job)
{
    job->suspect = false;
    job->in_case = false;
    job->judged = true;
    if (job->gone)
        forget(o, job);
}

void observer_spare(struct observer *o, const struct uuid *uid)
{
    struct job_record *job = records_find(&o->jobs, uid);
    if (!job || !job->ended_by_us)
        return;
    job->ended_by_us = false;
    if (!job->live && !job->complete)
        suspect(o, job);
}

void observer_expect(struct observer *o, uint8_t cluster, str job_text)
{
    take_job(o, cluster, ++o->lists, false, job_text);
}

void observer_set_quiet(struct observer *o, str job_uid)
{
    struct uuid uid;
    struct job_record *job = uuid_parse(job_uid, &uid) ? records_find(&o->jobs, &uid) : NULL;
    if (job)
        job->quiet = true;
}

bool observer_streams(struct observer *o, const struct kube_pod *pod)
{
    struct uuid uid;
    struct arena *scratch = &o->w->tick;
    str worker = kube_label(scratch, &pod->meta, "prefect.io/worker-name");
    if (!worker.p || !str_eq(worker, o->own_label))
        return false;
    str owner = kube_label(scratch, &pod->meta, "batch.kubernetes.io/controller-uid");
    struct job_record *job = uuid_parse(owner, &uid) ? records_find(&o->jobs, &uid) : NULL;
    return !job || !job->quiet;
}

struct records *observer_jobs(struct observer *o)
{
    return &o->jobs;
}

/* ---- the streams --------------------------------------------------------------------------- */

static void on_job(void *ctx, enum kube_event event, str text)
{
    struct scope *scope = ctx;
    struct arena *tick = &scope->o->w->tick;
    size_t mark = arena_mark(tick); /* a burst must not add up */
    take_job(scope->o, scope->cluster, scope->jobs_list, event == KUBE_DELETED, text);
    arena_rewind(tick, mark);
}

static void on_pod(void *ctx, enum kube_event event, str text)
{
    struct scope *scope = ctx;
    struct arena *tick = &scope->o->w->tick;
    size_t mark = arena_mark(tick);
    pods_take(scope->o->pods, scope->cluster, scope->pods_list, event == KUBE_LISTED,
              event == KUBE_DELETED, text);
    arena_rewind(tick, mark);
}

static void on_jobs_list(void *ctx)
{
    struct scope *scope = ctx;
    scope->jobs_list = ++scope->o->lists;
}

static void on_pods_list(void *ctx)
{
    struct scope *scope = ctx;
    scope->pods_list = ++scope->o->lists;
}

/* Only our own cluster decides whether runs are taken: another one's trouble is its runs' alone. */
static void tell_gate(struct scope *scope, const struct err *e, int64_t delay_ms)
{
    if (scope->cluster == CLUSTER_OWN)
        worker_kube_state(scope->o->w, e, delay_ms);
    else if (e && delay_ms)
        log_warning("%s; trying again in %lld s", e->text, (long long)(delay_ms + 500) / 1000);
}

static void on_jobs_synced(void *ctx)
{
    struct scope *scope = ctx;
    struct observer *o = scope->o;
    str namespace = str_of(scope->namespace);
    for (uint32_t i = 0; i < o->jobs.fresh; i++) {
        struct job_record *job = records_at(&o->jobs, i);
        if (!job || job->cluster != scope->cluster || job->seen >= scope->jobs_list ||
            (namespace.n && !str_eq(namespace, str_of(job->namespace))))
            continue;
        /* Deleted while nobody watched. */
        set_live(o, job, false);
        job->gone = true;
        if (!job->complete)
            suspect(o, job);
        if (!job->suspect)
            forget(o, job);
    }
    scope->jobs_synced = true;
    scope->jobs_trouble = false;
    tell_gate(scope, NULL, 0);
    poll_wake(o->w->poll);
}

static void on_pods_synced(void *ctx)
{
    struct scope *scope = ctx;
    pods_list_ends(scope->o->pods, scope->cluster, scope->pods_list, str_of(scope->namespace));
    tell_gate(scope, NULL, 0);
}

static void on_recovered(void *ctx)
{
    struct scope *scope = ctx;
    tell_gate(scope, NULL, 0);
}

static void on_jobs_recovered(void *ctx)
{
    struct scope *scope = ctx;
    scope->jobs_trouble = false;
    on_recovered(ctx);
}

static void on_jobs_trouble(void *ctx, const struct err *e, int64_t delay_ms);
static void on_pods_trouble(void *ctx, const struct err *e, int64_t delay_ms);

static bool is_watched(const struct observer *o, uint8_t cluster, str namespace)
{
    for (size_t i = 0; i < o->scope_count; i++) {
        const struct scope *scope = &o->scopes[i];
        bool all = scope->namespace[0] == '\0' && !scope->refused;
        if (scope->cluster == cluster && (all || str_eq(str_of(scope->namespace), namespace)))
            return true;
    }
    return false;
}

static void watch(struct observer *o, uint8_t cluster, str namespace)
{
    struct kube *kube = clusters_kube(o->w->clusters, cluster);
    if (!kube || is_watched(o, cluster, namespace))
        return;
    if (o->scope_count == SCOPES) {
        log_error("namespace " STR_FMT
                  " is not watched: %d namespaces are watched already; let the "
                  "worker watch all of them (a ClusterRole with list and watch on Jobs and pods)",
                  STR_ARG(namespace), SCOPES);
        return;
    }
    struct scope *scope = &o->scopes[o->scope_count++];
    scope->o = o;
    scope->cluster = cluster;
    str_to_cstr(namespace, scope->namespace, sizeof scope->namespace);
    struct kube_watch_options options = {.api = "/apis/batch/v1",
                                         .resource = "jobs",
                                         .namespace = str_of(scope->namespace),
                                         .label_selector = o->w->config->observer_label_selector};
    struct kube_watch_handler handler = {.on_object = on_job,
                                         .on_list = on_jobs_list,
                                         .on_synced = on_jobs_synced,
                                         .on_recovered = on_jobs_recovered,
                                         .on_trouble = on_jobs_trouble,
                                         .ctx = scope};
    scope->jobs = kube_watch_open(o->perm, o->w->loop, kube, &options, &handler);
    options.api = "/api/v1";
    options.resource = "pods";
    handler.on_object = on_pod;
    handler.on_list = on_pods_list;
    handler.on_synced = on_pods_synced;
    handler.on_recovered = on_recovered;
    handler.on_trouble = on_pods_trouble;
    scope->pods = kube_watch_open(o->perm, o->w->loop, kube, &options, &handler);
}

/* All namespaces may not be watched: those that the worker knows of instead. */
static void narrow(void *ctx)
{
    struct observer *o = ctx;
    struct scope *all = &o->scopes[0];
    if (all->stopped)
        return;
    all->stopped = true;
    kube_watch_stop(all->jobs);
    kube_watch_stop(all->pods);
    watch(o, CLUSTER_OWN, kube_config_of(clusters_kube(o->w->clusters, CLUSTER_OWN))->namespace);
}

static void take_trouble(struct scope *scope, const struct err *e, int64_t delay_ms)
{
    struct observer *o = scope->o;
    bool all = scope->namespace[0] == '\0';
    if (scope->stopped)
        return;
    if (e->kind == ERR_FORBIDDEN && all) {
        if (!scope->refused) {
            str own = kube_config_of(clusters_kube(o->w->clusters, CLUSTER_OWN))->namespace;
            log_info("watching all namespaces is not allowed; watching namespace " STR_FMT
                     " and those in which Jobs are made",
                     STR_ARG(own));
        }
        scope->refused = true;
        loop_timer_set(o->w->loop, &o->narrow_timer, 0, narrow, o);
        return;
    }
    tell_gate(scope, e, delay_ms);
    if (e->kind == ERR_FORBIDDEN && !scope->refused) {
        scope->refused = true; /* without the list nothing can be counted: go on without */
        poll_wake(o->w->poll);
    }
}

static void on_jobs_trouble(void *ctx, const struct err *e, int64_t delay_ms)
{
    struct scope *scope = ctx;
    scope->jobs_trouble = true;
    take_trouble(scope, e, delay_ms);
}

/* One line a back-off: where the Jobs' stream has told of the server, this one is silent. */
static void on_pods_trouble(void *ctx, const struct err *e, int64_t delay_ms)
{
    struct scope *scope = ctx;
    bool said = scope->jobs_trouble && e->kind != ERR_FORBIDDEN;
    take_trouble(scope, e, said ? 0 : delay_ms);
}

void observer_start(struct observer *o)
{
    const struct config *config = o->w->config;
    if (!config->observer_enabled)
        return;
    if (config->observer_namespace_count == 0)
        watch(o, CLUSTER_OWN, (str){0});
    for (size_t i = 0; i < config->observer_namespace_count; i++)
        watch(o, CLUSTER_OWN, config->observer_namespaces[i]);
}

void observer_watch_namespace(struct observer *o, uint8_t cluster, str namespace)
{
    if (o->w->config->observer_enabled)
        watch(o, cluster, namespace);
}

void observer_stop(struct observer *o)
{
    for (size_t i = 0; i < o->scope_count; i++) {
        struct scope *scope = &o->scopes[i];
        if (scope->stopped)
            continue;
        scope->stopped = true;
        kube_watch_stop(scope->jobs);
        kube_watch_stop(scope->pods);
    }
    loop_timer_clear(o->w->loop, &o->narrow_timer);
    pods_stop(o->pods);
}

/* ---- counts -------------------------------------------------------------------------------- */

bool observer_jobs_synced(const struct observer *o)
{
    bool any = false;
    for (size_t i = 0; i < o->scope_count; i++) {
        const struct scope *scope = &o->scopes[i];
        if (scope->stopped)
            continue;
        if (!scope->jobs_synced && !scope->refused)
            return false;
        any = true;
    }
    return any;
}

bool observer_jobs_trusted(const struct observer *o)
{
    for (size_t i = 0; i < o->scope_count; i++)
        if (!o->scopes[i].stopped && !o->scopes[i].jobs_synced)
            return false;
    return o->scope_count > 0;
}

size_t observer_own_starting_jobs(const struct observer *o)
{
    size_t count = 0;
    for (uint32_t i = 0; i < o->jobs.fresh; i++) {
        const struct job_record *job = records_at(&o->jobs, i);
        count += job && job->own && job->live && !job->started;
    }
    return count;
}

size_t observer_own_live_jobs(const struct observer *o)
{
    return o->own_live;
}

struct observer_figures observer_figures(const struct observer *o)
{
    struct observer_figures figures = o->figures;
    struct pods_figures pods = pods_figures(o->pods);
    figures.jobs = o->jobs.used;
    figures.pods = pods.count;
    figures.pod_events = pods.events;
    figures.bytes_per_job = sizeof(struct job_record) + 2 * sizeof(uint32_t);
    figures.bytes_per_pod = sizeof(struct pod_record) + 2 * sizeof(uint32_t);
    return figures;
}
