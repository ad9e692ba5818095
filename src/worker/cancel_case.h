/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CANCEL_CASE_H
#define WORKER_CANCEL_CASE_H

/*
 * One run that is being cancelled: its states, what may happen in them, and its fields. Shared by
 * cancel.c (which runs, and the table) and cancel_steps.c (what each state does); nobody else
 * includes it but the table's test.
 */

#include "format/tree.h"
#include "worker/cancel.h"
#include "worker/job_delete.h"
#include "worker/propose.h"
#include "worker/report.h"

#define CANCEL_STATES(X)                                                                          \
    X(FREE)                                                                                       \
    X(JOBS)       /* is one of its Jobs alive? */                                                 \
    X(DELETE)     /* that Job */                                                                  \
    X(WAIT)       /* until it and its pods are gone: no process can speak for the run any more */ \
    X(HISTORY)    /* no Job is known: whose claim is it? */                                       \
    X(CLUSTER)    /* would its Job be in our cluster? */                                          \
    X(PID)        /* the Job that infrastructure_pid names */                                     \
    X(CHECK)      /* is the run still being cancelled? */                                         \
    X(FORCE)      /* Cancelled */                                                                 \
    X(DEPLOYMENT) /* for the event */                                                             \
    X(FLOW)       /* for the event */

#define CANCEL_EVENTS(X)                        \
    X(OK)     /* the step is done */            \
    X(JOB)    /* there is a Job to delete */    \
    X(ABSENT) /* no Job of the run is known */  \
    X(ENDED)  /* the run has ended meanwhile */ \
    X(AGAIN)  /* the same step later */         \
    X(DROP)   /* the run is left alone */

#define CANCEL_ENUM_STATE(name) CANCEL_##name,
#define CANCEL_ENUM_EVENT(name) CANCEL_ON_##name,
enum cancel_state { CANCEL_STATES(CANCEL_ENUM_STATE) CANCEL_STATE_COUNT };
enum cancel_event { CANCEL_EVENTS(CANCEL_ENUM_EVENT) CANCEL_EVENT_COUNT };

struct cancel_case {
    struct cancellation *all;
    struct worker *w;
    enum cancel_state state;
    struct arena arena; /* everything below that is a view or a tree */

    struct run_ref run;
    struct uuid deployment_id, flow_id; /* nil: none */
    bool ran;                           /* its process started */
    bool other_cluster;                 /* its own variables name one */
    int64_t asked_us;                   /* when it was asked to cancel */
    str pid;
    struct tree *flow_run, *deployment, *flow; /* what an event says of them */

    str job, namespace; /* of the Job that is deleted, or was last */
    struct uuid job_uid;
    bool known;       /* a Job of the run was among the records */
    bool deleted;     /* we had one deleted */
    int64_t since_ms; /* when that was; loop time */

    int tries; /* of the present step */
    struct job_deletion deletion;
    struct proposal proposal;
    prefect_id call;
    kube_id kube_call;
    struct loop_timer timer;
};

/* The next state; pure. CANCEL_STATE_COUNT: must not happen in this state. */
enum cancel_state cancel_next(enum cancel_state state, enum cancel_event event);

/* What the state does on entry: starts a request, or reports an event at once. */
void cancel_enter(struct cancel_case *c);
/* The one way from state to state. */
void cancel_event(struct cancel_case *c, enum cancel_event event);
/* The run is none of ours, or can't be helped: not looked at again for a while. */
void cancel_pass_over(struct cancel_case *c);

#endif
