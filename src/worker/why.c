/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why.h"

#include "base/time.h"
#include "worker/diagnose.h"
#include "worker/refusal.h"

#define TEXT_MAX (16 * KIB)
#define QUOTED_MAX 1500 /* of a state's message */

/* What the sentences are made of. */
struct paragraph {
    struct arena *arena;
    const struct why_facts *f;
    struct buf b;
};

static void put_since(struct paragraph *p, int64_t at_us)
{
    why_put_duration(&p->b, p->f->now_us > at_us ? p->f->now_us - at_us : 0);
}

/* A foreign text as a sentence: with a full stop. */
static void put_quoted(struct paragraph *p, str text)
{
    text = str_whole(str_sub(str_trim(text), 0, QUOTED_MAX));
    buf_put(&p->b, text);
    if (!str_ends(text, STR(".")))
        buf_byte(&p->b, '.');
}

static bool is_full(struct why_slots slots)
{
    return slots.limit == 0 || (slots.limit > 0 && slots.active >= slots.limit);
}

static void put_slots(struct paragraph *p, struct why_slots slots)
{
    if (slots.active >= 0)
        buf_printf(&p->b, "%lld of %lld are taken", (long long)slots.active,
                   (long long)slots.limit);
    else
        buf_printf(&p->b, "there are %lld", (long long)slots.limit);
}

/* ---- scheduled ----------------------------------------------------------------------------- */

static const char *awaits_slot(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    buf_printf(&p->b, "It waits for a concurrency slot of deployment '" STR_FMT "'",
               STR_ARG(f->deployment_name));
    if (f->deployment.limit >= 0) {
        buf_cstr(&p->b, ", of which ");
        put_slots(p, f->deployment);
    }
    buf_cstr(&p->b, ": the server offers it again every half minute or so; let other runs end, or "
                    "raise the deployment's concurrency limit.");
    return "DeploymentLimit";
}

static const char *not_due(struct paragraph *p)
{
    char at[TIME_TEXT_MAX];
    bool retry = str_eq(p->f->run.state_name, STR("AwaitingRetry"));
    str when = time_format_rfc3339(p->f->due_us - p->f->due_us % 1000000, at);
    buf_printf(&p->b, "It is not due yet: it is scheduled for " STR_FMT ", in ", STR_ARG(when));
    why_put_duration(&p->b, p->f->due_us - p->f->now_us);
    buf_cstr(&p->b, retry ? ", for its retry." : ".");
    return retry ? "AwaitingRetry" : "NotDue";
}

static const char *paused(struct paragraph *p, const char *what, str name, const char *cause)
{
    buf_printf(&p->b, "%s '" STR_FMT "' is paused, so none of its runs is handed out: resume it.",
               what, STR_ARG(name));
    return cause;
}

static const char *limited(struct paragraph *p, const char *what, str name, struct why_slots slots,
                           const char *cause)
{
    buf_printf(&p->b, "%s '" STR_FMT "' has no concurrency slot free: ", what, STR_ARG(name));
    put_slots(p, slots);
    buf_cstr(&p->b, ". It is handed out when another run ends; or raise the limit.");
    return cause;
}

static const char *no_worker(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    str pool = f->run.work_pool_name;
    buf_printf(&p->b, "No worker of work pool '" STR_FMT "' is online", STR_ARG(pool));
    if (f->last_beat_us) {
        buf_printf(&p->b, "; the last that was heard of is '" STR_FMT "', ",
                   STR_ARG(f->last_worker));
        put_since(p, f->last_beat_us);
        buf_cstr(&p->b, " ago.");
    } else {
        buf_cstr(&p->b, ": none ever was.");
    }
    if (f->pool_type.n && !str_eq(f->pool_type, STR("kubernetes")))
        buf_printf(&p->b, " The pool is of type '" STR_FMT "', which no Kubernetes worker serves.",
                   STR_ARG(f->pool_type));
    else
        buf_printf(&p->b, " Start one: worker start --pool '" STR_FMT "'.", STR_ARG(pool));
    return "NoWorkerOnline";
}

