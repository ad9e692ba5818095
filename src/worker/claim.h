/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CLAIM_H
#define WORKER_CLAIM_H

/*
 * A claim is a Pending state of the flow run whose message names the worker and the cluster that
 * it submits to. So it can be told from a Python worker's and from another cluster's, by whoever
 * reads the run's history; its state id is part of the Job's name (worker/manifest.h).
 */

#include "base/uuid.h"
#include "format/json.h"

/* Message of the Pending state; from `out`. */
str claim_message(struct arena *out, str worker_name, str cluster_mark);
/* False where the message is no claim of this kind. Views of `message`. */
bool claim_parse(str message, str *worker_name, str *cluster_mark);

struct claim {
    struct uuid state; /* its id */
    int64_t at_us;     /* 0 unknown */
    str worker_name, cluster_mark;
};
/* The newest Pending state of a run's history (GET /flow_run_states/). False where there is none,
 * or it is no claim of this kind: then somebody else has the run. Views of the text or of `out`. */
bool claim_newest(struct arena *out, struct json history, struct claim *claim);

#endif
