/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_TERMS_H
#define WORKER_TERMS_H

/*
 * How long a Job may wait for its pod and may last, and which of its deadlines comes next. Pure;
 * one of these in each Job's record, so it is small: times are seconds since 1970.
 */

#include "base/str.h"
#include "worker/config.h"
#include "worker/manifest.h"

struct job_terms {
    int32_t job_timeout_s; /* job_watch_timeout_seconds; 0: none */
    int32_t pod_timeout_s; /* pod_watch_timeout_seconds; 0: none */
    uint32_t since_s;      /* the Job was made, or resumed; 0 unknown */
    uint32_t started_s;    /* its first container started; 0: not that we know of */
    uint32_t doomed_s;     /* from when on a pod that can't start ends it; 0: there is none */
    uint32_t later_s;      /* nothing is done before */
    bool known;            /* the two timeouts are: from the submission, or read after a restart */
    bool enforced;         /* the pod's timeout was given, so it is more than a report */
    bool warned;           /* the run knows that its pod waits long */
    bool suspended;        /* no time counts */
    bool busy;             /* deadlines.c works on it */
};

enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_WARN,   /* the stock time for a pod is over: said, no more */
    DEADLINE_POD,    /* no pod started in the time that was given for it */
    DEADLINE_JOB,    /* the Job lasts longer than it may */
    DEADLINE_DOOMED, /* its pod can't start */
};
struct deadline {
    enum deadline_kind kind;
    uint32_t at_s;
};

/* The earliest deadline of a live Job. */
struct deadline terms_next(const struct job_terms *terms);
/* Takes the timeouts of a rendered configuration. */
void terms_set(struct job_terms *terms, const struct manifest *manifest);
/* Nothing more is to happen to this Job. */
void terms_end(struct job_terms *terms);

/* How long a pod may be in this state before its run is given up, in seconds; -1: for ever. `cause`
 * as diagnosis.cause; NULL: nothing is wrong. */
int64_t terms_doom_s(enum fail_doomed setting, const char *cause);

#endif
