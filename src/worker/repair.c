/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/repair.h"

#include "base/time.h"
#include "format/json.h"
#include "prefect/flow_run.h"
#include "worker/claim.h"
#include "worker/clusters.h"
#include "worker/observe.h"
#include "worker/pool.h"
#include "worker/propose.h"
#include "worker/report.h"
#include "worker/submit.h"

#define PLACES 8

#define STATES(X)                                                    \
    X(FREE)                                                          \
    X(READING)    /* the run, as it is now */                        \
    X(HISTORY)    /* whose claim is it? */                           \
    X(DEPLOYMENT) /* does its configuration name another cluster? */ \
    X(LOOKING)    /* is its Job really gone? */                      \
    X(RESUMING)                                                      \
    X(CRASHING)                                                      \
    X(DELETING) /* the Job of a run that is over */
#define STATE_ENUM(name) REPAIR_##name,
enum repair_state { STATES(STATE_ENUM) };

struct repair {
    struct repairs *all;
    enum repair_state state;
    enum reconcile_verdict verdict;
    int64_t standing_ms;
    struct arena arena; /* run, claim, message */
    struct run_ref run;
    str text; /* the run's object */
    str pid;
    str deployment_id;
    struct uuid claim;
    int64_t claimed_us;
    bool own_claim;
    struct uuid job; /* of the record that is deleted */
    prefect_id call;
    kube_id kube_call;
    struct kube *kube;
    struct proposal proposal;
};

struct repairs {
    struct worker *w;
    repairs_done_fn *on_done;
    void *ctx;
    int64_t started_us; /* claims of our name from before are nobody's */
    struct repair places[PLACES];
};

struct repairs *repairs_open(struct arena *perm, struct worker *w, repairs_done_fn *on_done,
                             void *ctx)
{
    struct repairs *all = arena_must(perm, sizeof *all);
    *all = (struct repairs){.w = w, .on_done = on_done, .ctx = ctx, .started_us = time_now_us()};
    for (size_t i = 0; i < PLACES; i++) {
        all->places[i].all = all;
        arena_reserve(&all->places[i].arena, "repair", 2 * RUN_JSON_MAX);
    }
    return all;
}

static int64_t patience_ms(const struct repairs *all, enum reconcile_verdict verdict,
                           bool own_claim)
{
    int64_t pass_ms = (int64_t)(all->w->config->reconcile_s * 1000);
    return reconcile_patience_ms(verdict, own_claim, pass_ms);
}

static void release(struct repair *r)
{
    prefect_cancel(r->all->w->prefect, r->call);
    if (r->kube)
        kube_cancel(r->kube, r->kube_call);
    proposal_cancel(&r->proposal);
    arena_reset(&r->arena);
    struct arena arena = r->arena;
    *r = (struct repair){.all = r->all, .arena = arena};
}

static void end(struct repair *r)
{
    struct repairs *all = r->all;
    struct uuid run = r->run.id;
    release(r);
    all->on_done(all->ctx, &run);
}

static void ask(struct repair *r, enum repair_state state, str path, prefect_done_fn *on_done)
{
    struct err e;
    struct prefect_request request = {.method = HTTP_GET,
                                      .path = path,
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_done,
                                      .ctx = r};
    r->state = state;
    if (prefect_send(r->all->w->prefect, &request, &r->call, &e) != ERR_NONE)
        end(r);
}

/* ---- carrying out -------------------------------------------------------------------------- */

static void on_crashed(void *ctx, const struct proposal_result *result)
{
    struct repair *r = ctx;
    if (result->outcome == PROPOSAL_ACCEPTED)
        report_run_text(r->all->w, &r->run, LOG_WARNING, RUN_LOGGER_OBSERVER, r->proposal.message);
    end(r);
}

static void crash(struct repair *r)
{
    str message =
        r->verdict == RECONCILE_CRASH_MUTE
            ? STR("The run's Job is complete, but its process ended without reporting an end.")
            : str_printf(&r->arena,
                         "The run's Job (" STR_FMT
                         ") does not exist any more, and nothing else runs it.",
                         STR_ARG(r->pid));
    r->state = REPAIR_CRASHING;
    r->proposal = (struct proposal){.w = r->all->w,
                                    .run = r->run.id,
                                    .type = PREFECT_CRASHED,
                                    .name = "Crashed",
                                    .message = message,
                                    .on_done = on_crashed,
                                    .ctx = r};
    proposal_start(&r->proposal);
}

