/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/suspicion.h"

#include "base/time.h"
#include "kube/job.h"
#include "worker/clusters.h"
#include "worker/pool.h"
#include "worker/refusal.h"
#include "worker/report.h"

#define LOOKS 4       /* requests at a time */
#define STARTS_MAX 16 /* requests of one turn, which comes once a second */
#define TURN_MS 1000
#define FIRST_DELAY_MS 10000
#define LAST_DELAY_MS 60000
#define EVENTS_MAX (1 * MIB) /* the Events of one Job; Kubernetes folds equal ones */
#define REFUSED_MAX 16
#define KEY_SUSPENDED 1 /* no hash is ever that: they are of whole texts */

/* One request: the Events of a Job, or the Job itself where it is suspended. */
struct look {
    struct suspicions *all;
    bool used;
    struct uuid job;
    struct kube *kube;
    kube_id call;
};

struct cause {
    struct uuid job; /* nil: free */
    char text[480];
};

/* Where Events may not be read. */
struct refused {
    uint8_t cluster;
    char namespace[KUBE_NAMESPACE_MAX + 1];
};

struct suspicions {
    struct worker *w;
    struct loop_timer timer;
    struct look looks[LOOKS];
    struct cause causes[SUSPICION_CAUSES_MAX];
    size_t next_cause;
    struct refused refused[REFUSED_MAX];
    size_t refused_count;
    bool off; /* no place is left in `refused` */
};

static void turn(void *ctx);

struct suspicions *suspicions_open(struct arena *perm, struct worker *w)
{
    struct suspicions *s = arena_must(perm, sizeof *s);
    s->w = w;
    for (size_t i = 0; i < LOOKS; i++)
        s->looks[i].all = s;
    return s;
}

void suspicions_wake(struct suspicions *s)
{
    if (!s->timer.set && !s->off)
        loop_timer_set(s->w->loop, &s->timer, TURN_MS, turn, s);
}

int64_t suspicion_delay_ms(int looks)
{
    int64_t delay_ms = FIRST_DELAY_MS;
    for (; looks > 0 && delay_ms < LAST_DELAY_MS; looks--)
        delay_ms *= 2;
    return delay_ms < LAST_DELAY_MS ? delay_ms : LAST_DELAY_MS;
}

/* ---- what is known ------------------------------------------------------------------------- */

static struct cause *cause_of(struct suspicions *s, const struct uuid *job)
{
    for (size_t i = 0; i < SUSPICION_CAUSES_MAX; i++)
        if (uuid_eq(&s->causes[i].job, job))
            return &s->causes[i];
    struct cause *oldest = &s->causes[s->next_cause++ % SUSPICION_CAUSES_MAX];
    *oldest = (struct cause){.job = *job};
    return oldest;
}

str suspicions_cause(const struct suspicions *s, const struct job_record *job)
{
    for (size_t i = 0; i < SUSPICION_CAUSES_MAX && job->cause_key; i++)
        if (uuid_eq(&s->causes[i].job, &job->record.key))
            return str_of(s->causes[i].text);
    return (str){0};
}

static bool is_refused(const struct suspicions *s, const struct job_record *job)
{
    for (size_t i = 0; i < s->refused_count; i++)
        if (s->refused[i].cluster == job->cluster &&
            str_eq(str_of(s->refused[i].namespace), str_of(job->namespace)))
            return true;
    return s->off;
}

/* Said once a namespace; then what needs the verb is off there. */
static void refuse(struct suspicions *s, const struct job_record *job, const struct err *e)
{
    if (is_refused(s, job))
        return;
    log_warning("why a Job gets no pod (a quota, an admission rule) can't be told: %s", e->text);
    if (s->refused_count == REFUSED_MAX) {
        s->off = true;
        return;
    }
    struct refused *r = &s->refused[s->refused_count++];
    r->cluster = job->cluster;
    str_to_cstr(str_of(job->namespace), r->namespace, sizeof r->namespace);
}

/* ---- telling the run ----------------------------------------------------------------------- */

static void tell(struct suspicions *s, struct job_record *job, enum log_level level, uint64_t key,
                 str text)
{
    struct run_ref run = {.id = job->flow_run};
    if (job->cause_key == key)
        return;
    job->cause_key = key;
    report_run_text(s->w, &run, level, RUN_LOGGER_OBSERVER, text);
    struct cause *cause = cause_of(s, &job->record.key);
    str_to_cstr(text, cause->text, sizeof cause->text);
}

