/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_REPAIR_H
#define WORKER_REPAIR_H

/*
 * Carrying out what reconcile.c found: READING the run → HISTORY of its states (whose claim?) →
 * DEPLOYMENT, where that may name another cluster → LOOKING for its Job once more → RESUMING,
 * CRASHING or DELETING. A bounded number at a time. Each step confirms what the verdict stands on;
 * anything unexpected ends the repair without a change.
 */

#include "worker/reconcile.h"

struct repairs;

typedef void repairs_done_fn(void *ctx, const struct uuid *run);

struct repairs *repairs_open(struct arena *perm, struct worker *w, repairs_done_fn *on_done,
                             void *ctx);
/* The verdict stands for `standing_ms`. True: a repair began, on_done will be called; false: not
 * yet, or no place is free. */
bool repairs_try(struct repairs *r, const struct uuid *run, enum reconcile_verdict verdict,
                 int64_t standing_ms);
void repairs_stop(struct repairs *r);

#endif
