/* SPDX-License-Identifier: Apache-2.0 */

/* What each state of a deadline's case does on entry, and how replies become its events. */

#include "base/encode.h"
#include "base/time.h"
#include "prefect/flow_run.h"
#include "worker/clusters.h"
#include "worker/deadline_case.h"
#include "worker/pid.h"
#include "worker/suspicion.h"

#define POSTPONE_S 60      /* a run that is paused, or scheduled again */
#define REFUSED_S 600      /* no right to delete the Job, or to read its pods */
#define UNSTARTED_S 30     /* a Job's timeout counts from its container's start: look again */
#define LOOK_MS 500        /* between two looks for the end of a deleted Job */
#define PODS_MAX (1 * MIB) /* the pods of one Job */

/* The Job's time no longer matters. */
static void drop_for_good(struct deadline_case *c)
{
    struct job_record *job = deadline_record(c);
    if (job)
        terms_end(&job->terms);
    deadline_event(c, DEADLINE_ON_DROP);
}

static bool may_come_later(enum err_kind kind)
{
    return kind == ERR_RETRY || kind == ERR_AUTH;
}

/* ---- the steps ----------------------------------------------------------------------------- */

static void on_run(void *ctx, const struct prefect_reply *reply)
{
    struct deadline_case *c = ctx;
    struct prefect_flow_run run;
    struct err e;
    c->call = 0;
    if (may_come_later(reply->kind)) {
        deadline_event(c, DEADLINE_ON_AGAIN);
        return;
    }
    if (reply->kind || prefect_flow_run_parse(reply->arena, reply->body, &run, &e) != ERR_NONE ||
        prefect_state_type_final(run.state_type) ||
        (run.infrastructure_pid.n && !pid_names(run.infrastructure_pid, c->namespace, c->name))) {
        drop_for_good(c); /* deleted, over, or run by another Job */
        return;
    }
    c->run.name = str_copy(&c->arena, run.name);
    if (run.state_type == PREFECT_PENDING || run.state_type == PREFECT_RUNNING) {
        deadline_event(c, DEADLINE_ON_OK);
        return;
    }
    deadline_postpone(c, POSTPONE_S); /* paused, scheduled again, being cancelled */
    deadline_event(c, DEADLINE_ON_DROP);
}

static bool read_run(struct deadline_case *c, prefect_done_fn *on_done)
{
    struct worker *w = c->w;
    struct err e;
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = prefect_path_id(&w->tick, "/flow_runs/", &c->run.id, ""),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_done,
        .ctx = c,
    };
    return prefect_send(w->prefect, &request, &c->call, &e) == ERR_NONE;
}

static void enter_run(struct deadline_case *c)
{
    if (!read_run(c, on_run))
        deadline_event(c, DEADLINE_ON_AGAIN);
}

/* Notes the starts of the Job's pods; the newest pod that has not ended, else the newest. */
static bool look_at_pods(struct deadline_case *c, struct job_record *job, str list,
                         struct kube_pod *newest)
{
    struct arena *tick = &c->w->tick;
    struct json root;
    struct err e;
    bool found = false;
    if (json_parse(tick, list, &root, &e) != ERR_NONE)
        return false;
    for (struct json_iter it = json_each(json_get(root, STR("items"))); json_next(&it);) {
        struct kube_pod pod;
        if (kube_pod_read(tick, json_raw(it.value), &pod, &e) != ERR_NONE)
            continue;
        deadline_note_start(job, deadline_pod_start(tick, &pod));
        if (!found || pod.meta.created_us >= newest->meta.created_us)
            *newest = pod;
        found = true;
    }
    return found;
}

/* Why the pod waits, in Kubernetes' words where it says; else where no pod is, why there is none.
 */
static str cause_of(struct deadline_case *c, struct job_record *job, const struct kube_pod *pod)
{
    struct worker *w = c->w;
    struct diagnosis d;
    if (pod && diagnose_pod(&w->tick, pod, &d))
        return d.text;
    str podless = pod ? (str){0} : suspicions_cause(w->suspicions, job);
    if (podless.n)
        return podless;
    return pod ? STR("Kubernetes names no cause.") : STR("There is no pod.");
}

static void warn(struct deadline_case *c, struct job_record *job, const struct kube_pod *pod)
{
    job->terms.warned = true;
    report_run(c->w, &c->run, LOG_WARNING, RUN_LOGGER_OBSERVER,
               "The run waits for its pod since %d s, and goes on waiting: " STR_FMT, c->limit_s,
               STR_ARG(cause_of(c, job, pod)));
}

