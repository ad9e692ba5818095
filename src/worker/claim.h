/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CLAIM_H
#define WORKER_CLAIM_H

/*
 * A claim is a Pending state of the flow run whose message names the worker and the cluster that
 * it submits to. So it can be told from a Python worker's and from another cluster's, by whoever
 * reads the run's history; its state id is part of the Job's name (worker/manifest.h).
 */

#include "base/str.h"

/* Message of the Pending state; from `out`. */
str claim_message(struct arena *out, str worker_name, str cluster_mark);
/* False where the message is no claim of this kind. Views of `message`. */
bool claim_parse(str message, str *worker_name, str *cluster_mark);

#endif
