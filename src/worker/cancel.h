/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CANCEL_H
#define WORKER_CANCEL_H

/*
 * Runs that Prefect wants cancelled: one filtered question at an interval. A run that never started
 * loses its Job at once; one that started only after a grace, in which its own process may cancel
 * itself and run its hooks. Then the run becomes Cancelled. What may be touched: Jobs that carry
 * our pool's id; and a run without a Job only where its claim names our cluster.
 */

#include "worker/worker.h"

struct cancellation;

struct cancellation *cancellation_open(struct arena *perm, struct worker *w);
/* First question as soon as pool and Job list are known. */
void cancellation_start(struct cancellation *all);
void cancellation_stop(struct cancellation *all);

/* The grace of a run that started, counted from when it was asked to cancel. Gives the instant
 * from which its Job may be deleted; 0: at once. Pure. */
int64_t cancellation_due_us(bool ran, int64_t asked_us, double grace_s);

#endif
