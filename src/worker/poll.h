/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_POLL_H
#define WORKER_POLL_H

/*
 * Asking for scheduled runs and handing them to the submissions. The reply is read run by run as
 * it arrives; runs for which no submission is free wait in a bounded backlog, and what does not
 * fit there comes again with the next poll.
 */

#include "worker/worker.h"

struct poll;

struct poll *poll_open(struct arena *perm, struct worker *w);
/* First poll at once; called when the pool is known. */
void poll_start(struct poll *poll);
/* No further polls; the backlog is dropped (nothing in it was claimed). */
void poll_stop(struct poll *poll);
/* A submission became free, or Kubernetes ready: go on with the backlog, or poll. */
void poll_wake(struct poll *poll);

/* Loop time of the last successful poll; 0 before the first. */
int64_t poll_last_ms(const struct poll *poll);

#endif
