/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SUBMIT_H
#define WORKER_SUBMIT_H

/*
 * From a scheduled run to its Job: the machine that claims, resolves, creates and reports. A fixed
 * number of submissions run side by side, each with an arena of its own. Nothing is remembered
 * here that Prefect and Kubernetes do not know: the Job's name is a function of the claim, so that
 * whoever repeats a step finds what the first try made.
 */

#include "worker/worker.h"

struct submissions;

struct submissions *submissions_open(struct arena *perm, struct worker *w);
/* Takes a run from a poll's reply: {"work_pool_id", "work_queue_id", "flow_run"}; copied. A run
 * that is being submitted already is ignored. Needs room. */
void submissions_take(struct submissions *s, str element);
/* Goes on with a run that was claimed and has no Job: `run` is its object. */
void submissions_resume(struct submissions *s, str run, const struct uuid *claim,
                        int64_t claimed_us);
bool submissions_room(const struct submissions *s);
size_t submissions_active(const struct submissions *s);
/* Those whose Job a quota forbids now; they are tried again. */
size_t submissions_quota_waits(const struct submissions *s);
bool submissions_has(const struct submissions *s, const struct uuid *flow_run);
/* Gives up a submission whose Job only waits for a quota, and was not made. False: there is none.
 */
bool submissions_withdraw(struct submissions *s, const struct uuid *flow_run);
/* At the stop: gives up those that have claimed nothing yet; the others go on. */
void submissions_drain(struct submissions *s);

struct submissions_figures {
    uint64_t created, adopted, crashed, abandoned;
    size_t arena_high;
};
struct submissions_figures submissions_figures(const struct submissions *s);

#endif
