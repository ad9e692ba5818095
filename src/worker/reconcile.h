/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_RECONCILE_H
#define WORKER_RECONCILE_H

/*
 * Both directions, at the start and at an interval (a setting): runs that Prefect thinks alive but
 * have no live Job, and live Jobs whose run is over. A difference is repaired after it was seen
 * twice, and only within bounds: Jobs of our pool, runs whose claim names our cluster.
 */

#include "prefect/state.h"
#include "worker/worker.h"

struct reconcile;

struct reconcile *reconcile_open(struct arena *perm, struct worker *w);
/* First pass as soon as pool and Job list are known. */
void reconcile_start(struct reconcile *r);
void reconcile_stop(struct reconcile *r);

/* ---- the decision, pure -------------------------------------------------------------------- */

enum reconcile_verdict {
    RECONCILE_FINE,
    RECONCILE_RESUME, /* claimed by us, and no Job made or reported: go on where the claim stands */
    RECONCILE_CRASH_GONE, /* its Job does not exist any more */
    RECONCILE_CRASH_MUTE, /* its Job is complete, and the run never reported its end */
    RECONCILE_DELETE_JOB, /* the run is over, and its Job lives on */
};

struct reconcile_facts {
    enum prefect_state_type state; /* of the run */
    bool submitting;               /* a submission of this process works on it */
    bool job_live;                 /* a live Job carries its id */
    bool job_complete;             /* a complete one does, and none is live */
    bool job_failed;               /* a failed one does: crash.c's business */
    bool has_pid;                  /* infrastructure_pid is set: there was a Job */
};

/* Fills what the Job records and submissions say about a run. */
void reconcile_gather(struct worker *w, const struct uuid *run, struct reconcile_facts *facts);
enum reconcile_verdict reconcile_decide(const struct reconcile_facts *facts);
/* How long the verdict must have stood before it is carried out, in ms; `pass_ms` lies between two
 * passes, so twice that means that two saw it. `own_claim`: the claim is
 * this worker's, from before it started: nobody else works on it. */
int64_t reconcile_patience_ms(enum reconcile_verdict verdict, bool own_claim, int64_t pass_ms);
const char *reconcile_verdict_name(enum reconcile_verdict verdict);

#endif
