/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_OUTPUT_H
#define WORKER_OUTPUT_H

/*
 * stream_output: the log of a run's container, line by line on the worker's own standard output,
 * marked with the run. A bounded number of streams at a time; further pods wait for a place and
 * lose nothing, because a stream begins at the container's first line or where it was cut.
 */

#include "kube/pod.h"
#include "worker/worker.h"

struct output;

struct output *output_open(struct arena *perm, struct worker *w);
/* Follows the log of the pod's container once it runs or ran. False: not yet, ask again with the
 * pod's next change. */
bool output_follow(struct output *output, uint8_t cluster, const struct kube_pod *pod,
                   const struct uuid *flow_run, str flow_run_name);
void output_stop(struct output *output);

#endif