static const char *not_taken(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    buf_cstr(&p->b, "It is due, and no worker has taken it yet");
    if (f->workers_known)
        buf_printf(&p->b, ", though %zu of its work pool %s online", f->workers_online,
                   f->workers_online == 1 ? "is" : "are");
    buf_byte(&p->b, '.');
    if (f->ahead > 0)
        buf_printf(&p->b, " %lld due %s of the pool %s before it.", (long long)f->ahead,
                   f->ahead == 1 ? "run" : "runs", f->ahead == 1 ? "comes" : "come");
    buf_cstr(&p->b, " A worker leaves runs alone at its --limit, while it can't reach Kubernetes, "
                    "while others wait for a quota, and those of queues that it does not serve: "
                    "its log says so.");
    return "NotTaken";
}

static const char *scheduled(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    str pool = f->run.work_pool_name, queue = f->run.work_queue_name;
    if (str_eq(f->run.state_name, STR("AwaitingConcurrencySlot")))
        return awaits_slot(p);
    if (f->due_us > f->now_us)
        return not_due(p);
    if (!pool.n) {
        buf_cstr(&p->b, "It is in no work pool, so no worker ever takes it: give its deployment a "
                        "work pool and make a new run.");
        return "NoWorkPool";
    }
    if (f->pool_paused)
        return paused(p, "Work pool", pool, "WorkPoolPaused");
    if (f->queue_paused)
        return paused(p, "Work queue", queue, "WorkQueuePaused");
    if (is_full(f->pool))
        return limited(p, "Work pool", pool, f->pool, "WorkPoolLimit");
    if (is_full(f->queue))
        return limited(p, "Work queue", queue, f->queue, "WorkQueueLimit");
    if (f->workers_known && f->workers_online == 0)
        return no_worker(p);
    return not_taken(p);
}

/* ---- what the Job and its pod tell --------------------------------------------------------- */

/* The key for a failed Job, as its pod or its condition names the cause. */
static const char *failure_key(struct paragraph *p, const struct kube_pod *pod)
{
    static const char *const reasons[] = {"DeadlineExceeded", "PodFailurePolicy"};
    struct kube_container guilty;
    struct diagnosis d;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq(p->f->job.failed_reason, str_of(reasons[i])))
            return reasons[i];
    if (pod && diagnose_pod(p->arena, pod, &d))
        return d.cause;
    return pod && diagnose_guilty_container(p->arena, pod, &guilty) ? "ContainerFailed"
                                                                    : "JobFailed";
}

static const char *job_failed(struct paragraph *p, const struct kube_pod *pod)
{
    put_quoted(p, diagnose_failure(p->arena, &p->f->job, pod));
    if (!pod && p->f->refused) {
        struct diagnosis d;
        refusal_diagnose(p->arena, p->f->refusal.message, &d);
        buf_printf(&p->b, " " STR_FMT, STR_ARG(d.text));
    }
    return failure_key(p, pod);
}

static const char *podless(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    struct diagnosis d;
    if (f->refused) {
        refusal_diagnose(p->arena, f->refusal.message, &d);
        buf_put(&p->b, d.text);
        return d.cause;
    }
    buf_cstr(&p->b, "Its Job exists for ");
    put_since(p, f->job.meta.created_us);
    buf_cstr(&p->b, " and has no pod yet: the Job controller of Kubernetes has not made one.");
    return "NoPod";
}

static const char *suspended(struct paragraph *p)
{
    if (p->f->job_queue.n)
        buf_printf(&p->b,
                   "Its Job is suspended: it waits in queue '" STR_FMT "', which has not "
                   "admitted it yet.",
                   STR_ARG(p->f->job_queue));
    else
        buf_cstr(&p->b, "Its Job is suspended (spec.suspend): it gets no pod until somebody "
                        "resumes it.");
    return "Suspended";
}

static const char *node_lost(struct paragraph *p)
{
    buf_printf(&p->b,
               "Node " STR_FMT ", on which its pod is, does not report: ", STR_ARG(p->f->pod.node));
    put_quoted(p, p->f->node_message);
    buf_cstr(&p->b, " Kubernetes gives the pod up when its tolerations for that end.");
    return "NodeNotReady";
}

