/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pod_event.h"

#include "prefect/event.h"
#include "worker/resource.h"

struct uuid pod_event_id(struct arena *scratch, const struct kube_pod *pod,
                         const struct diagnosis *diagnosis)
{
    /* The text that Python's json.dumps(..., sort_keys=True) gives: its bytes are the id. */
    struct buf text = buf_new(scratch, 4 * KIB);
    struct json_writer w = json_writer_python(&text);
    json_object_begin(&w);
    json_member_cstr(&w, "diagnosis", diagnosis ? diagnosis->category : NULL);
    json_member_str(&w, "phase", pod->phase);
    json_member_i64(&w, "restart_count", kube_pod_restarts(scratch, pod));
    json_member_str(&w, "uid", pod->meta.uid_text);
    json_object_end(&w);
    return uuid_v5(&uuid_namespace_url, buf_str(&text));
}

bool pod_event_evicted(struct arena *scratch, const struct kube_pod *pod,
                       const struct diagnosis *diagnosis)
{
    (void)scratch;
    return str_eq(pod->phase, STR("Failed")) &&
           (str_eq(pod->reason, STR("Evicted")) ||
            (diagnosis && diagnosis->category &&
             str_eq(str_of(diagnosis->category), STR("Evicted"))));
}

int64_t pod_event_occurred_us(struct arena *scratch, const struct kube_pod *pod, int64_t now_us)
{
    struct kube_container c;
    int64_t latest_us = 0;
    if (str_eq(pod->phase, STR("Pending")))
        return pod->meta.created_us ? pod->meta.created_us : now_us;
    bool running = str_eq(pod->phase, STR("Running"));
    bool over = str_eq(pod->phase, STR("Succeeded")) || str_eq(pod->phase, STR("Failed"));
    for (size_t i = 0; kube_pod_container(scratch, pod, i, &c); i++) {
        if (running && !c.init && c.phase == KUBE_RUNNING && c.started_us > latest_us)
            latest_us = c.started_us;
        if (over && c.phase == KUBE_TERMINATED && c.finished_us > latest_us)
            latest_us = c.finished_us;
    }
    if (running && !latest_us)
        latest_us = pod->started_us;
    return latest_us ? latest_us : now_us;
}

/* One related resource from the pod's labels; nothing where its id label is missing or empty. */
static void put_related(struct arena *scratch, struct json_writer *w, const struct kube_pod *pod,
                        const char *kind, const char *id_label, const char *name_label)
{
    str id = kube_label(scratch, &pod->meta, id_label);
    if (!id.n)
        return;
    json_object_begin(w);
    json_key(w, STR("prefect.resource.id"));
    json_put_printf(w, "prefect.%s." STR_FMT, kind, STR_ARG(id));
    json_member_cstr(w, "prefect.resource.role", kind);
    str name = kube_label(scratch, &pod->meta, name_label);
    if (name.p) /* the server refuses null, and the whole batch with it */
        json_member_str(w, "prefect.resource.name", name);
    json_object_end(w);
}

static void put_worker(struct arena *scratch, struct json_writer *w, const struct kube_pod *pod)
{
    str name = kube_label(scratch, &pod->meta, "prefect.io/worker-name");
    if (!name.n)
        return;
    json_object_begin(w);
    json_member_str(w, "prefect.resource.id", resource_of_worker(scratch, name));
    json_member_cstr(w, "prefect.resource.role", "worker");
    json_member_str(w, "prefect.resource.name", name);
    json_member_cstr(w, "prefect.worker-type", "kubernetes");
    json_member_cstr(w, "prefect.version", PREFECT_VERSION);
    json_object_end(w);
}

static str related_of(struct arena *scratch, const struct kube_pod *pod)
{
    static const struct {
        const char *kind, *id_label, *name_label;
    } related[] = {
        {"flow-run", "prefect.io/flow-run-id", "prefect.io/flow-run-name"},
        {"deployment", "prefect.io/deployment-id", "prefect.io/deployment-name"},
        {"flow", "prefect.io/flow-id", "prefect.io/flow-name"},
        {"work-pool", "prefect.io/work-pool-id", "prefect.io/work-pool-name"},
    };
    struct buf text = buf_new(scratch, 16 * KIB);
    struct json_writer w = json_writer(&text);
    json_array_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(related); i++)
        put_related(scratch, &w, pod, related[i].kind, related[i].id_label, related[i].name_label);
    put_worker(scratch, &w, pod);
    json_array_end(&w);
    return buf_str(&text);
}

static str eviction_reason(struct arena *scratch, const struct kube_pod *pod)
{
    struct kube_container c;
    for (size_t i = 0; kube_pod_container(scratch, pod, i, &c); i++)
        if (!c.init && c.phase == KUBE_TERMINATED && c.reason.n)
            return c.reason;
    return STR("Evicted");
}

void pod_event_write(struct arena *scratch, struct buf *out, const struct pod_event *event)
{
    const struct kube_pod *pod = event->pod;
    struct prefect_label resource[5];
    size_t count = 0;
    resource[count++] = (struct prefect_label){
        STR("prefect.resource.id"),
        str_printf(scratch, "prefect.kubernetes.pod." STR_FMT, STR_ARG(pod->meta.uid_text))};
    resource[count++] = (struct prefect_label){STR("prefect.resource.name"), pod->meta.name};
    resource[count++] = (struct prefect_label){STR("kubernetes.namespace"), pod->meta.namespace};
    if (event->diagnosis && event->diagnosis->category)
        resource[count++] =
            (struct prefect_label){STR("kubernetes.diagnosis"), str_of(event->diagnosis->category)};
    if (event->evicted)
        resource[count++] =
            (struct prefect_label){STR("kubernetes.reason"), eviction_reason(scratch, pod)};
    char name[64];
    struct buf b = buf_over(name, sizeof name - 1);
    buf_put(&b, STR("prefect.kubernetes.pod."));
    str phase = event->evicted ? STR("evicted") : pod->phase;
    for (size_t i = 0; i < phase.n; i++)
        buf_byte(&b,
                 (char)(phase.p[i] >= 'A' && phase.p[i] <= 'Z' ? phase.p[i] | 0x20 : phase.p[i]));
    name[b.n] = '\0';
    struct json_writer w = json_writer(out);
    prefect_event_write(&w, event->occurred_us, name, resource, count, related_of(scratch, pod),
                        &event->id, event->follows);
}
