/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_RESTORE_H
#define WORKER_RESTORE_H

/*
 * What a restart forgets: the timeouts of the Jobs that live already. Once, when the first Job list
 * is complete, their runs are read 200 at a time and the deployments of those one after the other;
 * pool, deployment and run give the timeouts again, as they would be rendered now.
 */

#include "worker/worker.h"

struct restore;

struct restore *restore_open(struct arena *perm, struct worker *w);
/* Begins as soon as pool and Job list are known. */
void restore_start(struct restore *r);
void restore_stop(struct restore *r);

#endif
