/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_STATE_H
#define PREFECT_STATE_H

/* States of flow runs: bodies of set_state, and what the server answered. Pure: no I/O. */

#include "base/uuid.h"
#include "format/json.h"
#include "format/json_write.h"

enum prefect_state_type {
    PREFECT_STATE_UNKNOWN = 0,
    PREFECT_SCHEDULED,
    PREFECT_PENDING,
    PREFECT_RUNNING,
    PREFECT_COMPLETED,
    PREFECT_FAILED,
    PREFECT_CANCELLED,
    PREFECT_CRASHED,
    PREFECT_PAUSED,
    PREFECT_CANCELLING,
};

const char *prefect_state_type_name(enum prefect_state_type type); /* "PENDING" */
enum prefect_state_type prefect_state_type_parse(str name);
bool prefect_state_type_final(enum prefect_state_type type);

struct prefect_state {
    bool present;
    struct uuid id;
    enum prefect_state_type type;
    str name; /* views of the reply */
    str message;
    int64_t timestamp_us;      /* 0 unknown */
    struct uuid transition_id; /* of state_details; nil where absent */
};

/* {"state": {...}, "force": false} with every key of state_details. Message may be empty (null). */
void prefect_state_body(struct json_writer *w, enum prefect_state_type type, str name, str message,
                        const struct uuid *flow_run_id, const struct uuid *transition_id,
                        bool force);

enum prefect_verdict { PREFECT_ACCEPT, PREFECT_REJECT, PREFECT_ABORT, PREFECT_WAIT };

struct prefect_state_reply {
    enum prefect_verdict verdict;
    struct prefect_state state; /* what the run is in now, where the server says it */
    str reason;
    int64_t delay_ms; /* WAIT */
};

/* A state object of any reply; absent or null gives present == false. */
enum err_kind prefect_state_read(struct arena *out, struct json v, struct prefect_state *state,
                                 struct err *e) MUST_CHECK;
/* Reply of set_state (200 or 201: the verdict is in the body). */
enum err_kind prefect_state_reply_read(struct arena *out, str body,
                                       struct prefect_state_reply *reply, struct err *e) MUST_CHECK;

/* A UUID or an RFC 3339 time in a reply; nil and 0 where it is absent, null or none. */
struct uuid prefect_uuid_read(struct arena *out, struct json v);
int64_t prefect_time_read(struct arena *out, struct json v);

#endif
