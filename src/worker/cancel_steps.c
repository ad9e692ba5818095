/* SPDX-License-Identifier: Apache-2.0 */

/* What each state of a cancellation does on entry, and how replies become its events. */

#include "base/time.h"
#include "kube/job.h"
#include "prefect/flow_run.h"
#include "worker/cancel_case.h"
#include "worker/claim.h"
#include "worker/clusters.h"
#include "worker/observe.h"
#include "worker/pid.h"
#include "worker/pool.h"

/* Another worker of the pool may be between its claim and its Job. */
#define FOREIGN_CLAIM_US ((int64_t)60 * 1000000)
#define SEEN_LOOK_MS 200 /* between two looks for a deleted Job: at its record */
#define LOOK_MS 2000     /* between two looks for a deleted Job that no watch shows */

static bool may_come_later(enum err_kind kind)
{
    return kind == ERR_RETRY || kind == ERR_AUTH;
}

static void leave_alone(struct cancel_case *c)
{
    cancel_pass_over(c);
    cancel_event(c, CANCEL_ON_DROP);
}

static void ask(struct cancel_case *c, str path, prefect_done_fn *on_done)
{
    struct err e;
    struct prefect_request request = {.method = HTTP_GET,
                                      .path = path,
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_done,
                                      .ctx = c};
    if (prefect_send(c->w->prefect, &request, &c->call, &e) != ERR_NONE)
        cancel_event(c, CANCEL_ON_AGAIN);
}

/* Keeps an API object beyond the exchange; NULL where it can't be read. */
static struct tree *keep(struct cancel_case *c, const struct prefect_reply *reply)
{
    struct tree *object = NULL;
    struct err e;
    if (reply->kind)
        return NULL;
    str text = str_copy(&c->arena, reply->body);
    if (!text.p || tree_parse_json(&c->arena, c->w->tick, text, &object, &e) != ERR_NONE)
        return NULL;
    return object;
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

static struct job_record *live_job(struct cancel_case *c)
{
    struct records *jobs = observer_jobs(c->w->observer);
    struct job_record *live = NULL;
    struct uuid pool = {{0}};
    uuid_parse(pool_id(c->w->pool), &pool);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !uuid_eq(&job->flow_run, &c->run.id) || !uuid_eq(&job->work_pool, &pool))
            continue;
        c->known = true;
        if (job->live && !job->ended_by_us)
            live = job;
    }
    return live;
}

static void take_job(struct cancel_case *c, str namespace, str name, const struct uuid *uid)
{
    c->namespace = str_copy(&c->arena, namespace);
    c->job = str_copy(&c->arena, name);
    c->job_uid = *uid;
}

static void enter_jobs(struct cancel_case *c)
{
    struct job_record *job = live_job(c);
    if (job) {
        take_job(c, str_of(job->namespace), str_of(job->name), &job->record.key);
        c->deletion.cluster = job->cluster;
        job->ended_by_us = true; /* what happens to it from here on is no crash */
        cancel_event(c, CANCEL_ON_JOB);
        return;
    }
    cancel_event(c, c->known || c->deleted ? CANCEL_ON_OK : CANCEL_ON_ABSENT);
}

static void on_deleted(void *ctx, enum job_deletion_outcome outcome)
{
    struct cancel_case *c = ctx;
    switch (outcome) {
    case JOB_DELETION_DONE:
    case JOB_DELETION_GONE:
        c->deleted = true;
        c->since_ms = loop_now_ms(c->w->loop);
        if (outcome == JOB_DELETION_GONE)
            c->since_ms -= JOB_DELETION_WAIT_MS; /* nothing to wait for */
        cancel_event(c, CANCEL_ON_OK);
        return;
    case JOB_DELETION_LATER:
        cancel_event(c, CANCEL_ON_AGAIN);
        return;
    case JOB_DELETION_REFUSED:
        leave_alone(c);
        return;
    }
}

static void enter_delete(struct cancel_case *c)
{
    struct worker *w = c->w;
    uint8_t cluster = c->deletion.cluster;
    if (job_refusals_has(w->job_refusals, cluster, c->namespace, loop_now_ms(w->loop))) {
        leave_alone(c);
        return;
    }
    c->deletion = (struct job_deletion){.w = w,
                                        .cluster = cluster,
                                        .namespace = c->namespace,
                                        .name = c->job,
                                        .uid = c->job_uid,
                                        .on_done = on_deleted,
                                        .ctx = c};
    if (!job_deletion_start(&c->deletion))
        cancel_event(c, CANCEL_ON_AGAIN);
}

