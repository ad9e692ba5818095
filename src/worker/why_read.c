/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/refusal.h"
#include "worker/why.h"

#define STATES_MAX 1000 /* the first ones of a longer history are not looked at */

void why_begin(struct why_facts *f, int64_t now_us)
{
    static const struct why_slots none = {-1, -1};
    *f = (struct why_facts){
        .now_us = now_us, .pool = none, .queue = none, .deployment = none, .ahead = -1};
}

static struct json read(struct arena *out, str body)
{
    struct json root;
    return json_parse(out, body, &root, NULL) == ERR_NONE ? root : (struct json){0};
}

static bool is_true(struct json v)
{
    bool value = false;
    return json_bool(v, &value) && value;
}

static struct why_slots read_slots(struct json v, const char *limit)
{
    return (struct why_slots){json_i64_or(json_get(v, str_of(limit)), -1),
                              json_i64_or(json_get(v, STR("active_slots")), -1)};
}

static bool names_cluster(struct json variables)
{
    return !json_is_null(json_get(variables, STR("cluster_config")));
}

/* ---- Prefect ------------------------------------------------------------------------------- */

enum err_kind why_take_run(struct arena *out, str body, struct why_facts *f, struct err *e)
{
    enum err_kind kind = prefect_flow_run_parse(out, body, &f->run, e);
    if (kind)
        return kind;
    struct json root = read(out, body);
    f->due_us = prefect_time_read(out, json_get(root, STR("next_scheduled_start_time")));
    if (!f->due_us)
        f->due_us = f->run.expected_start_us;
    f->names_cluster = f->names_cluster || names_cluster(f->run.job_variables);
    return ERR_NONE;
}

void why_take_states(struct arena *out, str body, struct why_facts *f)
{
    struct json root = read(out, body);
    size_t count = json_count(root), skip = count > STATES_MAX ? count - STATES_MAX : 0;
    f->states = ARENA_ARRAY(out, struct why_state, count - skip + 1);
    f->claimed = claim_newest(out, root, &f->claim);
    for (struct json_iter it = json_each(root); f->states && json_next(&it);) {
        struct why_state *s = &f->states[f->state_count];
        struct err e;
        if (skip && skip--)
            continue;
        if (prefect_state_read(out, it.value, &s->state, &e) != ERR_NONE)
            continue;
        s->scheduled_us =
            prefect_time_read(out, json_path(it.value, "state_details.scheduled_time"));
        f->state_count++;
    }
}

/* The reply's lines are warnings of workers, the newest first. */
void why_take_logs(struct arena *out, str body, struct why_facts *f)
{
    f->word = str_trim(json_str(out, json_get(json_at(read(out, body), 0), STR("message"))));
}

void why_take_deployment(struct arena *out, str body, struct why_facts *f)
{
    struct json root = read(out, body), limit = json_get(root, STR("global_concurrency_limit"));
    f->deployment_name = json_str(out, json_get(root, STR("name")));
    if (json_is(limit, JSON_OBJECT))
        f->deployment = read_slots(limit, "limit");
    else
        f->deployment = read_slots(root, "concurrency_limit");
    f->names_cluster = f->names_cluster || names_cluster(json_get(root, STR("job_variables"))) ||
                       names_cluster(json_get(root, STR("infra_overrides")));
}

void why_take_pool(struct arena *out, str body, struct why_facts *f)
{
    struct json root = read(out, body);
    f->pool_known = json_is(root, JSON_OBJECT);
    f->pool_type = json_str(out, json_get(root, STR("type")));
    f->pool_paused = is_true(json_get(root, STR("is_paused")));
    f->pool = read_slots(root, "concurrency_limit");
    f->names_cluster = f->names_cluster ||
                       !json_is_null(json_path(
                           root, "base_job_template.variables.properties.cluster_config.default"));
}

void why_take_queue(struct arena *out, str body, struct why_facts *f)
{
    struct json root = read(out, body);
    f->queue_known = json_is(root, JSON_OBJECT);
    f->queue_paused = is_true(json_get(root, STR("is_paused")));
    f->queue = read_slots(root, "concurrency_limit");
}

void why_take_workers(struct arena *out, str body, struct why_facts *f)
{
    struct json root = read(out, body);
    f->workers_known = json_is(root, JSON_ARRAY);
    for (struct json_iter it = json_each(root); json_next(&it);) {
        int64_t beat_us = prefect_time_read(out, json_get(it.value, STR("last_heartbeat_time")));
        f->workers++;
        f->workers_online += json_str_is(json_get(it.value, STR("status")), STR("ONLINE"));
        if (beat_us < f->last_beat_us)
            continue;
        f->last_beat_us = beat_us;
        f->last_worker = json_str(out, json_get(it.value, STR("name")));
    }
}

/* ---- Kubernetes ---------------------------------------------------------------------------- */

void why_take_jobs(struct arena *out, str body, struct why_facts *f)
{
    struct json_iter it = json_each(json_get(read(out, body), STR("items")));
    while (json_next(&it)) {
        struct kube_job job;
        struct err e;
        if (kube_job_read(out, json_raw(it.value), &job, &e) != ERR_NONE ||
            (f->has_job && job.meta.created_us < f->job.meta.created_us))
            continue;
        f->has_job = true;
        f->job = job;
        f->job_queue = kube_label(out, &job.meta, KUBE_QUEUE_LABEL);
    }
}

static int64_t scheduled_us(struct arena *out, const struct kube_pod *pod)
{
    struct json_iter it = json_each(json_get(pod->status, STR("conditions")));
    while (json_next(&it))
        if (json_str_is(json_get(it.value, STR("type")), STR("PodScheduled")) &&
            json_str_is(json_get(it.value, STR("status")), STR("True")))
            return kube_time_read(out, json_get(it.value, STR("lastTransitionTime")));
    return 0;
}

void why_take_pods(struct arena *out, str body, struct why_facts *f)
{
    struct json_iter it = json_each(json_get(read(out, body), STR("items")));
    while (json_next(&it)) {
        struct kube_pod pod;
        struct err e;
        if (kube_pod_read(out, json_raw(it.value), &pod, &e) != ERR_NONE ||
            (f->has_pod && pod.meta.created_us < f->pod.meta.created_us))
            continue;
        f->has_pod = true;
        f->pod = pod;
        f->pod_scheduled_us = scheduled_us(out, &pod);
    }
}

void why_take_job_events(struct arena *out, str body, struct why_facts *f)
{
    f->refused = refusal_newest(out, body, &f->refusal);
}

void why_take_pod_events(struct arena *out, str body, struct why_facts *f)
{
    struct kube_event event;
    if (kube_event_newest(out, body, STR("Normal"), STR("Pulling"), &event))
        f->pulling = event;
    if (kube_event_newest(out, body, STR("Normal"), STR("Pulled"), &event))
        f->pulled = event;
}

/* Ready is False or Unknown where the node does not report any more. */
void why_take_node(struct arena *out, str body, struct why_facts *f)
{
    struct json_iter it = json_each(json_path(read(out, body), "status.conditions"));
    while (json_next(&it)) {
        if (!json_str_is(json_get(it.value, STR("type")), STR("Ready")))
            continue;
        f->node_lost = !json_str_is(json_get(it.value, STR("status")), STR("True"));
        f->node_message = json_str(out, json_get(it.value, STR("message")));
    }
}
