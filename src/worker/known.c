/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/known.h"

#include "format/json.h"
#include "format/json_write.h"
#include "worker/clusters.h"
#include "worker/pods.h"

#define BATCH 50 /* the server's page of events */
#define AGAIN_MS 5000

struct known {
    struct worker *w;
    struct records *pods;
    known_unknown_fn *on_unknown;
    void *ctx;
    struct uuid batch[BATCH]; /* uids of the pods asked about */
    size_t count, reading;    /* reading: next of those that are read again */
    prefect_id call;
    kube_id kube_call;
    struct kube *kube; /* of that call */
    struct loop_timer timer;
    bool busy;
};

static void next_batch(void *ctx);
static void read_next(struct known *k);

struct known *known_open(struct arena *perm, struct worker *w, struct records *pods,
                         known_unknown_fn *on_unknown, void *ctx)
{
    struct known *k = arena_must(perm, sizeof *k);
    *k = (struct known){.w = w, .pods = pods, .on_unknown = on_unknown, .ctx = ctx};
    return k;
}

static struct pod_record *unverified(struct known *k, size_t i)
{
    struct pod_record *record = records_find(k->pods, &k->batch[i]);
    return record && record->unverified ? record : NULL;
}

/* ---- pods that Prefect has not heard of: read again, one by one ---------------------------- */

static void on_pod(void *ctx, const struct kube_reply *reply)
{
    struct known *k = ctx;
    k->kube_call = 0;
    struct pod_record *record = unverified(k, k->reading);
    if (record) {
        record->unverified = false;
        record->last_event = (struct uuid){{0}};
        if (reply->kind == ERR_NONE)
            k->on_unknown(k->ctx, record, reply->http->body);
    }
    k->reading++;
    read_next(k);
}

static void read_next(struct known *k)
{
    struct arena *scratch = &k->w->tick;
    struct err e;
    while (k->reading < k->count && !unverified(k, k->reading))
        k->reading++;
    if (k->reading == k->count) {
        next_batch(k);
        return;
    }
    struct pod_record *record = unverified(k, k->reading);
    ASSERT(record);
    struct kube_request request = {
        .method = HTTP_GET,
        .path =
            kube_path(scratch, "/api/v1", str_of(record->namespace), "pods", str_of(record->name)),
        .on_done = on_pod,
        .ctx = k,
    };
    k->kube = clusters_kube(k->w->clusters, record->cluster);
    if (kube_send(k->kube, &request, &k->kube_call, &e) != ERR_NONE)
        loop_timer_set(k->w->loop, &k->timer, AGAIN_MS, next_batch, k);
}

/* ---- the question -------------------------------------------------------------------------- */

static void mark_known(struct known *k, const struct uuid *event)
{
    for (size_t i = 0; i < k->count; i++) {
        struct pod_record *record = unverified(k, i);
        if (record && uuid_eq(&record->last_event, event))
            record->unverified = false;
    }
}

static void on_answer(void *ctx, const struct prefect_reply *reply)
{
    struct known *k = ctx;
    struct json root;
    struct err e;
    k->call = 0;
    if (reply->kind == ERR_MISSING) { /* a server without events */
        for (size_t i = 0; i < k->count; i++) {
            struct pod_record *record = unverified(k, i);
            if (record)
                record->unverified = false;
        }
        next_batch(k);
        return;
    }
    if (reply->kind || json_parse(reply->arena, reply->body, &root, &e) != ERR_NONE) {
        log_warning("whether Prefect has the events of %zu listed pods can't be read: %s", k->count,
                    reply->kind ? reply->err->text : e.text);
        loop_timer_set(k->w->loop, &k->timer, AGAIN_MS, next_batch, k);
        return;
    }
    for (struct json_iter it = json_each(json_get(root, STR("events"))); json_next(&it);) {
        struct uuid id;
        if (uuid_parse(json_str(reply->arena, json_get(it.value, STR("id"))), &id))
            mark_known(k, &id);
    }
    k->reading = 0;
    read_next(k);
}

static size_t gather(struct known *k)
{
    k->count = 0;
    for (uint32_t i = 0; i < k->pods->fresh && k->count < BATCH; i++) {
        struct pod_record *record = records_at(k->pods, i);
        if (record && record->unverified)
            k->batch[k->count++] = record->record.key;
    }
    return k->count;
}

static void next_batch(void *ctx)
{
    struct known *k = ctx;
    struct arena *scratch = &k->w->tick;
    struct err e;
    k->busy = gather(k) > 0;
    if (!k->busy)
        return;
    struct buf body = buf_new(scratch, 8 * KIB);
    struct json_writer out = json_writer(&body);
    json_object_begin(&out);
    json_key(&out, STR("filter"));
    json_object_begin(&out);
    json_key(&out, STR("id"));
    json_object_begin(&out);
    json_key(&out, STR("id"));
    json_array_begin(&out);
    for (size_t i = 0; i < k->count; i++) {
        char id[UUID_TEXT_LEN + 1];
        json_put_str(&out, uuid_format(&unverified(k, i)->last_event, id));
    }
    json_array_end(&out);
    json_object_end(&out);
    json_object_end(&out);
    json_member_i64(&out, "limit", BATCH);
    json_object_end(&out);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/events/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_answer,
                                      .ctx = k};
    if (prefect_send(k->w->prefect, &request, &k->call, &e) != ERR_NONE)
        loop_timer_set(k->w->loop, &k->timer, AGAIN_MS, next_batch, k);
}

void known_ask(struct known *k)
{
    if (!k->busy)
        next_batch(k);
}

void known_stop(struct known *k)
{
    prefect_cancel(k->w->prefect, k->call);
    if (k->kube)
        kube_cancel(k->kube, k->kube_call);
    loop_timer_clear(k->w->loop, &k->timer);
}
