/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_JOB_H
#define KUBE_JOB_H

/* A Job (batch/v1) as far as the worker reads it. Pure; views of the text and of `out`. */

#include "kube/object.h"

#define KUBE_QUEUE_LABEL "kueue.x-k8s.io/queue-name" /* which queue admits a suspended Job */
#define KUBE_BACKOFF_LIMIT_DEFAULT 6                 /* batch/v1: spec.backoffLimit */

struct kube_job {
    struct kube_meta meta;
    int64_t backoff_limit;
    bool suspended; /* spec.suspend */
    int64_t active, ready, succeeded, failed;
    int64_t started_us, completed_us; /* startTime, completionTime; 0 absent */
    bool complete;                    /* condition Complete (or SuccessCriteriaMet) is True */
    bool failed_condition;            /* condition Failed is True */
    str failed_reason, failed_message;
};

enum err_kind kube_job_read(struct arena *out, str text, struct kube_job *job,
                            struct err *e) MUST_CHECK;
/* Neither complete nor failed nor being deleted. */
bool kube_job_live(const struct kube_job *job);

#endif
