/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reconcile.h"

enum reconcile_verdict reconcile_decide(const struct reconcile_facts *f)
{
    if (prefect_state_type_final(f->state))
        return f->job_live && !f->submitting ? RECONCILE_DELETE_JOB : RECONCILE_FINE;
    /* The Job was made and never reported: going on adopts it. */
    if (f->state == PREFECT_PENDING && f->job_live && !f->has_pid && !f->submitting)
        return RECONCILE_RESUME;
    if (f->submitting || f->job_live || f->job_failed)
        return RECONCILE_FINE;
    if (f->state != PREFECT_PENDING && f->state != PREFECT_RUNNING)
        return RECONCILE_FINE; /* scheduled again, paused, cancelling: not ours to judge */
    if (f->job_complete)
        return RECONCILE_CRASH_MUTE;
    if (f->state == PREFECT_RUNNING || f->has_pid)
        return RECONCILE_CRASH_GONE;
    return RECONCILE_RESUME;
}

int64_t reconcile_patience_ms(enum reconcile_verdict verdict, bool own_claim, int64_t pass_ms)
{
    switch (verdict) {
    case RECONCILE_FINE:
        break;
    case RECONCILE_RESUME:
        /* The Job's name is a function of the claim, so a worker that is only slow loses nothing:
         * whoever comes second adopts. */
        return own_claim ? 0 : pass_ms;
    case RECONCILE_CRASH_GONE:
    case RECONCILE_DELETE_JOB:
        return 2 * pass_ms;
    case RECONCILE_CRASH_MUTE:
        return 4 * pass_ms;
    }
    return INT64_MAX;
}

const char *reconcile_verdict_name(enum reconcile_verdict verdict)
{
    static const char *const names[] = {"fine", "resume", "crash: its Job is gone",
                                        "crash: ended without a report", "delete its Job"};
    return names[verdict];
}
