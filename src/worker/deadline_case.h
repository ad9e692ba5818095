/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_DEADLINE_CASE_H
#define WORKER_DEADLINE_CASE_H

/*
 * One Job whose time is over: its states, what may happen in them, and its fields. Shared by
 * deadlines.c (which Jobs, and the table) and deadline_steps.c (what each state does); nobody else
 * includes it but the table's test.
 */

#include "worker/deadlines.h"
#include "worker/job_delete.h"
#include "worker/propose.h"
#include "worker/report.h"
#include "worker/tail.h"

#define DEADLINE_STATES(X)                                              \
    X(FREE)                                                             \
    X(RUN)     /* is the run still this Job's, and not over? */         \
    X(PODS)    /* is the time really over, and why? */                  \
    X(TAIL)    /* the last lines of a pod that ran */                   \
    X(DELETE)  /* the Job */                                            \
    X(WAIT)    /* until it is gone, or its process let go of the run */ \
    X(PROPOSE) /* Crashed */
#define DEADLINE_EVENTS(X)             \
    X(OK)    /* on to the next step */ \
    X(AGAIN) /* the same step later */ \
    X(DROP)  /* nothing (more) is to be done */
#define DEADLINE_ENUM_STATE(name) DEADLINE_IN_##name,
#define DEADLINE_ENUM_EVENT(name) DEADLINE_ON_##name,
enum deadline_state { DEADLINE_STATES(DEADLINE_ENUM_STATE) DEADLINE_STATE_COUNT };
enum deadline_event { DEADLINE_EVENTS(DEADLINE_ENUM_EVENT) DEADLINE_EVENT_COUNT };

struct deadline_case {
    struct deadlines *all;
    struct worker *w;
    enum deadline_state state;
    enum deadline_kind kind;
    struct arena arena; /* everything below that is a view */
    struct uuid job;    /* key of its record */
    struct run_ref run;
    uint8_t cluster;
    str name, namespace, message;
    int32_t limit_s;
    int tries;
    int64_t since_ms; /* when the Job was deleted; loop time */
    struct tail tail;
    struct job_deletion deletion;
    struct proposal proposal;
    kube_id kube_call;
    prefect_id call;
    struct loop_timer timer;
};

/* The next state; pure. DEADLINE_STATE_COUNT: must not happen in this state. */
enum deadline_state deadline_next(enum deadline_state state, enum deadline_event event);

/* What the state does on entry: starts a request, or reports an event at once. */
void deadline_enter(struct deadline_case *c);
/* The one way from state to state. */
void deadline_event(struct deadline_case *c, enum deadline_event event);
/* The case's record; NULL where its Job is gone. */
struct job_record *deadline_record(struct deadline_case *c);
/* Nothing is done about the Job for so long. */
void deadline_postpone(struct deadline_case *c, uint32_t seconds);

/* Whether the Job is alive and nobody else decides about its end. */
bool deadline_followed(const struct job_record *job);
/* When the first of the pod's containers started; 0: none has. */
uint32_t deadline_pod_start(struct arena *scratch, const struct kube_pod *pod);
void deadline_note_start(struct job_record *job, uint32_t started_s);

#endif