static void resume(struct repair *r)
{
    struct worker *w = r->all->w;
    r->state = REPAIR_RESUMING;
    if (!w->stopping && submissions_room(w->submissions)) {
        report_run(
            w, &r->run, LOG_WARNING, RUN_LOGGER_WORKER,
            "The run was claimed, and its Job not made or not reported; going on where the claim "
            "stands");
        submissions_resume(w->submissions, r->text, &r->claim, r->claimed_us);
    }
    end(r);
}

static void on_deleted(void *ctx, const struct kube_reply *reply)
{
    struct repair *r = ctx;
    r->kube_call = 0;
    if (reply->kind == ERR_NONE)
        report_run(r->all->w, &r->run, LOG_WARNING, RUN_LOGGER_OBSERVER,
                   "The run is over and its Job still ran; the Job is deleted");
    else if (reply->kind != ERR_MISSING)
        log_warning("the Job of flow run '" STR_FMT "', which is over, can't be deleted: %s",
                    STR_ARG(r->run.name), reply->err->text);
    end(r);
}

static void delete_job(struct repair *r)
{
    struct worker *w = r->all->w;
    struct records *jobs = observer_jobs(w->observer);
    struct uuid pool = {{0}};
    struct err e;
    r->state = REPAIR_DELETING;
    uuid_parse(pool_id(w->pool), &pool);
    for (uint32_t i = 0; i < jobs->fresh; i++) {
        struct job_record *job = records_at(jobs, i);
        if (!job || !job->live || !uuid_eq(&job->flow_run, &r->run.id) ||
            !uuid_eq(&job->work_pool, &pool))
            continue;
        str path = kube_path(&w->tick, "/apis/batch/v1", str_of(job->namespace), "jobs",
                             str_of(job->name));
        struct kube_request request = {
            .method = HTTP_DELETE,
            .path =
                str_printf(&w->tick, STR_FMT "?gracePeriodSeconds=30&propagationPolicy=Foreground",
                           STR_ARG(path)),
            .on_done = on_deleted,
            .ctx = r,
        };
        r->kube = clusters_kube(w->clusters, job->cluster);
        if (kube_send(r->kube, &request, &r->kube_call, &e) == ERR_NONE)
            return;
    }
    end(r);
}

/* ---- confirming ---------------------------------------------------------------------------- */

static void on_looked(void *ctx, const struct kube_reply *reply)
{
    struct repair *r = ctx;
    r->kube_call = 0;
    if (reply->kind == ERR_MISSING)
        crash(r);
    else
        end(r); /* it is there, or nobody can tell */
}

/* "<namespace>:<job>", or "<cluster uid>:<namespace>:<job>" as older workers wrote it. */
static bool split_pid(str pid, str *namespace, str *job)
{
    ptrdiff_t colon = str_rfind_char(pid, ':');
    if (colon <= 0)
        return false;
    *job = str_skip(pid, (size_t)colon + 1);
    *namespace = str_sub(pid, 0, (size_t)colon);
    colon = str_rfind_char(*namespace, ':');
    if (colon >= 0)
        *namespace = str_skip(*namespace, (size_t)colon + 1);
    return job->n && namespace->n;
}

static void look(struct repair *r)
{
    struct worker *w = r->all->w;
    str namespace, job;
    struct err e;
    r->state = REPAIR_LOOKING;
    r->kube = clusters_kube(w->clusters, CLUSTER_OWN);
    if (!r->kube || !split_pid(r->pid, &namespace, &job)) {
        end(r);
        return;
    }
    struct kube_request request = {
        .method = HTTP_GET,
        .path = kube_path(&w->tick, "/apis/batch/v1", namespace, "jobs", job),
        .on_done = on_looked,
        .ctx = r,
    };
    if (kube_send(r->kube, &request, &r->kube_call, &e) != ERR_NONE)
        end(r);
}

static bool names_cluster(struct json variables)
{
    return !json_is_null(json_get(variables, STR("cluster_config")));
}

/* A run of another cluster has its Job there: absence here says nothing. */
static void on_deployment(void *ctx, const struct prefect_reply *reply)
{
    struct repair *r = ctx;
    struct json root, pool;
    struct err e;
    r->call = 0;
    bool known = reply->kind == ERR_NONE &&
                 json_parse(reply->arena, reply->body, &root, &e) == ERR_NONE &&
                 json_parse(reply->arena, pool_text(r->all->w->pool), &pool, &e) == ERR_NONE;
    if (!known || names_cluster(json_get(root, STR("job_variables"))) ||
        names_cluster(json_get(root, STR("infra_overrides"))) ||
        !json_is_null(
            json_path(pool, "base_job_template.variables.properties.cluster_config.default")))
        end(r);
    else
        look(r);
}

