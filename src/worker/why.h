/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_WHY_H
#define WORKER_WHY_H

/*
 * Why a flow run is late, pending or crashed: facts taken from replies of both APIs, and one
 * paragraph composed from them, its first sentence the cause. Pure: the command asks (and may have
 * no answer to any of it), here is only what the answers mean.
 */

#include "kube/event.h"
#include "kube/job.h"
#include "kube/pod.h"
#include "prefect/flow_run.h"
#include "worker/claim.h"

struct why_slots {
    int64_t limit;  /* -1: none */
    int64_t active; /* -1: not known */
};

struct why_state {
    struct prefect_state state;
    int64_t scheduled_us; /* for when; 0: not said */
};

/* All views of the replies' texts or of the arena that took them in. */
struct why_facts {
    int64_t now_us;

    /* Prefect */
    struct prefect_flow_run run;
    int64_t due_us; /* 0 unknown */
    struct why_state *states;
    size_t state_count;
    bool claimed; /* by a worker of this kind: `claim` */
    struct claim claim;
    bool pool_known, pool_paused;
    str pool_type;
    struct why_slots pool;
    bool queue_known, queue_paused;
    struct why_slots queue;
    str deployment_name;
    struct why_slots deployment;
    bool names_cluster; /* its Job may be in another cluster */
    bool workers_known;
    size_t workers, workers_online;
    str last_worker;
    int64_t last_beat_us;
    int64_t ahead; /* due runs of the pool that come before it; -1 unknown */
    str word;      /* the last warning of a worker about the run; empty: none */

    /* Kubernetes */
    str kube_failure; /* why it could not be asked; empty: it answered */
    str cluster_mark;
    bool has_job, has_pod; /* the newest of either */
    struct kube_job job;
    str job_queue; /* which admits it */
    struct kube_pod pod;
    int64_t pod_scheduled_us; /* when it got its node; 0: not yet */
    bool refused;             /* the Job's pods: `refusal` */
    struct kube_event refusal;
    struct kube_event pulling, pulled; /* last_us 0: none */
    bool node_lost;
    str node_message;
};

/* No facts yet. */
void why_begin(struct why_facts *f, int64_t now_us);

/* ---- why_read.c: one reply's body each; what is missing in it is not known ----------------- */

enum err_kind why_take_run(struct arena *out, str body, struct why_facts *f,
                           struct err *e) MUST_CHECK;
void why_take_states(struct arena *out, str body, struct why_facts *f);
void why_take_logs(struct arena *out, str body, struct why_facts *f);
void why_take_deployment(struct arena *out, str body, struct why_facts *f);
void why_take_pool(struct arena *out, str body, struct why_facts *f);
void why_take_queue(struct arena *out, str body, struct why_facts *f);
void why_take_workers(struct arena *out, str body, struct why_facts *f);
void why_take_jobs(struct arena *out, str body, struct why_facts *f);
void why_take_pods(struct arena *out, str body, struct why_facts *f);
void why_take_job_events(struct arena *out, str body, struct why_facts *f);
void why_take_pod_events(struct arena *out, str body, struct why_facts *f);
void why_take_node(struct arena *out, str body, struct why_facts *f);

/* ---- why_lag.c: where the time went before the run's process was heard of ------------------ */

enum why_step {
    WHY_DUE,
    WHY_CLAIMED,
    WHY_JOB_CREATED,
    WHY_POD_SCHEDULED,
    WHY_IMAGE_PULLED,
    WHY_CONTAINER_STARTED,
    WHY_FIRST_CONTACT,
    WHY_STEP_COUNT,
};
const char *why_step_name(enum why_step step); /* "job_created": a key for machines */

struct why_lag {
    int64_t at_us[WHY_STEP_COUNT]; /* 0: did not happen, or is not known any more */
};
/* Of the last attempt. Kubernetes tells whole seconds: no step is before the one before it. */
void why_lag_read(struct arena *scratch, const struct why_facts *f, struct why_lag *lag);
/* Since the last known step before; -1 where either is unknown. */
int64_t why_lag_us(const struct why_lag *lag, enum why_step step);
/* " From due to first contact it took ..."; nothing before the first contact. */
void why_lag_sentence(struct buf *out, const struct why_lag *lag);
/* "0.4 s", "41 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
void why_put_duration(struct buf *out, int64_t us);

/* ---- why.c: the answer --------------------------------------------------------------------- */

struct why_answer {
    const char *cause; /* a key for machines: "WorkPoolPaused", "OOMKilled" ... (docs/why.md) */
    str text;          /* one paragraph */
    struct why_lag lag;
};
void why_compose(struct arena *out, const struct why_facts *f, struct why_answer *answer);

#endif
