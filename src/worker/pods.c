/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pods.h"

#include "base/time.h"
#include "worker/deadlines.h"
#include "worker/known.h"
#include "worker/observe.h"
#include "worker/output.h"
#include "worker/pending.h"
#include "worker/pod_event.h"
#include "worker/report.h"

#define EVENT_MAX (32 * KIB)

struct pods {
    struct worker *w;
    struct records records;
    struct pendings *pendings;
    struct known *known;
    struct pods_figures figures;
};

static void on_pending_done(void *ctx, const struct uuid *pod, bool settled)
{
    struct pods *p = ctx;
    struct pod_record *record = records_find(&p->records, pod);
    if (record)
        record->told_pending = settled;
    /* A place is free: whoever waited for one goes next. */
    for (uint32_t i = 0; i < p->records.fresh; i++) {
        struct pod_record *other = records_at(&p->records, i);
        if (other && other->wants_pending) {
            other->wants_pending =
                !pendings_tell(p->pendings, &other->record.key, &other->flow_run);
            return;
        }
    }
}

/* Prefect has no event of this pod's present state: the object was read again for it. */
static void on_unknown(void *ctx, const struct pod_record *record, str text)
{
    pods_take(ctx, record->cluster, record->seen, false, false, text);
}

struct pods *pods_open(struct arena *perm, struct worker *w)
{
    struct pods *p = arena_must(perm, sizeof *p);
    p->w = w;
    records_init(&p->records, perm, sizeof(struct pod_record), WORKER_PODS_MAX);
    p->pendings = pendings_open(perm, w, on_pending_done, p);
    p->known = known_open(perm, w, &p->records, on_unknown, p);
    return p;
}

/* ---- one pod ------------------------------------------------------------------------------- */

static void tell_pending(struct pods *p, struct pod_record *record, const struct kube_pod *pod)
{
    if (!str_eq(pod->phase, STR("Pending"))) {
        record->told_pending = record->wants_pending = false;
        return;
    }
    if (!record->told_pending && !uuid_is_nil(&record->flow_run))
        record->wants_pending = !pendings_tell(p->pendings, &record->record.key, &record->flow_run);
}

static void tell_diagnosis(struct pods *p, struct pod_record *record, str run_name,
                           const struct diagnosis *d)
{
    if (!d) {
        record->diagnosis_key = 0;
        return;
    }
    if (record->diagnosis_key == d->key || uuid_is_nil(&record->flow_run))
        return;
    struct run_ref run = {record->flow_run, run_name};
    report_run_text(p->w, &run, d->level, RUN_LOGGER_OBSERVER, d->text);
    record->diagnosis_key = d->key;
}

static void emit(struct pods *p, struct arena *scratch, struct pod_record *record,
                 const struct kube_pod *pod, const struct diagnosis *d, const struct uuid *id)
{
    struct pod_event event = {
        .pod = pod,
        .diagnosis = d,
        .id = *id,
        .occurred_us = pod_event_occurred_us(scratch, pod, time_now_us()),
        .evicted = pod_event_evicted(scratch, pod, d),
    };
    if (!uuid_is_nil(&record->last_event) &&
        prefect_event_may_follow(event.occurred_us, record->last_occurred_us))
        event.follows = &record->last_event;
    struct buf text = buf_new(scratch, EVENT_MAX);
    pod_event_write(scratch, &text, &event);
    if (text.full)
        log_warning("the event of pod " STR_FMT " is larger than %zu bytes and was not sent",
                    STR_ARG(pod->meta.name), (size_t)EVENT_MAX);
    else if (prefect_events_put(p->w->events, buf_str(&text)))
        p->figures.events++;
    record->last_event = event.id;
    record->last_occurred_us = event.occurred_us;
}

static struct pod_record *record_of(struct pods *p, struct arena *scratch, uint32_t list,
                                    const struct kube_pod *pod, bool *fresh)
{
    *fresh = !records_find(&p->records, &pod->meta.uid);
    struct pod_record *record = records_get(&p->records, &pod->meta.uid);
    if (!record) {
        if (p->figures.table_full++ == 0)
            log_error("more than %d pods carry runs; further ones are not followed",
                      WORKER_PODS_MAX);
        return NULL;
    }
    if (*fresh) {
        str_to_cstr(pod->meta.name, record->name, sizeof record->name);
        str_to_cstr(pod->meta.namespace, record->namespace, sizeof record->namespace);
        str run = kube_label(scratch, &pod->meta, "prefect.io/flow-run-id");
        if (!uuid_parse(run, &record->flow_run))
            record->flow_run = (struct uuid){{0}};
    }
    record->seen = list;
    return record;
}

void pods_take(struct pods *p, uint8_t cluster, uint32_t list, bool listed, bool deleted, str text)
{
    struct arena *scratch = &p->w->tick;
    struct kube_pod pod;
    struct diagnosis found, *d = NULL;
    struct err e;
    bool fresh;
    if (kube_pod_read(scratch, text, &pod, &e) != ERR_NONE) {
        log_warning("a pod can't be read and is passed over: %s", e.text);
        return;
    }
    if (!kube_label(scratch, &pod.meta, "prefect.io/flow-run-id").p || pod.phase.n == 0)
        return;
    struct pod_record *record = record_of(p, scratch, list, &pod, &fresh);
    if (!record)
        return;
    record->cluster = cluster;
    if (diagnose_pod(scratch, &pod, &found))
        d = &found;
    deadlines_take_pod(p->w->deadlines, &pod, deleted ? NULL : d);
    struct uuid id = pod_event_id(scratch, &pod, d);
    str run_name = kube_label(scratch, &pod.meta, "prefect.io/flow-run-name");
    if (p->w->config->replicate_pod_events) {
        bool repeat = uuid_eq(&record->last_event, &id);
        if (listed && fresh) { /* perhaps an earlier worker reported it */
            record->last_event = id;
            record->last_occurred_us = pod_event_occurred_us(scratch, &pod, time_now_us());
            record->unverified = true;
        } else if (repeat) {
            p->figures.repeats++;
        } else {
            record->unverified = false;
            emit(p, scratch, record, &pod, d, &id);
        }
        tell_pending(p, record, &pod);
        if (!record->unverified || str_eq(pod.phase, STR("Pending")))
            tell_diagnosis(p, record, run_name, d);
    }
    if (!record->output && !deleted && observer_streams(p->w->observer, &pod))
        record->output = output_follow(p->w->output, cluster, &pod, &record->flow_run, run_name);
    if (deleted)
        records_remove(&p->records, record);
}

/* ---- lists --------------------------------------------------------------------------------- */

void pods_list_ends(struct pods *p, uint8_t cluster, uint32_t list, str namespace)
{
    for (uint32_t i = 0; i < p->records.fresh; i++) {
        struct pod_record *record = records_at(&p->records, i);
        if (record && record->cluster == cluster && record->seen < list &&
            (namespace.n == 0 || str_eq(namespace, str_of(record->namespace))))
            records_remove(&p->records, record);
    }
    known_ask(p->known);
}

void pods_stop(struct pods *p)
{
    pendings_stop(p->pendings);
    known_stop(p->known);
}

struct pods_figures pods_figures(const struct pods *p)
{
    struct pods_figures figures = p->figures;
    figures.count = p->records.used;
    return figures;
}