/* A run's process, asked to end, may propose to have the run scheduled again: only while the run is
 * Cancelling the server refuses that, and so it stays until nobody is left to propose. */
static void enter_wait(struct cancel_case *c);

static void wait_on(void *ctx)
{
    enter_wait(ctx);
}

static void on_looked(void *ctx, const struct kube_reply *reply)
{
    struct cancel_case *c = ctx;
    struct kube_job job;
    struct err e;
    c->kube_call = 0;
    bool there = reply->kind == ERR_NONE &&
                 kube_job_read(reply->http->arena, reply->http->body, &job, &e) == ERR_NONE &&
                 uuid_eq(&job.meta.uid, &c->job_uid);
    if (there || may_come_later(reply->kind))
        loop_timer_set(c->w->loop, &c->timer, LOOK_MS, wait_on, c);
    else
        cancel_event(c, CANCEL_ON_OK);
}

static void look_for_job(struct cancel_case *c)
{
    struct err e;
    struct kube_request request = {
        .method = HTTP_GET,
        .path = kube_path(&c->w->tick, "/apis/batch/v1", c->namespace, "jobs", c->job),
        .on_done = on_looked,
        .ctx = c,
    };
    struct kube *kube = clusters_kube(c->w->clusters, CLUSTER_OWN);
    if (!kube || kube_send(kube, &request, &c->kube_call, &e) != ERR_NONE)
        cancel_event(c, CANCEL_ON_OK);
}

static void enter_wait(struct cancel_case *c)
{
    bool followed = records_find(observer_jobs(c->w->observer), &c->job_uid) != NULL;
    if ((c->known && !followed) || loop_now_ms(c->w->loop) - c->since_ms >= JOB_DELETION_WAIT_MS)
        cancel_event(c, CANCEL_ON_OK);
    else if (followed && c->w->config->observer_enabled)
        loop_timer_set(c->w->loop, &c->timer, SEEN_LOOK_MS, wait_on, c);
    else
        look_for_job(c); /* no watch shows it */
}

/* ---- no Job is known ----------------------------------------------------------------------- */

/* Absence counts only where the claim was made for our cluster, and nobody is still on the way from
 * the claim to the Job. */
static void on_history(void *ctx, const struct prefect_reply *reply)
{
    struct cancel_case *c = ctx;
    struct worker *w = c->w;
    struct json history;
    struct claim claim;
    struct err e;
    c->call = 0;
    if (may_come_later(reply->kind)) {
        cancel_event(c, CANCEL_ON_AGAIN);
        return;
    }
    if (reply->kind || json_parse(reply->arena, reply->body, &history, &e) != ERR_NONE ||
        !claim_newest(reply->arena, history, &claim) || w->cluster_mark.n == 0 ||
        !str_eq(claim.cluster_mark, w->cluster_mark)) {
        leave_alone(c);
        return;
    }
    bool own = str_eq(claim.worker_name, w->config->name);
    bool on_its_way = !own && time_now_us() - c->asked_us < FOREIGN_CLAIM_US;
    bool trusted = w->config->observer_enabled && observer_jobs_trusted(w->observer);
    cancel_event(c, on_its_way || (c->pid.n == 0 && !trusted) ? CANCEL_ON_DROP : CANCEL_ON_OK);
}

static void enter_history(struct cancel_case *c)
{
    char run[UUID_TEXT_LEN + 1];
    ask(c,
        str_printf(&c->w->tick, "/flow_run_states/?flow_run_id=" STR_FMT,
                   STR_ARG(uuid_format(&c->run.id, run))),
        on_history);
}

static bool names_cluster(const struct tree *variables)
{
    return !tree_is_null(tree_get(variables, STR("cluster_config")));
}

static bool pool_names_cluster(struct worker *w)
{
    struct json pool;
    struct err e;
    return json_parse(&w->tick, pool_text(w->pool), &pool, &e) != ERR_NONE ||
           !json_is_null(
               json_path(pool, "base_job_template.variables.properties.cluster_config.default"));
}

