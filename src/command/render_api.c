/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "command/render.h"
#include "worker/connect.h"

/* What `render` reads from the API: one request after the other. */

#define TURN_MAX_MS 1000

struct render_api {
    struct worker worker; /* only its clients are used */
};

enum err_kind render_api_open(struct render *r, struct err *e)
{
    if (!r->config.api_url.n)
        return err_set(
            e, ERR_FATAL,
            "PREFECT_API_URL is not set, and FLOW_RUN_ID is read from Prefect's API: set "
            "it, or give --work-pool and --flow-run as files");
    struct render_api *api = ARENA_NEW(r->arena, struct render_api);
    if (!api)
        return err_set(e, ERR_LIMIT, "no memory");
    api->worker = (struct worker){.config = &r->config, .perm = r->arena};
    log_configure(&(struct log_options){.level = LOG_ERROR});
    enum err_kind kind = loop_open(r->arena, &api->worker.loop, e);
    if (!kind)
        kind = http_open(r->arena, api->worker.loop, &api->worker.http, e);
    if (!kind)
        kind = connect_prefect(&api->worker, e);
    r->api = api;
    return kind;
}

void render_api_close(struct render *r)
{
    if (!r->api)
        return;
    if (r->api->worker.http)
        http_close(r->api->worker.http);
    if (r->api->worker.loop)
        loop_close(r->api->worker.loop);
}

struct exchange {
    struct render *r;
    bool done;
    enum err_kind kind;
    struct tree *tree;
    struct err err;
};

static void on_reply(void *ctx, const struct prefect_reply *reply)
{
    struct exchange *x = ctx;
    x->done = true;
    x->kind = reply->kind;
    if (reply->kind) {
        x->err = *reply->err;
        return;
    }
    str text = str_copy(x->r->arena, reply->body);
    x->kind = text.p ? tree_parse_json(x->r->arena, x->r->scratch, text, &x->tree, &x->err)
                     : err_set(&x->err, ERR_LIMIT, "the reply does not fit");
}

/* GET of a path; its last part is `name`, which is encoded. */
static enum err_kind get(struct render *r, const char *collection, str name, const char *query,
                         struct tree **tree, struct err *e)
{
    struct exchange x = {.r = r};
    struct buf path = buf_new(r->arena, HTTP_URL_MAX);
    prefect_id id;
    buf_cstr(&path, collection);
    percent_encode(&path, name, STR(""));
    buf_cstr(&path, query);
    struct prefect_request request = {.method = HTTP_GET,
                                      .path = buf_str(&path),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_reply,
                                      .ctx = &x};
    enum err_kind kind = prefect_send(r->api->worker.prefect, &request, &id, e);
    while (!kind && !x.done)
        loop_turn(r->api->worker.loop, TURN_MAX_MS);
    if (kind || x.kind) {
        if (x.kind)
            *e = x.err;
        return kind ? kind : x.kind;
    }
    *tree = x.tree;
    return ERR_NONE;
}

/* As get; a 404 is said in words. */
static enum err_kind get_object(struct render *r, const char *what, const char *collection,
                                str name, struct tree **tree, struct err *e)
{
    enum err_kind kind = get(r, collection, name, "", tree, e);
    if (kind == ERR_MISSING)
        return err_set(e, ERR_MISSING, "there is no %s '" STR_FMT "' at " STR_FMT, what,
                       STR_ARG(name), STR_ARG(r->config.api_url));
    return kind ? err_prefix(e, "%s '" STR_FMT "' can't be read: ", what, STR_ARG(name)) : kind;
}

/* 2 or 3; what can't be told counts as 3. */
static void ask_version(struct render *r)
{
    struct tree *version;
    struct err e;
    if (get(r, "/admin/version", STR(""), "", &version, &e) == ERR_NONE &&
        str_starts(tree_text(version), STR("2.")))
        r->server_major = 2;
}

/* The run's last claim by a worker of ours, out of its states so far: its Job has that claim's
 * name. Best effort. */
static void find_claim(struct render *r, str flow_run_id)
{
    struct tree *states;
    struct err e;
    int64_t latest_us = INT64_MIN;
    if (get(r, "/flow_run_states/?flow_run_id=", flow_run_id, "", &states, &e) != ERR_NONE ||
        states->type != TREE_ARRAY)
        return;
    for (const struct tree *it = states->first; it; it = it->next) {
        struct uuid claim;
        int64_t at_us;
        if (render_claim(it, &claim) &&
            time_parse_rfc3339(tree_text(tree_get(it, STR("timestamp"))), &at_us) &&
            at_us > latest_us) {
            latest_us = at_us;
            r->claim = claim;
        }
    }
}

enum err_kind render_api_objects(struct render *r, str flow_run_id, struct err *e)
{
    enum err_kind kind = ERR_NONE;
    if (!r->flow_run)
        kind = get_object(r, "flow run", "/flow_runs/", flow_run_id, &r->flow_run, e);
    str deployment = tree_text(tree_get(r->flow_run, STR("deployment_id")));
    str flow = tree_text(tree_get(r->flow_run, STR("flow_id")));
    str pool = tree_text(tree_get(r->flow_run, STR("work_pool_name")));
    if (!kind && !r->deployment && deployment.n)
        kind = get_object(r, "deployment", "/deployments/", deployment, &r->deployment, e);
    if (!kind && !r->flow && flow.n)
        kind = get_object(r, "flow", "/flows/", flow, &r->flow, e);
    if (!kind && !r->work_pool && !pool.n)
        kind = err_set(e, ERR_INVALID,
                       "flow run '" STR_FMT "' is in no work pool; name one by --work-pool FILE",
                       STR_ARG(flow_run_id));
    if (!kind && !r->work_pool)
        kind = get_object(r, "work pool", "/work_pools/", pool, &r->work_pool, e);
    if (kind)
        return kind;
    ask_version(r);
    find_claim(r, flow_run_id);
    /* A poll, which is where the worker has its runs from, gives none. */
    return tree_set(r->arena, r->flow_run, STR("state"), tree_null(r->arena))
               ? ERR_NONE
               : err_set(e, ERR_LIMIT, "no memory");
}

enum err_kind render_api_reference(struct render *r, const struct manifest_reference *wanted,
                                   struct tree **value, struct err *e)
{
    struct tree *object;
    enum err_kind kind = ERR_NONE;
    struct buf collection = buf_new(r->arena, HTTP_URL_MAX);
    switch (wanted->kind) {
    case MANIFEST_VARIABLE:
        kind = get(r, "/variables/name/", wanted->name, "", &object, e);
        break;
    case MANIFEST_BLOCK_BY_ID:
        kind = get(r, "/block_documents/", wanted->name, "?include_secrets=true", &object, e);
        break;
    case MANIFEST_BLOCK:
        buf_cstr(&collection, "/block_types/slug/");
        percent_encode(&collection, wanted->type_slug, STR(""));
        buf_cstr(&collection, "/block_documents/name/");
        buf_byte(&collection, '\0');
        kind = get(r, collection.p, wanted->name, "?include_secrets=true", &object, e);
        break;
    }
    if (kind == ERR_MISSING)
        return kind;
    if (kind)
        return err_prefix(e, "%s '" STR_FMT "' can't be read: ",
                          wanted->kind == MANIFEST_VARIABLE ? "variable" : "block",
                          STR_ARG(wanted->name));
    *value = tree_get(object, wanted->kind == MANIFEST_VARIABLE ? STR("value") : STR("data"));
    return ERR_NONE;
}
