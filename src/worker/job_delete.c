/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_delete.h"

#include "worker/clusters.h"

#define REFUSAL_MS 600000 /* a Role may be mended meanwhile */

struct refusal {
    uint8_t cluster;
    char namespace[KUBE_NAMESPACE_MAX + 1];
    int64_t until_ms; /* 0: never used */
};

struct job_refusals {
    struct refusal all[JOB_REFUSALS_MAX];
};

struct job_refusals *job_refusals_open(struct arena *perm)
{
    return arena_must(perm, sizeof(struct job_refusals));
}

bool job_refusals_has(const struct job_refusals *r, uint8_t cluster, str namespace, int64_t now_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(r->all); i++)
        if (r->all[i].until_ms > now_ms && r->all[i].cluster == cluster &&
            str_eq(str_of(r->all[i].namespace), namespace))
            return true;
    return false;
}

bool job_refusals_put(struct job_refusals *r, uint8_t cluster, str namespace, int64_t now_ms)
{
    if (job_refusals_has(r, cluster, namespace, now_ms))
        return false;
    struct refusal *oldest = &r->all[0];
    for (size_t i = 1; i < ARRAY_LEN(r->all); i++)
        if (r->all[i].until_ms < oldest->until_ms)
            oldest = &r->all[i];
    oldest->cluster = cluster;
    str_to_cstr(namespace, oldest->namespace, sizeof oldest->namespace);
    oldest->until_ms = now_ms + REFUSAL_MS;
    return true;
}

/* The API server reads a precondition from the query too; with a body it would ignore the rest of
 * the query (meta/v1 DeleteOptions). */
str job_deletion_path(struct arena *out, str namespace, str name, const struct uuid *uid)
{
    char text[UUID_TEXT_LEN + 1];
    str path = kube_path(out, "/apis/batch/v1", namespace, "jobs", name);
    return str_printf(out,
                      STR_FMT "?gracePeriodSeconds=30&propagationPolicy=Foreground&uid=" STR_FMT,
                      STR_ARG(path), STR_ARG(uuid_format(uid, text)));
}

static void on_deleted(void *ctx, const struct kube_reply *reply)
{
    struct job_deletion *d = ctx;
    struct worker *w = d->w;
    enum job_deletion_outcome outcome = JOB_DELETION_DONE;
    d->call = 0;
    switch (reply->kind) {
    case ERR_NONE:
        break;
    case ERR_MISSING:
    case ERR_CONFLICT: /* another object has the name now */
        outcome = JOB_DELETION_GONE;
        break;
    case ERR_RETRY:
    case ERR_AUTH:
        outcome = JOB_DELETION_LATER;
        break;
    default:
        outcome = JOB_DELETION_REFUSED;
        break;
    }
    if (outcome == JOB_DELETION_LATER)
        log_warning("%s", reply->err->text);
    if (outcome == JOB_DELETION_REFUSED &&
        job_refusals_put(w->job_refusals, d->cluster, d->namespace, loop_now_ms(w->loop)))
        log_warning("cancellation and timeouts leave the Jobs of namespace " STR_FMT " alone: %s",
                    STR_ARG(d->namespace), reply->err->text);
    d->on_done(d->ctx, outcome);
}

bool job_deletion_start(struct job_deletion *d)
{
    struct kube *kube = clusters_kube(d->w->clusters, d->cluster);
    struct err e;
    struct kube_request request = {
        .method = HTTP_DELETE,
        .path = job_deletion_path(&d->w->tick, d->namespace, d->name, &d->uid),
        .on_done = on_deleted,
        .ctx = d,
    };
    return kube && kube_send(kube, &request, &d->call, &e) == ERR_NONE;
}

void job_deletion_cancel(struct job_deletion *d)
{
    struct kube *kube = d->w ? clusters_kube(d->w->clusters, d->cluster) : NULL;
    if (kube)
        kube_cancel(kube, d->call);
    d->call = 0;
}
