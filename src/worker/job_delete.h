/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_JOB_DELETE_H
#define WORKER_JOB_DELETE_H

/*
 * Deleting one Job, and with it its pods: in the foreground, so that the Job stays in sight until
 * they are gone, and only the very object that was meant (its uid is a precondition). Where the
 * Role has no delete on Jobs, that namespace is left alone for a while, said once.
 */

#include "worker/worker.h"

/* How long the end of a deleted Job's pods is waited for: their grace of 30 s, and some. */
#define JOB_DELETION_WAIT_MS 45000

enum job_deletion_outcome {
    JOB_DELETION_DONE,    /* the API server took it */
    JOB_DELETION_GONE,    /* it was not there any more */
    JOB_DELETION_REFUSED, /* not allowed, or not possible: it stays */
    JOB_DELETION_LATER,   /* no answer: the same again may work */
};
typedef void job_deletion_done_fn(void *ctx, enum job_deletion_outcome outcome);

/* Lives in its owner (zero-initialised); one Job at a time. */
struct job_deletion {
    struct worker *w;
    uint8_t cluster;     /* clusters.h */
    str namespace, name; /* the owner's, valid until on_done */
    struct uuid uid;
    job_deletion_done_fn *on_done;
    void *ctx;
    kube_id call;
};

/* Fields but `call` are set by the caller. on_done is called once, never from inside, unless
 * job_deletion_cancel comes first. False: no request could be sent; later. */
bool job_deletion_start(struct job_deletion *d) MUST_CHECK;
void job_deletion_cancel(struct job_deletion *d);

/* Path and query of the request; from `out`. */
str job_deletion_path(struct arena *out, str namespace, str name, const struct uuid *uid);

/* Where Kubernetes said no lately. */
struct job_refusals;
struct job_refusals *job_refusals_open(struct arena *perm);
bool job_refusals_has(const struct job_refusals *r, uint8_t cluster, str namespace, int64_t now_ms);
/* Remembered for ten minutes. True: it is news. The oldest one is forgotten when all places are
 * taken. */
bool job_refusals_put(struct job_refusals *r, uint8_t cluster, str namespace, int64_t now_ms);

#endif
