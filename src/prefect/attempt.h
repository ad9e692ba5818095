/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_ATTEMPT_H
#define PREFECT_ATTEMPT_H

/*
 * What follows from the outcome of one attempt of a request, for prefect/client: is it the answer,
 * or is it tried again, and when. The rules are those of the Python client (statuses 408, 429, 502,
 * 503 and the configured ones, Retry-After, maintenance without end, back-off 2^n with jitter),
 * less its wait after the last attempt. Pure.
 */

#include "net/http.h"
#include "prefect/client.h"

struct prefect_attempt {
    enum prefect_repeat repeat;
    int tries;       /* attempts that count, this one not */
    int max_retries; /* of the settings */
    bool reached;    /* the server has answered this client before */
    bool streamed;   /* part of a body was handed over: it can't come twice */
    const int *extra_codes;
    size_t extra_code_count;
    double jitter_factor;
};

struct prefect_step {
    bool again;       /* false: this is the outcome */
    int64_t delay_ms; /* before the next attempt */
    int tries;        /* with this attempt, unless it fell into maintenance */
    bool maintenance;
    bool token_refused; /* the CSRF token is not valid (any more) */
};

struct prefect_step prefect_attempt_judge(const struct prefect_attempt *attempt,
                                          const struct http_reply *reply);
/* May the request have had its effect although it was not answered (a lost reply, or a gateway's
 * word instead of the server's)? */
bool prefect_attempt_lost(const struct http_reply *reply);

/* The error of a reply for people: http's line and what the body says (`detail`,
 * `exception_message`, the first fault of a validation). Scratch from the reply's arena. */
void prefect_reply_error(const struct http_reply *reply, struct err *e);

#endif
