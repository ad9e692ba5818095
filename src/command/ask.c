/* SPDX-License-Identifier: Apache-2.0 */
#include "command/ask.h"

#include "base/time.h"
#include "worker/clusters.h"
#include "worker/connect.h"

#define TURN_MAX_MS 100

static enum err_kind load(struct ask *ask, const struct command_context *context,
                          struct arena scratch, struct err *e)
{
    const struct settings *settings;
    struct settings_sources sources = {
        .environment = context->environment, .profile = context->profile, .folder = STR(".")};
    enum err_kind kind = settings_load(ask->arena, scratch, &sources, &settings, e);
    if (!kind)
        kind = config_load_settings(ask->arena, scratch, settings, &ask->config, e);
    if (!kind && !ask->config.api_url.n)
        kind = err_set(e, ERR_FATAL,
                       "PREFECT_API_URL is not set: give the address of Prefect's API, as in "
                       "PREFECT_API_URL=http://prefect-server:4200/api");
    return kind;
}

enum err_kind ask_open(struct ask *ask, const struct command_context *context, struct arena *arena,
                       struct arena scratch, struct err *e)
{
    struct worker *w = &ask->worker;
    *ask = (struct ask){.arena = arena};
    *w = (struct worker){.config = &ask->config, .perm = arena, .server_major = 3};
    arena_reserve(&w->tick, "tick", ASK_ARENA);
    enum err_kind kind = load(ask, context, scratch, e);
    if (kind)
        return kind;
    log_configure(&(struct log_options){.level = LOG_ERROR});
    if ((kind = loop_open(arena, &w->loop, e)) != ERR_NONE ||
        (kind = http_open(arena, w->loop, &w->http, e)) != ERR_NONE ||
        (kind = connect_prefect(w, e)) != ERR_NONE)
        return kind;
    w->clusters = clusters_open(arena, w);
    if (clusters_open_own(w->clusters, e) != ERR_NONE)
        str_to_cstr(str_of(e->text), w->no_cluster, sizeof w->no_cluster);
    return ERR_NONE;
}

void ask_close(struct ask *ask)
{
    struct worker *w = &ask->worker;
    struct kube *own = w->clusters ? clusters_kube(w->clusters, CLUSTER_OWN) : NULL;
    if (own)
        kube_close(own); /* ends a credential plugin */
    if (w->http)
        http_close(w->http);
    if (w->loop)
        loop_close(w->loop);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void begin(struct ask *ask, struct answer *a)
{
    *a = (struct answer){.ask = ask, .sent = true};
    ask->open++;
}

static void finish(struct answer *a, enum err_kind kind, const struct err *e, str body)
{
    a->done = true;
    a->kind = kind;
    a->ask->open--;
    if (e && kind)
        a->err = *e;
    if (kind)
        return;
    a->body = str_copy(a->ask->arena, body);
    if (!a->body.p)
        a->kind = err_set(&a->err, ERR_LIMIT, "the replies do not fit");
}

static void on_prefect(void *ctx, const struct prefect_reply *reply)
{
    struct answer *a = ctx;
    struct err e;
    str rest = reply->body;
    enum err_kind kind = reply->kind;
    const struct err *why = reply->err;
    if (!kind && a->stream) {
        kind = json_stream_end(a->stream, &rest, &e);
        why = &e;
    }
    finish(a, kind, why, rest);
}

static void on_kube(void *ctx, const struct kube_reply *reply)
{
    finish(ctx, reply->kind, reply->err, reply->http->body);
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct answer *a = ctx;
    return json_stream_feed(a->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

/* ---- questions ----------------------------------------------------------------------------- */

static void send(struct ask *ask, struct answer *a, str path, str body)
{
    struct err e;
    struct prefect_request request = {
        .method = body.n ? HTTP_POST : HTTP_GET,
        .path = path,
        .body = body,
        .repeat = PREFECT_REPEAT_SAFE, /* nothing is changed by it */
        .on_data = a->stream ? on_data : NULL,
        .on_done = on_prefect,
        .ctx = a,
    };
    enum err_kind kind = prefect_send(ask->worker.prefect, &request, &a->prefect_call, &e);
    if (kind)
        finish(a, kind, &e, (str){0});
}

void ask_prefect(struct ask *ask, struct answer *a, str path, str body)
{
    begin(ask, a);
    send(ask, a, path, body);
}

void ask_prefect_runs(struct ask *ask, struct answer *a, str path, str body,
                      json_element_fn *on_run, void *ctx)
{
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = ctx};
    begin(ask, a);
    a->stream = json_stream_new(ask->arena, &options);
    if (a->stream)
        send(ask, a, path, body);
    else
        finish(a, err_set(&a->err, ERR_LIMIT, "the replies do not fit"), &a->err, (str){0});
}

void ask_kube(struct ask *ask, struct answer *a, str path)
{
    struct err e;
    struct kube *own = clusters_kube(ask->worker.clusters, CLUSTER_OWN);
    struct kube_request request = {.method = HTTP_GET,
                                   .path = path,
                                   .timeout_ms = ASK_KUBE_TIMEOUT_MS,
                                   .on_done = on_kube,
                                   .ctx = a};
    begin(ask, a);
    enum err_kind kind = own ? kube_send(own, &request, &a->kube_call, &e)
                             : err_set(&e, ERR_MISSING, "%s", ask->worker.no_cluster);
    if (kind)
        finish(a, kind, &e, (str){0});
}

static void give_up(struct ask *ask, struct answer *a, int64_t limit_ms)
{
    struct err e;
    struct kube *own = clusters_kube(ask->worker.clusters, CLUSTER_OWN);
    if (!a->sent || a->done)
        return;
    prefect_cancel(ask->worker.prefect, a->prefect_call);
    if (own)
        kube_cancel(own, a->kube_call);
    err_set(&e, ERR_RETRY, "no answer from %s in %lld s",
            a->prefect_call ? "Prefect" : "Kubernetes", (long long)limit_ms / 1000);
    finish(a, ERR_RETRY, &e, (str){0});
}

void ask_wait(struct ask *ask, struct answer *answers, size_t count, int64_t limit_ms)
{
    int64_t end_ms = time_mono_ms() + limit_ms;
    while (ask->open && time_mono_ms() < end_ms) {
        loop_turn(ask->worker.loop, TURN_MAX_MS);
        arena_reset(&ask->worker.tick);
    }
    for (size_t i = 0; i < count; i++)
        give_up(ask, &answers[i], limit_ms);
}

bool ask_got(const struct answer *a)
{
    return a->done && a->kind == ERR_NONE;
}