/* What is wrong with Job or pod; NULL: nothing is. */
static const char *trouble(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    const struct kube_pod *pod = f->has_pod ? &f->pod : NULL;
    struct diagnosis d;
    if (f->has_job && (f->job.failed_condition || f->job.failed > f->job.backoff_limit))
        return job_failed(p, pod);
    if (f->has_job && f->job.suspended)
        return suspended(p);
    if (f->has_job && f->job.complete) {
        buf_cstr(&p->b, "Its Job is complete, though the run never reported its end.");
        return "JobComplete";
    }
    if (f->has_job && f->job.active == 0 && (!pod || f->refused))
        return podless(p);
    if (pod && f->node_lost)
        return node_lost(p);
    if (pod && diagnose_pod(p->arena, pod, &d)) {
        buf_put(&p->b, d.text);
        return d.cause;
    }
    return NULL;
}

/* ---- pending ------------------------------------------------------------------------------- */

/* A pod without a fault, on its way. */
static const char *starting(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    struct kube_container c;
    str waiting = {0};
    for (size_t i = 0; kube_pod_container(p->arena, &f->pod, i, &c); i++) {
        if (c.phase == KUBE_RUNNING && !c.init) {
            buf_printf(&p->b, "Container '" STR_FMT "' runs for ", STR_ARG(c.name));
            put_since(p, c.started_us);
            buf_cstr(&p->b, ", and the run's process has not reported to Prefect yet: it still "
                            "starts or fetches its code, or can't reach PREFECT_API_URL; its log "
                            "tells which.");
            return "NoContact";
        }
        if (c.phase == KUBE_WAITING && !waiting.n)
            waiting = c.reason;
    }
    if (!f->pod_scheduled_us) {
        buf_cstr(&p->b, "Its pod waits for the scheduler to give it a node.");
        return "NotScheduled";
    }
    if (f->pulling.last_us && f->pulled.last_us < f->pulling.last_us) {
        buf_cstr(&p->b, "The image is being pulled, for ");
        put_since(p, f->pulling.last_us);
        buf_cstr(&p->b, " so far: ");
        put_quoted(p, f->pulling.message);
        return "ImagePulling";
    }
    buf_cstr(&p->b, "Its pod has a node for ");
    put_since(p, f->pod_scheduled_us);
    buf_printf(&p->b, " and is being started (" STR_FMT ").",
               STR_ARG(waiting.n ? waiting : f->pod.phase));
    return "ContainerCreating";
}

/* Somewhere else, as far as the claim or the configuration tells. */
static const char *elsewhere(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    if (f->claimed && !str_eq(f->claim.cluster_mark, f->cluster_mark))
        buf_printf(&p->b,
                   "Its Job is not in this cluster: worker '" STR_FMT "' claimed it for the "
                   "cluster with the mark " STR_FMT ", and this is " STR_FMT
                   ". Ask with that cluster's kubeconfig.",
                   STR_ARG(f->claim.worker_name), STR_ARG(f->claim.cluster_mark),
                   STR_ARG(f->cluster_mark));
    else if (f->names_cluster)
        buf_cstr(&p->b, "Its Job is not in this cluster: its job variable cluster_config names "
                        "another one. Ask with that cluster's kubeconfig.");
    else
        return NULL;
    return "OtherCluster";
}

static const char *job_gone(struct paragraph *p)
{
    buf_printf(&p->b, "Its Job (" STR_FMT ") does not exist any more, and nothing else runs it.",
               STR_ARG(p->f->run.infrastructure_pid));
    return "JobGone";
}

