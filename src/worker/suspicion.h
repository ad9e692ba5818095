/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SUSPICION_H
#define WORKER_SUSPICION_H

/*
 * Live Jobs without a pod. Nothing that is watched tells why (there is no pod that could), so some
 * seconds after its creation such a Job's own Events are read: a bounded number at a time, again
 * and again more slowly while it lasts. The run is told once per change of cause. A suspended Job
 * waits in a queue (Kueue), which is told once too.
 */

#include "worker/observe.h"

struct suspicions;

struct suspicions *suspicions_open(struct arena *perm, struct worker *w);
/* There is a live Job without a pod among the records. */
void suspicions_wake(struct suspicions *s);
/* Why the Job has no pod, as the run was told last; empty: it had one since, or nothing is known
 * (a bounded number is remembered). Valid until the next turn of the loop. */
str suspicions_cause(const struct suspicions *s, const struct job_record *job);
void suspicions_stop(struct suspicions *s);

/* ---- pure ---------------------------------------------------------------------------------- */

#define SUSPICION_AFTER_MS 5000 /* Kubernetes makes a pod at once, or not for a long time */

/* Until the Job is looked at again, after so many looks. */
int64_t suspicion_delay_ms(int looks);

#endif
