/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/pod.h"

static void read_conditions(struct arena *out, struct json conditions, struct kube_pod *pod)
{
    struct json_iter it = json_each(conditions);
    while (json_next(&it)) {
        struct json type = json_get(it.value, STR("type"));
        bool is_true = json_str_is(json_get(it.value, STR("status")), STR("True"));
        struct json reason = json_get(it.value, STR("reason"));
        struct json message = json_get(it.value, STR("message"));
        if (json_str_is(type, STR("PodScheduled"))) {
            pod->scheduled = is_true;
            pod->scheduled_reason = json_str(out, reason);
            pod->scheduled_message = json_str(out, message);
        } else if (json_str_is(type, STR("DisruptionTarget")) && is_true) {
            pod->disruption_reason = json_str(out, reason);
            pod->disruption_message = json_str(out, message);
        }
    }
}

enum err_kind kube_pod_read(struct arena *out, str text, struct kube_pod *pod, struct err *e)
{
    struct json root;
    *pod = (struct kube_pod){0};
    enum err_kind kind = json_parse(out, text, &root, e);
    if (kind)
        return err_prefix(e, "a Pod from the API server: ");
    kind = kube_meta_read(out, root, &pod->meta, e);
    if (kind)
        return kind;
    pod->spec = json_get(root, STR("spec"));
    pod->status = json_get(root, STR("status"));
    pod->phase = json_str(out, json_get(pod->status, STR("phase")));
    pod->reason = json_str(out, json_get(pod->status, STR("reason")));
    pod->message = json_str(out, json_get(pod->status, STR("message")));
    pod->node = json_str(out, json_get(pod->spec, STR("nodeName")));
    pod->started_us = kube_time_read(out, json_get(pod->status, STR("startTime")));
    read_conditions(out, json_get(pod->status, STR("conditions")), pod);
    return ERR_NONE;
}

/* ---- containers ---------------------------------------------------------------------------- */

/* Element `index` of two arrays, one after the other. */
static struct json pick(struct json first, struct json second, size_t index, bool *in_first)
{
    size_t count = json_is(first, JSON_ARRAY) ? json_count(first) : 0;
    *in_first = index < count;
    return *in_first ? json_at(first, index) : json_at(second, index - count);
}

static str memory_limit(struct arena *out, struct json spec, bool init, str name)
{
    struct json_iter it =
        json_each(json_get(spec, init ? STR("initContainers") : STR("containers")));
    while (json_next(&it)) {
        if (!name.n || !json_str_is(json_get(it.value, STR("name")), name))
            continue;
        struct json limit = json_path(it.value, "resources.limits.memory");
        return json_is(limit, JSON_NUMBER) ? json_raw(limit) : json_str(out, limit);
    }
    return (str){0};
}

static void read_terminated(struct arena *out, struct json v, struct kube_container *c)
{
    c->phase = KUBE_TERMINATED;
    c->exit_code = json_i64_or(json_get(v, STR("exitCode")), -1);
    c->signal = json_i64_or(json_get(v, STR("signal")), 0);
    c->started_us = kube_time_read(out, json_get(v, STR("startedAt")));
    c->finished_us = kube_time_read(out, json_get(v, STR("finishedAt")));
}

/* One member of `state` is set; where there is none the kubelet means waiting. */
static void read_state(struct arena *out, struct json state, struct kube_container *c)
{
    struct json waiting = json_get(state, STR("waiting"));
    struct json running = json_get(state, STR("running"));
    struct json terminated = json_get(state, STR("terminated"));
    struct json present = {0};
    if (json_is(terminated, JSON_OBJECT)) {
        read_terminated(out, terminated, c);
        present = terminated;
    } else if (json_is(running, JSON_OBJECT)) {
        c->phase = KUBE_RUNNING;
        c->started_us = kube_time_read(out, json_get(running, STR("startedAt")));
    } else if (json_is(waiting, JSON_OBJECT)) {
        c->phase = KUBE_WAITING;
        present = waiting;
    }
    c->reason = json_str(out, json_get(present, STR("reason")));
    c->message = json_str(out, json_get(present, STR("message")));
}

bool kube_pod_container(struct arena *out, const struct kube_pod *pod, size_t index,
                        struct kube_container *container)
{
    *container = (struct kube_container){.exit_code = -1, .last_exit_code = -1};
    struct json v = pick(json_get(pod->status, STR("initContainerStatuses")),
                         json_get(pod->status, STR("containerStatuses")), index, &container->init);
    if (json_type(v) == JSON_ABSENT)
        return false;
    container->name = json_str(out, json_get(v, STR("name")));
    container->restarts = json_i64_or(json_get(v, STR("restartCount")), 0);
    read_state(out, json_get(v, STR("state")), container);
    struct json last = json_path(v, "lastState.terminated");
    if (json_is(last, JSON_OBJECT)) {
        container->last_terminated = true;
        container->last_reason = json_str(out, json_get(last, STR("reason")));
        container->last_exit_code = json_i64_or(json_get(last, STR("exitCode")), -1);
    }
    container->memory_limit = memory_limit(out, pod->spec, container->init, container->name);
    return true;
}

int64_t kube_pod_restarts(struct arena *out, const struct kube_pod *pod)
{
    (void)out;
    int64_t sum = 0;
    struct json_iter it = json_each(json_get(pod->status, STR("containerStatuses")));
    while (json_next(&it)) {
        int64_t one = json_i64_or(json_get(it.value, STR("restartCount")), 0);
        if (__builtin_add_overflow(sum, one, &sum))
            return INT64_MAX;
    }
    return sum;
}

bool kube_pod_spec_container(struct arena *out, const struct kube_pod *pod, size_t index, str *name,
                             bool *init)
{
    struct json v = pick(json_get(pod->spec, STR("initContainers")),
                         json_get(pod->spec, STR("containers")), index, init);
    if (json_type(v) == JSON_ABSENT)
        return false;
    *name = json_str(out, json_get(v, STR("name")));
    return true;
}
