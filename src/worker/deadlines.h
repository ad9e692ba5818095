/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_DEADLINES_H
#define WORKER_DEADLINES_H

/*
 * Timeouts of Jobs and of their pods' start, and pods that can never start. One timer for the
 * nearest deadline of all; a Job whose time is over becomes a case: read the run, read the pods,
 * delete the Job, then Crashed with what ended it. Stock timeouts only tell the run that it waits.
 */

#include "kube/job.h"
#include "worker/diagnose.h"
#include "worker/observe.h"

struct deadlines;

struct deadlines *deadlines_open(struct arena *perm, struct worker *w);
void deadlines_stop(struct deadlines *d);

/* A submission made (or adopted) this Job: its timeouts. */
void deadlines_expect(struct deadlines *d, str job_uid, const struct manifest *manifest);
/* The run is about to be Crashed: whatever else it says, nobody here is to start it. */
bool deadlines_hold(const struct deadlines *d, const struct uuid *flow_run);
/* The record's terms changed. */
void deadlines_note(struct deadlines *d, const struct job_record *job);
/* A Job as the watch shows it, and a pod with its diagnosis (NULL: nothing is wrong). */
void deadlines_take_job(struct deadlines *d, struct job_record *record, const struct kube_job *job);
void deadlines_take_pod(struct deadlines *d, const struct kube_pod *pod,
                        const struct diagnosis *found);

#endif