static void on_deployment_for_cluster(void *ctx, const struct prefect_reply *reply)
{
    struct cancel_case *c = ctx;
    c->call = 0;
    if (may_come_later(reply->kind)) {
        cancel_event(c, CANCEL_ON_AGAIN);
        return;
    }
    c->deployment = keep(c, reply);
    bool unread = !c->deployment && reply->kind != ERR_MISSING;
    if (unread || names_cluster(tree_get(c->deployment, STR("job_variables"))) ||
        names_cluster(tree_get(c->deployment, STR("infra_overrides"))))
        leave_alone(c); /* its Job is, or would be, in another cluster */
    else
        cancel_event(c, CANCEL_ON_OK);
}

static void enter_cluster(struct cancel_case *c)
{
    if (c->other_cluster || pool_names_cluster(c->w))
        leave_alone(c);
    else if (uuid_is_nil(&c->deployment_id))
        cancel_event(c, CANCEL_ON_OK);
    else
        ask(c, prefect_path_id(&c->w->tick, "/deployments/", &c->deployment_id, ""),
            on_deployment_for_cluster);
}

static bool is_ours(struct cancel_case *c, struct arena *scratch, const struct kube_job *job)
{
    struct uuid run, pool, ours = {{0}};
    uuid_parse(pool_id(c->w->pool), &ours);
    return uuid_parse(kube_label(scratch, &job->meta, "prefect.io/flow-run-id"), &run) &&
           uuid_parse(kube_label(scratch, &job->meta, "prefect.io/work-pool-id"), &pool) &&
           uuid_eq(&run, &c->run.id) && uuid_eq(&pool, &ours);
}

/* A Job that no watch shows: in a namespace that is not watched, or without the selected labels. */
static void on_job(void *ctx, const struct kube_reply *reply)
{
    struct cancel_case *c = ctx;
    struct arena *scratch = reply->http->arena;
    struct kube_job job;
    struct err e;
    c->kube_call = 0;
    if (may_come_later(reply->kind)) {
        cancel_event(c, CANCEL_ON_AGAIN);
    } else if (reply->kind == ERR_MISSING) {
        cancel_event(c, CANCEL_ON_OK);
    } else if (reply->kind || kube_job_read(scratch, reply->http->body, &job, &e) != ERR_NONE ||
               !is_ours(c, scratch, &job)) {
        leave_alone(c);
    } else if (kube_job_live(&job)) {
        take_job(c, job.meta.namespace, job.meta.name, &job.meta.uid);
        c->deletion.cluster = CLUSTER_OWN;
        cancel_event(c, CANCEL_ON_JOB);
    } else {
        c->known = true;
        cancel_event(c, CANCEL_ON_OK);
    }
}

static void enter_pid(struct cancel_case *c)
{
    struct kube *kube = clusters_kube(c->w->clusters, CLUSTER_OWN);
    str namespace, job;
    struct err e;
    if (c->pid.n == 0) {
        cancel_event(c, CANCEL_ON_OK);
        return;
    }
    if (!kube || !pid_split(c->pid, &namespace, &job)) {
        leave_alone(c);
        return;
    }
    struct kube_request request = {
        .method = HTTP_GET,
        .path = kube_path(&c->w->tick, "/apis/batch/v1", namespace, "jobs", job),
        .on_done = on_job,
        .ctx = c,
    };
    if (kube_send(kube, &request, &c->kube_call, &e) != ERR_NONE)
        cancel_event(c, CANCEL_ON_AGAIN);
}

/* ---- Cancelled ----------------------------------------------------------------------------- */

static str message_of(struct cancel_case *c)
{
    if (!c->deleted && !c->known)
        return STR("The run was cancelled; no infrastructure of it was found.");
    if (!c->deleted)
        return STR("The run was cancelled; its Job had ended without a word of it.");
    if (!c->ran)
        return str_printf(
            &c->arena, "The run was cancelled before it started; its Job " STR_FMT " was deleted.",
            STR_ARG(c->job));
    return str_printf(
        &c->arena,
        "The run did not end by itself within %.15g s after it was asked to cancel, so "
        "its Job " STR_FMT " was deleted.",
        c->w->config->cancel_grace_s, STR_ARG(c->job));
}