static void confirm(struct repair *r)
{
    if (r->standing_ms < patience_ms(r->all, r->verdict, r->own_claim)) {
        end(r); /* seen again by the next pass */
        return;
    }
    switch (r->verdict) {
    case RECONCILE_FINE:
        end(r);
        return;
    case RECONCILE_RESUME:
        resume(r);
        return;
    case RECONCILE_CRASH_MUTE:
        crash(r);
        return;
    case RECONCILE_DELETE_JOB:
        delete_job(r);
        return;
    case RECONCILE_CRASH_GONE:
        if (r->deployment_id.n == 0)
            look(r);
        else
            ask(r, REPAIR_DEPLOYMENT,
                prefect_path(&r->all->w->tick, "/deployments/", r->deployment_id, ""),
                on_deployment);
        return;
    }
}

/* The newest claim of the history decides whose run it is. */
static void on_history(void *ctx, const struct prefect_reply *reply)
{
    struct repair *r = ctx;
    struct worker *w = r->all->w;
    struct json root;
    struct err e;
    bool ours = false;
    r->call = 0;
    if (reply->kind || json_parse(reply->arena, reply->body, &root, &e) != ERR_NONE) {
        end(r);
        return;
    }
    for (struct json_iter it = json_each(root); json_next(&it);) {
        struct prefect_state state;
        str name, mark;
        if (prefect_state_read(reply->arena, it.value, &state, &e) != ERR_NONE ||
            state.type != PREFECT_PENDING || !str_eq(state.name, STR("Pending")))
            continue;
        ours = claim_parse(state.message, &name, &mark) && str_eq(mark, w->cluster_mark);
        if (!ours || state.timestamp_us < r->claimed_us)
            continue;
        r->claim = state.id;
        r->claimed_us = state.timestamp_us;
        r->own_claim = str_eq(name, w->config->name) && state.timestamp_us < r->all->started_us;
    }
    if (ours)
        confirm(r);
    else
        end(r);
}

static void on_run(void *ctx, const struct prefect_reply *reply)
{
    struct repair *r = ctx;
    struct prefect_flow_run run;
    struct err e;
    r->call = 0;
    if (reply->kind || prefect_flow_run_parse(reply->arena, reply->body, &run, &e) != ERR_NONE ||
        names_cluster(run.job_variables)) {
        end(r);
        return;
    }
    struct reconcile_facts facts = {.state = run.state_type,
                                    .has_pid = run.infrastructure_pid.n > 0};
    reconcile_gather(r->all->w, &run.id, &facts);
    if (reconcile_decide(&facts) != r->verdict) {
        end(r);
        return;
    }
    r->text = str_copy(&r->arena, reply->body);
    r->run.name = str_copy(&r->arena, run.name);
    r->pid = str_copy(&r->arena, run.infrastructure_pid);
    if (!uuid_is_nil(&run.deployment_id)) {
        char id[UUID_TEXT_LEN + 1];
        r->deployment_id = str_copy(&r->arena, uuid_format(&run.deployment_id, id));
    }
    if (r->verdict == RECONCILE_DELETE_JOB)
        confirm(r);
    else
        ask(r, REPAIR_HISTORY,
            prefect_path_id(&r->all->w->tick, "/flow_run_states/?flow_run_id=", &run.id, ""),
            on_history);
}

bool repairs_try(struct repairs *all, const struct uuid *run, enum reconcile_verdict verdict,
                 int64_t standing_ms)
{
    if (standing_ms < patience_ms(all, verdict, true))
        return false;
    for (size_t i = 0; i < PLACES; i++) {
        struct repair *r = &all->places[i];
        if (r->state != REPAIR_FREE)
            continue;
        r->run.id = *run;
        r->verdict = verdict;
        r->standing_ms = standing_ms;
        r->claimed_us = 0;
        ask(r, REPAIR_READING, prefect_path_id(&all->w->tick, "/flow_runs/", run, ""), on_run);
        return r->state != REPAIR_FREE;
    }
    return false;
}

void repairs_stop(struct repairs *all)
{
    for (size_t i = 0; i < PLACES; i++)
        if (all->places[i].state != REPAIR_FREE)
            release(&all->places[i]);
}