static void compose(struct deadline_case *c, struct job_record *job, const struct kube_pod *pod)
{
    switch (c->kind) {
    case DEADLINE_JOB:
        c->message = str_printf(&c->arena,
                                "Job " STR_FMT " was deleted because it did not end within %d s "
                                "(job_watch_timeout_seconds).",
                                STR_ARG(c->name), c->limit_s);
        return;
    case DEADLINE_POD:
        c->message = str_printf(&c->arena,
                                "Job " STR_FMT " was deleted because its pod did not start within "
                                "%d s (pod_watch_timeout_seconds). " STR_FMT,
                                STR_ARG(c->name), c->limit_s, STR_ARG(cause_of(c, job, pod)));
        return;
    case DEADLINE_DOOMED:
        c->message = str_printf(&c->arena,
                                "Job " STR_FMT " was deleted because its pod can't start. " STR_FMT,
                                STR_ARG(c->name), STR_ARG(cause_of(c, job, pod)));
        return;
    case DEADLINE_NONE:
    case DEADLINE_WARN:
        return;
    }
}

/* Whether the time is over still holds with what the pods say. */
static bool still_due(struct deadline_case *c, struct job_record *job, const struct kube_pod *pod)
{
    struct worker *w = c->w;
    struct job_terms terms = job->terms;
    struct diagnosis d;
    if (!deadline_followed(job))
        return false;
    if (c->kind == DEADLINE_DOOMED) {
        bool doomed = pod && diagnose_pod(&w->tick, pod, &d) &&
                      terms_doom_s(w->config->fail_doomed, d.cause) >= 0;
        if (!doomed)
            job->terms.doomed_s = 0;
        return doomed;
    }
    if (c->kind == DEADLINE_JOB && !terms.started_s) {
        deadline_postpone(c, UNSTARTED_S);
        return false;
    }
    terms.busy = false;
    struct deadline next = terms_next(&terms);
    return next.kind == c->kind && next.at_s <= (uint32_t)(time_now_us() / 1000000);
}

static void on_pods(void *ctx, const struct kube_reply *reply)
{
    struct deadline_case *c = ctx;
    struct worker *w = c->w;
    struct job_record *job = deadline_record(c);
    struct kube_pod pod;
    c->kube_call = 0;
    if (may_come_later(reply->kind)) {
        deadline_event(c, DEADLINE_ON_AGAIN);
        return;
    }
    bool started = job && c->kind == DEADLINE_JOB && job->terms.started_s;
    if (!job || (reply->kind && !started)) { /* nobody can tell whether a pod started */
        deadline_postpone(c, REFUSED_S);
        deadline_event(c, DEADLINE_ON_DROP);
        return;
    }
    bool found = reply->kind == ERR_NONE && look_at_pods(c, job, reply->http->body, &pod);
    if (!still_due(c, job, found ? &pod : NULL)) {
        deadline_event(c, DEADLINE_ON_DROP);
        return;
    }
    if (c->kind == DEADLINE_WARN) {
        warn(c, job, found ? &pod : NULL);
        deadline_event(c, DEADLINE_ON_DROP);
        return;
    }
    if (job_refusals_has(w->job_refusals, c->cluster, c->namespace, loop_now_ms(w->loop))) {
        deadline_postpone(c, REFUSED_S);
        deadline_event(c, DEADLINE_ON_DROP);
        return;
    }
    compose(c, job, found ? &pod : NULL);
    deadline_event(c, DEADLINE_ON_OK);
    /* TAIL was entered and waits for its pod, which only this reply has. */
    if (c->state != DEADLINE_IN_TAIL)
        return;
    if (found && c->kind == DEADLINE_JOB && w->config->forward_crashed_logs)
        tail_read(&c->tail, &pod);
    else
        deadline_event(c, DEADLINE_ON_OK);
}

static void enter_pods(struct deadline_case *c)
{
    struct worker *w = c->w;
    struct arena *tick = &w->tick;
    char uid[UUID_TEXT_LEN + 1];
    struct err e;
    struct buf path = buf_new(tick, HTTP_URL_MAX);
    buf_put(&path, kube_path(tick, "/api/v1", c->namespace, "pods", (str){0}));
    buf_put(&path, STR("?labelSelector="));
    percent_encode(&path, str_printf(tick, "controller-uid=%s", uuid_format(&c->job, uid).p),
                   STR(""));
    struct kube_request request = {.method = HTTP_GET,
                                   .path = buf_str(&path),
                                   .body_max = PODS_MAX,
                                   .on_done = on_pods,
                                   .ctx = c};
    if (kube_send(clusters_kube(w->clusters, c->cluster), &request, &c->kube_call, &e) != ERR_NONE)
        deadline_event(c, DEADLINE_ON_AGAIN);
}

static void on_tail(void *ctx)
{
    deadline_event(ctx, DEADLINE_ON_OK);
}

static void enter_tail(struct deadline_case *c)
{
    struct worker *w = c->w;
    c->tail = (struct tail){.w = w,
                            .kube = clusters_kube(w->clusters, c->cluster),
                            .arena = &c->arena,
                            .on_done = on_tail,
                            .ctx = c};
}