static const char *not_made(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    const char *cause = "NoJob";
    if (f->word.n) {
        buf_cstr(&p->b, "Its Job was not made yet; the worker's last word: ");
        put_quoted(p, f->word);
        if (str_has(f->word, STR("quota")))
            cause = "QuotaExceeded";
    } else if (f->claimed) {
        buf_printf(&p->b, "Worker '" STR_FMT "' claimed it ", STR_ARG(f->claim.worker_name));
        put_since(p, f->claim.at_us);
        buf_cstr(&p->b, " ago and has made no Job for it yet.");
    } else {
        buf_cstr(&p->b, "It was claimed, by another kind of worker than this, and no Job in this "
                        "cluster carries its id.");
    }
    if (f->workers_known && !f->workers_online)
        buf_cstr(&p->b, " No worker of its pool is online to go on with it.");
    return cause;
}

static const char *kube_unknown(struct paragraph *p)
{
    buf_cstr(&p->b, "It has been handed to Kubernetes, which can't be asked: ");
    put_quoted(p, p->f->kube_failure);
    if (p->f->word.n) {
        buf_cstr(&p->b, " The worker's last word: ");
        put_quoted(p, p->f->word);
    }
    return "KubernetesUnknown";
}

static const char *pending(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    const char *cause = trouble(p);
    if (cause)
        return cause;
    if (f->has_pod)
        return starting(p);
    if (f->kube_failure.n)
        return kube_unknown(p);
    cause = elsewhere(p);
    if (cause)
        return cause;
    return f->run.infrastructure_pid.n ? job_gone(p) : not_made(p);
}

static const char *running(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    const char *cause = trouble(p);
    if (cause)
        return cause;
    if (!f->has_job && !f->has_pod && !f->kube_failure.n) {
        cause = elsewhere(p);
        if (cause)
            return cause;
        if (f->run.infrastructure_pid.n)
            return job_gone(p);
    }
    buf_cstr(&p->b, "It runs, for ");
    put_since(p, f->run.state.timestamp_us);
    if (f->kube_failure.n) {
        buf_cstr(&p->b, " as Prefect knows; Kubernetes can't be asked: ");
        put_quoted(p, f->kube_failure);
    } else {
        buf_cstr(&p->b, ", and nothing is wrong with its pod.");
    }
    return "Running";
}

/* ---- over ---------------------------------------------------------------------------------- */

