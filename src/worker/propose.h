/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_PROPOSE_H
#define WORKER_PROPOSE_H

/*
 * Proposing a state for a flow run until the server has decided. A proposal whose reply was lost
 * is sent again with the same transition_id; where the server then answers with another state, the
 * run's history tells whether ours was accepted in between. WAIT is waited for and proposed anew.
 */

#include "prefect/state.h"
#include "worker/worker.h"

enum proposal_outcome {
    PROPOSAL_ACCEPTED,
    PROPOSAL_REJECTED, /* the run is in result->state instead */
    PROPOSAL_ABORTED,  /* result->reason */
    PROPOSAL_MISSING,  /* the run does not exist */
    PROPOSAL_FAILED,   /* result->err: no decision could be had */
};

struct proposal_result {
    enum proposal_outcome outcome;
    struct prefect_state state; /* accepted or present state; views die on return */
    str reason;
    const struct err *err;
};
typedef void proposal_done_fn(void *ctx, const struct proposal_result *result);

/* Lives in its owner (zero-initialised); one proposal at a time. */
struct proposal {
    struct worker *w;
    struct uuid run, transition;
    enum prefect_state_type type;
    const char *name; /* static text */
    str message;      /* the owner's */
    bool force;
    bool check_history;  /* a claim: look into the history where the answer is not ours */
    int64_t deadline_ms; /* loop time after which WAIT is given up; 0: none */
    prefect_id call;
    struct loop_timer timer;
    proposal_done_fn *on_done;
    void *ctx;
    struct err err;
    struct prefect_state state;
    char reason[256];
    enum proposal_outcome outcome;
};

/* Fields w, run, type, name, message, force, check_history, deadline_ms, on_done and ctx are set by
 * the caller. on_done is called once, never from inside, unless proposal_cancel comes first. */
void proposal_start(struct proposal *p);
void proposal_cancel(struct proposal *p);

#endif
