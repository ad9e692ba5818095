/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_DIAGNOSE_H
#define WORKER_DIAGNOSE_H

/*
 * What keeps a pod from running, or what ended it, from its status alone. Pure. The categories are
 * the Python worker's (they are part of event ids and labels); further causes have none and go to
 * logs and states only. Sentences quote Kubernetes and say what to do.
 */

#include "base/log.h"
#include "kube/job.h"
#include "kube/pod.h"

struct diagnosis {
    const char *category; /* "ImagePullError", "OOMKilled", "Unschedulable.Taint" ...; NULL: ours */
    const char *cause;    /* short name: the category, or Kubernetes' reason */
    enum log_level level;
    str text;     /* one line with the remedy; in `out` */
    uint64_t key; /* equal for the same cause, though node counts or waiting times change */
};

/* False: nothing is wrong with the pod. First match wins, in the Python worker's order. */
bool diagnose_pod(struct arena *out, const struct kube_pod *pod, struct diagnosis *diagnosis);

/* Why a failed Job failed, for the message of the Crashed state: its Failed condition, and the end
 * of the pod's container. `pod` may be NULL where none is left. In `out`. */
str diagnose_failure(struct arena *out, const struct kube_job *job, const struct kube_pod *pod);

/* The container whose end tells most: terminated with an error, the last one to finish. */
bool diagnose_guilty_container(struct arena *out, const struct kube_pod *pod,
                               struct kube_container *guilty);

#endif
