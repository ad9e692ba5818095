/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_POD_EVENT_H
#define WORKER_POD_EVENT_H

/*
 * The event of a pod's phase, as the Python worker emits it: id (UUIDv5 over Python's JSON of
 * uid, phase, restarts and diagnosis), time, resource and related resources. Pure.
 */

#include "format/json_write.h"
#include "kube/pod.h"
#include "worker/diagnose.h"

/* Id of the event for the pod's present state; diagnosis may be NULL. */
struct uuid pod_event_id(struct arena *scratch, const struct kube_pod *pod,
                         const struct diagnosis *diagnosis);

/* Whether the pod was evicted from its node (not merely failed). */
bool pod_event_evicted(struct arena *scratch, const struct kube_pod *pod,
                       const struct diagnosis *diagnosis);

/* When the pod came into its phase; now_us where nothing tells. */
int64_t pod_event_occurred_us(struct arena *scratch, const struct kube_pod *pod, int64_t now_us);

struct pod_event {
    const struct kube_pod *pod;
    const struct diagnosis *diagnosis; /* NULL: none */
    struct uuid id;
    int64_t occurred_us;
    const struct uuid *follows; /* NULL: none */
    bool evicted;
};
/* The whole event object into *out; full where it does not fit. */
void pod_event_write(struct arena *scratch, struct buf *out, const struct pod_event *event);

#endif