static void on_deleted(void *ctx, enum job_deletion_outcome outcome)
{
    struct deadline_case *c = ctx;
    switch (outcome) {
    case JOB_DELETION_DONE:
    case JOB_DELETION_GONE:
        c->since_ms = loop_now_ms(c->w->loop);
        deadline_event(c, DEADLINE_ON_OK);
        return;
    case JOB_DELETION_LATER:
        deadline_event(c, DEADLINE_ON_AGAIN);
        return;
    case JOB_DELETION_REFUSED:
        deadline_postpone(c, REFUSED_S);
        deadline_event(c, DEADLINE_ON_DROP);
        return;
    }
}

static void enter_delete(struct deadline_case *c)
{
    struct job_record *job = deadline_record(c);
    if (c->tries == 0 && (!job || !deadline_followed(job))) {
        deadline_event(c, DEADLINE_ON_DROP); /* it ended in this moment */
        return;
    }
    if (job)
        job->ended_by_us = true; /* what happens to it from here on is no crash */
    c->deletion = (struct job_deletion){.w = c->w,
                                        .cluster = c->cluster,
                                        .namespace = c->namespace,
                                        .name = c->name,
                                        .uid = c->job,
                                        .on_done = on_deleted,
                                        .ctx = c};
    if (!job_deletion_start(&c->deletion))
        deadline_event(c, DEADLINE_ON_AGAIN);
}

/* A run's process that is asked to end may have the run scheduled again, and would so even when it
 * is Crashed already. So Crashed comes after that, or when nobody is left to do it. */
static void enter_wait(struct deadline_case *c);

static void wait_on(void *ctx)
{
    enter_wait(ctx);
}

static void on_looked(void *ctx, const struct prefect_reply *reply)
{
    struct deadline_case *c = ctx;
    struct prefect_flow_run run;
    struct err e;
    c->call = 0;
    bool still = reply->kind ||
                 prefect_flow_run_parse(reply->arena, reply->body, &run, &e) != ERR_NONE ||
                 run.state_type == PREFECT_PENDING || run.state_type == PREFECT_RUNNING;
    if (still)
        loop_timer_set(c->w->loop, &c->timer, LOOK_MS, wait_on, c);
    else
        deadline_event(c, DEADLINE_ON_OK);
}

static void read_run_or_wait(struct deadline_case *c)
{
    if (!read_run(c, on_looked))
        loop_timer_set(c->w->loop, &c->timer, LOOK_MS, wait_on, c);
}

static void enter_wait(struct deadline_case *c)
{
    struct worker *w = c->w;
    bool over = loop_now_ms(w->loop) - c->since_ms >= JOB_DELETION_WAIT_MS;
    /* Processes of the older generation do not do so; they are Crashed by themselves instead. */
    if (over || !deadline_record(c) || w->server_major < 3)
        deadline_event(c, DEADLINE_ON_OK);
    else
        read_run_or_wait(c);
}

static void on_proposed(void *ctx, const struct proposal_result *result)
{
    struct deadline_case *c = ctx;
    struct worker *w = c->w;
    if (result->outcome == PROPOSAL_FAILED && may_come_later(result->err->kind)) {
        deadline_event(c, DEADLINE_ON_AGAIN);
        return;
    }
    if (result->outcome == PROPOSAL_FAILED)
        report_run(w, &c->run, LOG_ERROR, RUN_LOGGER_OBSERVER,
                   "Flow run could not be marked as crashed: %s", result->err->text);
    if (result->outcome == PROPOSAL_ACCEPTED)
        report_run(w, &c->run, LOG_WARNING, RUN_LOGGER_OBSERVER,
                   "Flow run is marked as crashed: " STR_FMT, STR_ARG(c->message));
    else /* its own process was quicker to say how it ended */
        report_run_text(w, &c->run, LOG_WARNING, RUN_LOGGER_OBSERVER, c->message);
    tail_forward(&c->tail, &c->run);
    deadline_event(c, DEADLINE_ON_OK);
}

static void enter_propose(struct deadline_case *c)
{
    c->proposal = (struct proposal){.w = c->w,
                                    .run = c->run.id,
                                    .type = PREFECT_CRASHED,
                                    .name = "Crashed",
                                    .message = c->message,
                                    .on_done = on_proposed,
                                    .ctx = c};
    proposal_start(&c->proposal);
}

void deadline_enter(struct deadline_case *c)
{
    static void (*const enters[DEADLINE_STATE_COUNT])(struct deadline_case *) = {
        [DEADLINE_IN_FREE] = NULL, /* left by deadlines.c */
        [DEADLINE_IN_RUN] = enter_run,   [DEADLINE_IN_PODS] = enter_pods,
        [DEADLINE_IN_TAIL] = enter_tail, [DEADLINE_IN_DELETE] = enter_delete,
        [DEADLINE_IN_WAIT] = enter_wait, [DEADLINE_IN_PROPOSE] = enter_propose,
    };
    enters[c->state](c);
}
