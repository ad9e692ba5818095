/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why.h"

static const char *const step_names[WHY_STEP_COUNT] = {
    "due",          "claimed",           "job_created",  "pod_scheduled",
    "image_pulled", "container_started", "first_contact"};
static const char *const until[WHY_STEP_COUNT] = {NULL,
                                                  "until it was claimed",
                                                  "until its Job existed",
                                                  "until its pod had a node",
                                                  "until the image was there",
                                                  "until the container ran",
                                                  "until the run's process reported"};

const char *why_step_name(enum why_step step)
{
    return step_names[step];
}

/* The last claim, what it was due for before, and the first Running after it. States that wait for
 * a slot or a retry are scheduled anew: the earliest time of such a row counts. */
static void read_states(const struct why_facts *f, struct why_lag *lag)
{
    int64_t due_us = 0;
    bool row = false; /* within one of scheduled states */
    for (size_t i = 0; i < f->state_count; i++) {
        const struct why_state *s = &f->states[i];
        if (s->state.type == PREFECT_SCHEDULED) {
            int64_t at_us = s->scheduled_us ? s->scheduled_us : s->state.timestamp_us;
            if (!row || at_us < due_us)
                due_us = at_us;
            row = true;
            continue;
        }
        row = false;
        if (s->state.type == PREFECT_PENDING && str_eq(s->state.name, STR("Pending"))) {
            lag->at_us[WHY_DUE] = due_us;
            lag->at_us[WHY_CLAIMED] = s->state.timestamp_us;
            lag->at_us[WHY_FIRST_CONTACT] = 0;
        } else if (s->state.type == PREFECT_RUNNING && !lag->at_us[WHY_FIRST_CONTACT]) {
            lag->at_us[WHY_FIRST_CONTACT] = s->state.timestamp_us;
        }
    }
    if (!lag->at_us[WHY_CLAIMED])
        lag->at_us[WHY_DUE] = f->due_us;
}

static int64_t started_us(struct arena *scratch, const struct kube_pod *pod)
{
    struct kube_container c;
    for (size_t i = 0; kube_pod_container(scratch, pod, i, &c); i++)
        if (!c.init && c.started_us)
            return c.started_us;
    return 0;
}

void why_lag_read(struct arena *scratch, const struct why_facts *f, struct why_lag *lag)
{
    *lag = (struct why_lag){{0}};
    read_states(f, lag);
    if (f->has_job)
        lag->at_us[WHY_JOB_CREATED] = f->job.meta.created_us;
    if (f->has_pod) {
        lag->at_us[WHY_POD_SCHEDULED] = f->pod_scheduled_us;
        lag->at_us[WHY_IMAGE_PULLED] = f->pulled.first_us;
        lag->at_us[WHY_CONTAINER_STARTED] = started_us(scratch, &f->pod);
    }
    int64_t before_us = 0;
    for (size_t i = 0; i < WHY_STEP_COUNT; i++) {
        if (!lag->at_us[i])
            continue;
        if (lag->at_us[i] < before_us)
            lag->at_us[i] = before_us;
        before_us = lag->at_us[i];
    }
}

int64_t why_lag_us(const struct why_lag *lag, enum why_step step)
{
    if (!lag->at_us[step])
        return -1;
    for (size_t i = step; i-- > 0;)
        if (lag->at_us[i])
            return lag->at_us[step] - lag->at_us[i];
    return -1;
}

void why_put_duration(struct buf *out, int64_t us)
{
    int64_t tenths = (us + 50000) / 100000, s = (us + 500000) / 1000000;
    if (tenths < 100)
        buf_printf(out, "%lld.%lld s", (long long)(tenths / 10), (long long)(tenths % 10));
    else if (s < 60)
        buf_printf(out, "%lld s", (long long)s);
    else if (s < 3600)
        buf_printf(out, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        buf_printf(out, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        buf_printf(out, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void why_lag_sentence(struct buf *out, const struct why_lag *lag)
{
    const char *separator = ": ";
    if (!lag->at_us[WHY_FIRST_CONTACT] || !lag->at_us[WHY_DUE])
        return;
    buf_cstr(out, " From due to first contact it took ");
    why_put_duration(out, lag->at_us[WHY_FIRST_CONTACT] - lag->at_us[WHY_DUE]);
    for (int step = WHY_CLAIMED; step < WHY_STEP_COUNT; step++) {
        int64_t us = why_lag_us(lag, (enum why_step)step);
        if (us < 0)
            continue;
        buf_cstr(out, separator);
        why_put_duration(out, us);
        buf_printf(out, " %s", until[step]);
        separator = ", ";
    }
    buf_byte(out, '.');
}
