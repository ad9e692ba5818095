/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SUBMISSION_H
#define WORKER_SUBMISSION_H

/*
 * One submission: its states, what may happen in them, and its fields. Shared by submit.c (the
 * machine) and submit_steps.c (what each state does); nobody else includes it.
 */

#include "base/slots.h"
#include "worker/manifest.h"
#include "worker/propose.h"
#include "worker/report.h"
#include "worker/secrets.h"
#include "worker/submit.h"

#define SUBMIT_STATES(X)                                                    \
    X(FREE)       /* no run */                                              \
    X(DEPLOYMENT) /* reading the deployment */                              \
    X(ORPHAN)     /* it is gone: cancelling the run */                      \
    X(CLAIM)      /* proposing Pending */                                   \
    X(FLOW)       /* reading the flow */                                    \
    X(RESOLVE)    /* building the manifest */                               \
    X(FETCH)      /* reading a block or variable that the template names */ \
    X(LABEL)      /* the run's labels: which worker took it */              \
    X(SUBMITTING) /* proposing Submitting */                                \
    X(KEY_SECRET) /* the API key's Secret */                                \
    X(ENV_SECRET) /* the environment's Secret */                            \
    X(CREATE)     /* POST of the Job */                                     \
    X(ADOPT)      /* 409: is the Job of that name this run's? */            \
    X(OWN)        /* the environment's Secret gets its Job as owner */      \
    X(REPORT)     /* infrastructure_pid */                                  \
    X(CRASH)      /* proposing Crashed */                                   \
    X(DONE)       /* giving the place back */

#define SUBMIT_EVENTS(X)                                                        \
    X(OK)       /* the step is done, or there is nothing to do */               \
    X(NEED)     /* a reference has to be fetched */                             \
    X(STOP)     /* the server decided otherwise, or the Job is another run's */ \
    X(MISSING)  /* 404 */                                                       \
    X(CONFLICT) /* 409 */                                                       \
    X(RETRY)    /* the same again later */                                      \
    X(FAIL)     /* will not work */

#define SUBMIT_ENUM_STATE(name) SUBMIT_##name,
#define SUBMIT_ENUM_EVENT(name) SUBMIT_ON_##name,
enum submit_state { SUBMIT_STATES(SUBMIT_ENUM_STATE) SUBMIT_STATE_COUNT };
enum submit_event { SUBMIT_EVENTS(SUBMIT_ENUM_EVENT) SUBMIT_EVENT_COUNT };

struct submission {
    struct worker *w;
    struct submissions *all;
    slot_id id;
    enum submit_state state;
    struct arena arena; /* everything below that is a view or a tree */

    struct run_ref run;
    str deployment_id, flow_id;
    struct tree *flow_run, *deployment, *flow, *pool;
    struct manifest_value *values;
    struct manifest manifest;
    struct manifest_error error;

    bool claimed;
    struct uuid claim;
    int64_t claimed_us;
    struct proposal proposal;
    prefect_id call;
    kube_id kube_call;
    struct secret_step secret;
    struct kube *kube; /* of the cluster that the run goes to */
    uint8_t cluster;
    struct loop_timer timer;
    int tries;        /* of the present step */
    int creates;      /* replies of the API server that said "later", against the attempts set */
    int name_attempt; /* suffixes that were taken by foreign Jobs */
    bool quota_said;
    bool quota_waits; /* the last answer was a quota's: no Job came of it */

    const char *exception; /* of the failure, as the Python worker reports it */
    str failure;
    struct uuid submitted_event;
    int64_t submitted_us;
    str job_name, job_namespace, job_uid;
    str pid;
};

/* The next state; pure. SUBMIT_STATE_COUNT: must not happen in this state. */
enum submit_state submit_next(enum submit_state state, enum submit_event event);
const char *submit_state_name(enum submit_state state);

/* What the state does on entry: starts a request, or reports an event at once. */
void submit_enter(struct submission *s);
/* The one way from state to state. */
void submit_event(struct submission *s, enum submit_event event);
/* Remembers why the run will be crashed; `exception` is static. */
void submit_failure(struct submission *s, const char *exception, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* submit_create.c */
void submit_enter_create(struct submission *s);
void submit_enter_adopt(struct submission *s);
/* Deletes the environment's Secret of a Job that is not made, without waiting for it. */
void submit_forget_secret(struct submission *s);

#endif
