/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_PENDING_H
#define WORKER_PENDING_H

/*
 * InfrastructurePending: a run whose pod waits is told so, once. A bounded number of such notices
 * at a time; one that can't be settled now is tried again with the pod's next change.
 */

#include "worker/worker.h"

struct pendings;

/* `settled`: the run need not be told again for this pod. */
typedef void pending_done_fn(void *ctx, const struct uuid *pod, bool settled);

struct pendings *pendings_open(struct arena *perm, struct worker *w, pending_done_fn *on_done,
                               void *ctx);
/* False: all notices are under way, try again later. */
bool pendings_tell(struct pendings *p, const struct uuid *pod, const struct uuid *flow_run);
void pendings_stop(struct pendings *p);

#endif
