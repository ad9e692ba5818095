/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_POD_H
#define KUBE_POD_H

/* A Pod (v1) as far as the worker reads it. Pure; views of the text and of `out`. */

#include "kube/object.h"

enum kube_container_phase { KUBE_CONTAINER_UNKNOWN, KUBE_WAITING, KUBE_RUNNING, KUBE_TERMINATED };

struct kube_container {
    bool init;
    str name; /* empty where it is missing */
    enum kube_container_phase phase;
    str reason, message;             /* of the present state */
    int64_t exit_code, signal;       /* terminated; exit_code -1 unknown */
    int64_t started_us, finished_us; /* 0 unknown */
    int64_t restarts;
    bool last_terminated; /* lastState.terminated is there */
    str last_reason;
    int64_t last_exit_code;
    str memory_limit; /* of spec.containers[].resources.limits */
};

struct kube_pod {
    struct kube_meta meta;
    str phase;           /* "Pending" ...; empty where status has none */
    str reason, message; /* of status: Evicted, NodeLost ... */
    str node;
    int64_t started_us;                        /* status.startTime */
    str scheduled_reason, scheduled_message;   /* condition PodScheduled, as it is */
    bool scheduled;                            /* condition PodScheduled is True */
    str disruption_reason, disruption_message; /* condition DisruptionTarget, where True */
    struct json status, spec;                  /* for kube_pod_container */
};

enum err_kind kube_pod_read(struct arena *out, str text, struct kube_pod *pod,
                            struct err *e) MUST_CHECK;

/* Container statuses, init containers first; index from 0, false after the last. */
bool kube_pod_container(struct arena *out, const struct kube_pod *pod, size_t index,
                        struct kube_container *container);
/* Sum over the regular containers only. */
int64_t kube_pod_restarts(struct arena *out, const struct kube_pod *pod);
/* Containers of the spec, by index: init first. For logs of pods whose status is still empty. */
bool kube_pod_spec_container(struct arena *out, const struct kube_pod *pod, size_t index, str *name,
                             bool *init);

#endif