/* A message of a worker names the cause with Kubernetes' own word. */
static const char *named_in(str message, const char *otherwise)
{
    static const struct {
        const char *word, *cause;
    } words[] = {
        {"OOMKilled", "OOMKilled"},
        {"DeadlineExceeded", "DeadlineExceeded"},
        {"vict", "Evicted"},
        {"exceeded quota", "QuotaExceeded"},
        {"can't be pulled", "ImagePullError"},
        {"No node can take", "Unschedulable"},
        {"exited with code", "ContainerFailed"},
        {"does not exist any more", "JobGone"},
        {"was deleted", "JobGone"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_has(message, str_of(words[i].word)))
            return words[i].cause;
    return otherwise;
}

static const char *crashed(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    str message = f->run.state.message;
    const char *cause = NULL;
    bool failed = f->has_job && (f->job.failed_condition || f->job.failed > f->job.backoff_limit);
    if (failed)
        cause = failure_key(p, f->has_pod ? &f->pod : NULL);
    if (message.n) {
        buf_cstr(&p->b, "It crashed: ");
        put_quoted(p, message);
    }
    /* A message that does not name the Job was not written by a worker that looked at it. */
    if (failed && !str_has(message, f->job.meta.name)) {
        if (message.n)
            buf_byte(&p->b, ' ');
        job_failed(p, f->has_pod ? &f->pod : NULL);
    } else if (!message.n) {
        buf_cstr(&p->b, "It crashed, and nobody said why.");
    }
    return cause ? cause : named_in(message, "Crashed");
}

static const char *ended(struct paragraph *p, const char *how, const char *cause)
{
    buf_printf(&p->b, "It %s", how);
    if (p->f->run.start_time_us && p->f->run.end_time_us > p->f->run.start_time_us) {
        buf_cstr(&p->b, " after ");
        why_put_duration(&p->b, p->f->run.end_time_us - p->f->run.start_time_us);
    }
    if (p->f->run.state.message.n) {
        buf_cstr(&p->b, ": ");
        put_quoted(p, p->f->run.state.message);
    } else {
        buf_byte(&p->b, '.');
    }
    return cause;
}

static const char *cancelling(struct paragraph *p)
{
    buf_cstr(&p->b, "It is being cancelled, for ");
    put_since(p, p->f->run.state.timestamp_us);
    buf_cstr(&p->b, ": its process may end by itself first, then a worker deletes its Job.");
    if (p->f->workers_known && !p->f->workers_online)
        buf_cstr(&p->b, " No worker of its pool is online to do that.");
    return "Cancelling";
}

static const char *held(struct paragraph *p)
{
    buf_cstr(&p->b, "It is paused, for ");
    put_since(p, p->f->run.state.timestamp_us);
    buf_cstr(&p->b, ": it goes on when somebody resumes it.");
    return "Paused";
}

/* ---- the paragraph ------------------------------------------------------------------------- */

static const char *first_sentences(struct paragraph *p)
{
    switch (p->f->run.state_type) {
    case PREFECT_SCHEDULED:
        return scheduled(p);
    case PREFECT_PENDING:
        return pending(p);
    case PREFECT_RUNNING:
        return running(p);
    case PREFECT_CRASHED:
        return crashed(p);
    case PREFECT_COMPLETED:
        return ended(p, "completed", "Completed");
    case PREFECT_FAILED:
        return ended(p, "failed by its own report", "Failed");
    case PREFECT_CANCELLED:
        return ended(p, "was cancelled", "Cancelled");
    case PREFECT_CANCELLING:
        return cancelling(p);
    case PREFECT_PAUSED:
        return held(p);
    case PREFECT_STATE_UNKNOWN:
        break;
    }
    buf_cstr(&p->b, "It is in a state that this command does not know.");
    return "Unknown";
}

/* Which run it is, and where. */
static void put_where(struct paragraph *p)
{
    const struct why_facts *f = p->f;
    const struct prefect_flow_run *run = &f->run;
    buf_printf(&p->b, " Flow run '" STR_FMT "'", STR_ARG(run->name));
    if (f->deployment_name.n)
        buf_printf(&p->b, " of deployment '" STR_FMT "'", STR_ARG(f->deployment_name));
    if (run->work_pool_name.n)
        buf_printf(&p->b, " in work pool '" STR_FMT "'", STR_ARG(run->work_pool_name));
    if (run->work_queue_name.n && !str_eq(run->work_queue_name, STR("default")))
        buf_printf(&p->b, " (queue '" STR_FMT "')", STR_ARG(run->work_queue_name));
    buf_printf(&p->b, " has been " STR_FMT, STR_ARG(run->state_name));
    if (run->state.timestamp_us) {
        buf_cstr(&p->b, " for ");
        put_since(p, run->state.timestamp_us);
    }
    if (run->state_type == PREFECT_SCHEDULED && f->due_us && f->due_us < f->now_us) {
        buf_cstr(&p->b, " and was due ");
        put_since(p, f->due_us);
        buf_cstr(&p->b, " ago");
    }
    if (f->has_job)
        buf_printf(&p->b, "; Job " STR_FMT "/" STR_FMT, STR_ARG(f->job.meta.namespace),
                   STR_ARG(f->job.meta.name));
    if (f->has_pod)
        buf_printf(&p->b, ", pod " STR_FMT, STR_ARG(f->pod.meta.name));
    if (f->has_pod && f->pod.node.n)
        buf_printf(&p->b, " on node " STR_FMT, STR_ARG(f->pod.node));
    buf_byte(&p->b, '.');
}

void why_compose(struct arena *out, const struct why_facts *f, struct why_answer *answer)
{
    struct paragraph p = {out, f, buf_new(out, TEXT_MAX)};
    *answer = (struct why_answer){.cause = first_sentences(&p)};
    put_where(&p);
    why_lag_read(out, f, &answer->lag);
    why_lag_sentence(&p.b, &answer->lag);
    for (size_t i = 0; i < p.b.n; i++) /* what was quoted may have several lines */
        if ((unsigned char)p.b.p[i] < ' ')
            p.b.p[i] = ' ';
    answer->text = buf_str(&p.b);
}
