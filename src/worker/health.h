/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_HEALTH_H
#define WORKER_HEALTH_H

/*
 * The health server of --with-healthcheck: GET /health answers 200 while the worker polls, and 503
 * when it has not for 30 poll intervals; GET /ready answers 200 once both APIs answer; GET /figures
 * prints the memory figures and counters. Other paths 404, other methods 405. A handful of
 * connections with fixed buffers; slow ones are dropped.
 */

#include "worker/worker.h"

struct health;

/* Listens at once. NULL where that fails: said, and the worker goes on without. */
struct health *health_open(struct arena *perm, struct worker *w);
void health_close(struct health *health);

#endif
