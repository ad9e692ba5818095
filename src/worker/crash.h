/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

/*
 * From a failed or vanished Job to a Crashed run, or not. Suspects are read in batches (one filter
 * for up to 200 runs), so that settled runs cost nothing; each run that is left becomes a case:
 * confirm the deletion, read the pods, keep the tail of their logs, wait for a sibling Job while
 * the run is pending, propose Crashed with the cause, send the logs.
 */

#include "worker/observe.h"

struct crashes;

struct crashes *crashes_open(struct arena *perm, struct worker *w);
/* There are suspects among the Job records: look soon. */
void crashes_wake(struct crashes *crashes);
void crashes_stop(struct crashes *crashes);

#endif
