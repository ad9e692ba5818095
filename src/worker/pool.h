/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_POOL_H
#define WORKER_POOL_H

/*
 * The work pool and our sign of life: read (or created) at start and once a heartbeat, its base
 * job template kept for the submissions. States: reading -> creating -> filling its template ->
 * heartbeat -> waiting.
 */

#include "worker/worker.h"

struct pool;

struct pool *pool_open(struct arena *perm, struct worker *w);
/* Reads the pool now and from then on at each heartbeat. */
void pool_start(struct pool *pool);
void pool_stop(struct pool *pool);

/* Whether the pool was read; nothing is polled before. */
bool pool_known(const struct pool *pool);
/* A read, a creation or a heartbeat is on its way. */
bool pool_busy(const struct pool *pool);
str pool_id(const struct pool *pool);
/* The API's object as JSON text with a template that is not empty; valid until the loop's next
 * turn: copy it. */
str pool_text(const struct pool *pool);

#endif
