/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_TAIL_H
#define WORKER_TAIL_H

/*
 * The last lines of a failed pod's containers, kept before the pod is gone: the log of the run's
 * container (the crashed instance first, then the present one); where that says nothing, the logs
 * of the others. Failures cost the lines, nothing else.
 */

#include "kube/pod.h"
#include "worker/report.h"

#define TAIL_CONTAINERS 16

struct tail_part {
    str container; /* views of the owner's arena */
    str text;
    bool init;
};

typedef void tail_done_fn(void *ctx);

/* Lives in its owner (zero-initialised); one pod at a time. */
struct tail {
    struct worker *w;
    struct kube *kube;
    struct arena *arena; /* the owner's: names and lines */
    str pod, namespace;
    struct tail_part parts[TAIL_CONTAINERS]; /* all containers of the pod, the run's first */
    size_t count, next;
    bool has_primary, previous;
    kube_id call;
    tail_done_fn *on_done;
    void *ctx;
};

/* Fields w, kube, arena, on_done, ctx are set by the caller. on_done may be called from inside. */
void tail_read(struct tail *tail, const struct kube_pod *pod);
/* Sends what was kept to the run's log. */
void tail_forward(struct tail *tail, const struct run_ref *run);
void tail_cancel(struct tail *tail);

#endif