static void take_events(struct suspicions *s, struct job_record *job, str list)
{
    struct arena *tick = &s->w->tick;
    struct kube_event event;
    struct diagnosis d;
    if (!refusal_newest(tick, list, &event))
        return;
    refusal_diagnose(tick, event.message, &d);
    tell(s, job, d.level, d.key, d.text);
}

static void take_suspended(struct suspicions *s, struct job_record *record, str text)
{
    struct arena *tick = &s->w->tick;
    struct kube_job job;
    struct err e;
    if (kube_job_read(tick, text, &job, &e) != ERR_NONE || !job.suspended)
        return;
    str queue = kube_label(tick, &job.meta, KUBE_QUEUE_LABEL);
    tell(s, record, LOG_INFO, KEY_SUSPENDED,
         queue.n ? str_printf(tick,
                              "The run's Job is suspended: it waits in queue '" STR_FMT
                              "' until that admits it.",
                              STR_ARG(queue))
                 : STR("The run's Job is suspended (spec.suspend): it gets no pod until somebody "
                       "resumes it."));
}

/* ---- looking ------------------------------------------------------------------------------- */

static void on_answer(void *ctx, const struct kube_reply *reply)
{
    struct look *look = ctx;
    struct suspicions *s = look->all;
    struct job_record *job = records_find(observer_jobs(s->w->observer), &look->job);
    look->used = false;
    if (!job)
        return;
    job->look_ms = loop_now_ms(s->w->loop) + suspicion_delay_ms(job->looks);
    job->looks += job->looks < UINT8_MAX;
    if (!job->live || !job->podless_us)
        return;
    if (reply->kind == ERR_FORBIDDEN)
        refuse(s, job, reply->err);
    else if (reply->kind == ERR_NONE && job->suspended)
        take_suspended(s, job, reply->http->body);
    else if (reply->kind == ERR_NONE)
        take_events(s, job, reply->http->body);
}

static struct look *free_look(struct suspicions *s)
{
    for (size_t i = 0; i < LOOKS; i++)
        if (!s->looks[i].used)
            return &s->looks[i];
    return NULL;
}

static bool begin(struct suspicions *s, struct job_record *job)
{
    struct arena *tick = &s->w->tick;
    struct look *look = free_look(s);
    char uid[UUID_TEXT_LEN + 1];
    struct err e;
    if (!look)
        return false;
    str namespace = str_of(job->namespace);
    str path = job->suspended
                   ? kube_path(tick, "/apis/batch/v1", namespace, "jobs", str_of(job->name))
                   : str_printf(tick, STR_FMT "?fieldSelector=involvedObject.uid%%3D%s",
                                STR_ARG(kube_path(tick, "/api/v1", namespace, "events", (str){0})),
                                uuid_format(&job->record.key, uid).p);
    *look = (struct look){.all = s,
                          .used = true,
                          .job = job->record.key,
                          .kube = clusters_kube(s->w->clusters, job->cluster)};
    struct kube_request request = {.method = HTTP_GET,
                                   .path = path,
                                   .body_max = EVENTS_MAX,
                                   .on_done = on_answer,
                                   .ctx = look};
    if (!look->kube || kube_send(look->kube, &request, &look->call, &e) != ERR_NONE) {
        look->used = false;
        return false;
    }
    job->look_ms = INT64_MAX; /* until the answer */
    return true;
}

/* Something can still be learned about it. */
static bool is_suspect(const struct suspicions *s, const struct job_record *job,
                       const struct uuid *pool)
{
    if (!job->live || !job->podless_us || uuid_is_nil(&job->flow_run) ||
        !uuid_eq(&job->work_pool, pool))
        return false;
    if (job->suspended)
        return job->cause_key != KEY_SUSPENDED;
    return !is_refused(s, job);
}

static void turn(void *ctx)
{
    struct suspicions *s = ctx;
    struct records *jobs = observer_jobs(s->w->observer);
    struct uuid pool = {{0}};
    int64_t now_ms = loop_now_ms(s->w->loop), now_us = time_now_us();
    bool any = false;
    int started = 0;
    uuid_parse(pool_id(s->w->pool), &pool);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !is_suspect(s, job, &pool))
            continue;
        any = true;
        bool due = now_us - job->podless_us >= SUSPICION_AFTER_MS * 1000 && job->look_ms <= now_ms;
        if (due && started < STARTS_MAX && begin(s, job))
            started++;
    }
    if (any)
        suspicions_wake(s);
}

void suspicions_stop(struct suspicions *s)
{
    loop_timer_clear(s->w->loop, &s->timer);
    for (size_t i = 0; i < LOOKS; i++)
        if (s->looks[i].used) {
            kube_cancel(s->looks[i].kube, s->looks[i].call);
            s->looks[i].used = false;
        }
}