/* Its process may have ended it in its last moments; then there is nothing to add but the event. */
static void on_run(void *ctx, const struct prefect_reply *reply)
{
    struct cancel_case *c = ctx;
    struct prefect_flow_run run;
    struct err e;
    c->call = 0;
    if (may_come_later(reply->kind)) {
        cancel_event(c, CANCEL_ON_AGAIN);
        return;
    }
    if (reply->kind || prefect_flow_run_parse(reply->arena, reply->body, &run, &e) != ERR_NONE) {
        cancel_event(c, CANCEL_ON_DROP);
        return;
    }
    bool asked = run.state_type == PREFECT_CANCELLING ||
                 (run.state_type == PREFECT_CANCELLED && str_eq(run.state_name, STR("Cancelling")));
    if (!asked && c->deleted)
        report_run_text(c->w, &c->run, LOG_INFO, RUN_LOGGER_WORKER, message_of(c));
    cancel_event(c, asked ? CANCEL_ON_OK : c->deleted ? CANCEL_ON_ENDED : CANCEL_ON_DROP);
}

static void enter_check(struct cancel_case *c)
{
    ask(c, prefect_path_id(&c->w->tick, "/flow_runs/", &c->run.id, ""), on_run);
}

static void on_forced(void *ctx, const struct proposal_result *result)
{
    struct cancel_case *c = ctx;
    switch (result->outcome) {
    case PROPOSAL_ACCEPTED:
        report_run_text(c->w, &c->run, LOG_INFO, RUN_LOGGER_WORKER, c->proposal.message);
        cancel_event(c, c->deleted ? CANCEL_ON_OK : CANCEL_ON_DROP);
        return;
    case PROPOSAL_FAILED:
        if (may_come_later(result->err->kind)) {
            cancel_event(c, CANCEL_ON_AGAIN);
            return;
        }
        report_run(c->w, &c->run, LOG_ERROR, RUN_LOGGER_WORKER,
                   "Flow run could not be marked as cancelled: %s", result->err->text);
        leave_alone(c);
        return;
    case PROPOSAL_REJECTED:
    case PROPOSAL_ABORTED:
    case PROPOSAL_MISSING:
        cancel_event(c, CANCEL_ON_DROP);
        return;
    }
}

static void enter_force(struct cancel_case *c)
{
    c->proposal = (struct proposal){.w = c->w,
                                    .run = c->run.id,
                                    .type = PREFECT_CANCELLED,
                                    .name = "Cancelled",
                                    .message = message_of(c),
                                    .force = true,
                                    .on_done = on_forced,
                                    .ctx = c};
    proposal_start(&c->proposal);
}

/* ---- the event: with the names of deployment and flow, where they can be read -------------- */

static void on_deployment(void *ctx, const struct prefect_reply *reply)
{
    struct cancel_case *c = ctx;
    c->call = 0;
    c->deployment = keep(c, reply);
    cancel_event(c, CANCEL_ON_OK);
}

static void enter_deployment(struct cancel_case *c)
{
    if (c->deployment || uuid_is_nil(&c->deployment_id))
        cancel_event(c, CANCEL_ON_OK);
    else
        ask(c, prefect_path_id(&c->w->tick, "/deployments/", &c->deployment_id, ""), on_deployment);
}

static void on_flow(void *ctx, const struct prefect_reply *reply)
{
    struct cancel_case *c = ctx;
    c->call = 0;
    c->flow = keep(c, reply);
    str pid = c->pid.n ? c->pid
                       : str_printf(&c->arena, STR_FMT ":" STR_FMT, STR_ARG(c->namespace),
                                    STR_ARG(c->job));
    struct report_subject subject = {.deployment = c->deployment,
                                     .flow = c->flow,
                                     .flow_run = c->flow_run,
                                     .infrastructure_pid = pid};
    report_cancelled(c->w, &subject);
    cancel_event(c, CANCEL_ON_OK);
}

static void enter_flow(struct cancel_case *c)
{
    ask(c, prefect_path_id(&c->w->tick, "/flows/", &c->flow_id, ""), on_flow);
}

void cancel_enter(struct cancel_case *c)
{
    static void (*const enter[CANCEL_STATE_COUNT])(struct cancel_case *) = {
        [CANCEL_FREE] = NULL, /* left by cancel.c */
        [CANCEL_JOBS] = enter_jobs,
        [CANCEL_DELETE] = enter_delete,
        [CANCEL_WAIT] = enter_wait,
        [CANCEL_HISTORY] = enter_history,
        [CANCEL_CLUSTER] = enter_cluster,
        [CANCEL_PID] = enter_pid,
        [CANCEL_CHECK] = enter_check,
        [CANCEL_FORCE] = enter_force,
        [CANCEL_DEPLOYMENT] = enter_deployment,
        [CANCEL_FLOW] = enter_flow,
    };
    enter[c->state](c);
}
