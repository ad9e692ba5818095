/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/terms.h"

#include <string.h>

#define CONFIG_ERROR_S 60 /* a Secret may be made a moment after the Job */

/* The times of Kubernetes are cut to whole seconds, so one more is waited for. */
static void at(struct deadline *best, enum deadline_kind kind, uint32_t from_s, int32_t timeout_s)
{
    int64_t at_s = (int64_t)from_s + timeout_s + 1;
    if (at_s > UINT32_MAX)
        return;
    if (best->kind == DEADLINE_NONE || at_s < best->at_s)
        *best = (struct deadline){kind, (uint32_t)at_s};
}

struct deadline terms_next(const struct job_terms *t)
{
    struct deadline best = {DEADLINE_NONE, 0};
    if (t->busy || t->suspended)
        return best;
    if (t->doomed_s)
        best = (struct deadline){DEADLINE_DOOMED, t->doomed_s};
    bool waits = t->known && t->since_s && !t->started_s && t->pod_timeout_s > 0;
    if (waits && t->enforced)
        at(&best, DEADLINE_POD, t->since_s, t->pod_timeout_s);
    if (waits && !t->enforced && !t->warned)
        at(&best, DEADLINE_WARN, t->since_s, t->pod_timeout_s);
    /* Before its container started this is the earliest moment at which it can be over. */
    uint32_t from_s = t->started_s ? t->started_s : t->since_s;
    if (t->known && from_s && t->job_timeout_s > 0)
        at(&best, DEADLINE_JOB, from_s, t->job_timeout_s);
    if (best.kind != DEADLINE_NONE && best.at_s < t->later_s)
        best.at_s = t->later_s;
    return best;
}

static int32_t seconds(int64_t value)
{
    if (value <= 0)
        return 0;
    return value < INT32_MAX ? (int32_t)value : INT32_MAX;
}

void terms_set(struct job_terms *t, const struct manifest *manifest)
{
    t->job_timeout_s = seconds(manifest->job_timeout_s);
    t->pod_timeout_s = seconds(manifest->pod_timeout_s);
    t->enforced = manifest->pod_timeout_enforced;
    t->known = true;
}

void terms_end(struct job_terms *t)
{
    t->job_timeout_s = t->pod_timeout_s = 0;
    t->doomed_s = 0;
    t->known = true;
}

int64_t terms_doom_s(enum fail_doomed setting, const char *cause)
{
    static const struct {
        const char *cause;
        enum fail_doomed from; /* the mildest setting that gives it up */
        int64_t after_s;
    } causes[] = {
        {"InvalidImageName", FAIL_DOOMED_CERTAIN, 0},
        {"ErrImageNeverPull", FAIL_DOOMED_CERTAIN, 0},
        {"CreateContainerConfigError", FAIL_DOOMED_ALL, CONFIG_ERROR_S},
    };
    for (size_t i = 0; cause && i < ARRAY_LEN(causes); i++)
        if (strcmp(cause, causes[i].cause) == 0)
            return setting >= causes[i].from ? causes[i].after_s : -1;
    return -1;
}
