/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pool.h"

#include <stdio.h>
#include <string.h>

#include "format/json.h"
#include "format/json_write.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "prefect/work_pool.h"
#include "worker/manifest.h"
#include "worker/poll.h"

#define STATES(X)                            \
    X(IDLE)    /* between heartbeats */      \
    X(READING) /* GET the pool */            \
    X(CREATING)                              \
    X(FILLING) /* PATCH an empty template */ \
    X(BEATING) /* POST the heartbeat */
#define STATE_ENUM(name) POOL_##name,
enum pool_state { STATES(STATE_ENUM) };

struct pool {
    struct worker *w;
    enum pool_state state;
    prefect_id call, queue_call;
    struct loop_timer timer;
    struct arena text_arena[2]; /* the current object's text and the next one's, in turn */
    int current;
    str text;
    char id[UUID_TEXT_LEN + 1];
    char type[64];
    bool known, missing_said, started, mismatch_said, paused_said;
    bool template_given_said;
    bool metadata_sent, id_refused; /* Cloud: what the heartbeat tells and asks for */
    int failures;                   /* in a row */
};

static void read_pool(void *ctx);

struct pool *pool_open(struct arena *perm, struct worker *w)
{
    struct pool *pool = arena_must(perm, sizeof *pool);
    pool->w = w;
    arena_reserve(&pool->text_arena[0], "pool", HTTP_BODY_MAX + MIB);
    arena_reserve(&pool->text_arena[1], "pool", HTTP_BODY_MAX + MIB);
    return pool;
}

bool pool_known(const struct pool *pool)
{
    return pool->known;
}

bool pool_busy(const struct pool *pool)
{
    return pool->state != POOL_IDLE;
}

str pool_id(const struct pool *pool)
{
    return str_of(pool->id);
}

str pool_text(const struct pool *pool)
{
    return pool->text;
}

static str path_of(struct pool *pool, const char *tail)
{
    return prefect_path(&pool->w->tick, "/work_pools/", pool->w->config->pool, tail);
}

static void rest_until_next(struct pool *pool)
{
    pool->state = POOL_IDLE;
    int64_t heartbeat_ms = (int64_t)pool->w->config->heartbeat_s * 1000;
    loop_timer_set(pool->w->loop, &pool->timer, backoff_jitter_ms(heartbeat_ms, 0.3), read_pool,
                   pool);
}

/* A failure: at the start the refusals end the process; anything else is said once a back-off. */
static void trouble(struct pool *pool, const struct err *e)
{
    struct worker *w = pool->w;
    bool starting = !pool->known;
    if (starting && (e->kind == ERR_AUTH || e->kind == ERR_FORBIDDEN)) {
        worker_fail(w, "%s. Check PREFECT_API_KEY or PREFECT_API_AUTH_STRING", e->text);
        return;
    }
    if (w->config->run_once && starting) {
        worker_fail(w, "%s", e->text);
        return;
    }
    int64_t heartbeat_ms = (int64_t)w->config->heartbeat_s * 1000;
    int64_t delay_ms = starting ? backoff_exponential_ms(1000, pool->failures, heartbeat_ms)
                                : backoff_jitter_ms(heartbeat_ms, 0.3);
    pool->failures++;
    log_warning("%s; trying again in %lld s", e->text, (long long)(delay_ms + 500) / 1000);
    pool->state = POOL_IDLE;
    loop_timer_set(w->loop, &pool->timer, delay_ms, read_pool, pool);
}

static void send(struct pool *pool, enum pool_state state, const struct prefect_request *request)
{
    struct err e;
    pool->state = state;
    if (prefect_send(pool->w->prefect, request, &pool->call, &e) != ERR_NONE)
        trouble(pool, &e);
}

/* ---- heartbeat ----------------------------------------------------------------------------- */

/* Cloud knows workers by an id that the first heartbeats ask for. */
static bool asks_for_id(const struct pool *pool)
{
    return pool->w->config->cloud && pool->w->worker_id[0] == '\0' && !pool->id_refused;
}

static void take_worker_id(struct pool *pool, str body)
{
    struct worker *w = pool->w;
    struct uuid id;
    if (!uuid_parse(str_trim_chars(body, STR("\" \n")), &id))
        return;
    prefect_set_worker_id(w->prefect, uuid_format(&id, w->worker_id));
}

static void send_heartbeat(struct pool *pool);

static void on_heartbeat(void *ctx, const struct prefect_reply *reply)
{
    struct pool *pool = ctx;
    pool->call = 0;
    if (reply->status == 422 && asks_for_id(pool)) {
        log_warning("the API gives this worker no id; going on without one");
        pool->id_refused = true;
        send_heartbeat(pool);
        return;
    }
    if (reply->kind != ERR_NONE) {
        trouble(pool, reply->err);
        return;
    }
    pool->failures = 0;
    pool->metadata_sent = true;
    if (asks_for_id(pool))
        take_worker_id(pool, reply->body);
    rest_until_next(pool);
}

static void send_heartbeat(struct pool *pool)
{
    struct worker *w = pool->w;
    struct arena *scratch = &w->tick;
    struct buf body = buf_new(scratch, 4 * KIB);
    struct json_writer out = json_writer(&body);
    struct prefect_heartbeat heartbeat = {
        .worker_name = w->config->name,
        .interval_s = (int64_t)w->config->heartbeat_s,
        .with_metadata = w->config->cloud && !pool->metadata_sent,
        .return_id = asks_for_id(pool),
    };
    prefect_heartbeat_body(&out, &heartbeat);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = path_of(pool, "/workers/heartbeat"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_heartbeat,
                                      .ctx = pool};
    send(pool, POOL_BEATING, &request);
}

/* ---- the pool's object --------------------------------------------------------------------- */

/* The object's text with `template` as its base_job_template. */
static str with_template(struct arena *out, struct json object, str template, size_t size)
{
    struct buf text = buf_new(out, size + template.n + KIB);
    struct json_writer w = json_writer(&text);
    json_object_begin(&w);
    for (struct json_iter it = json_each(object); json_next(&it);) {
        json_key(&w, json_str(out, it.key));
        bool replaced = json_str_is(it.key, STR("base_job_template"));
        json_put_raw(&w, replaced ? template : json_raw(it.value));
    }
    json_object_end(&w);
    return text.full ? (str){0} : buf_str(&text);
}

static void on_filled(void *ctx, const struct prefect_reply *reply)
{
    struct pool *pool = ctx;
    pool->call = 0;
    if (reply->kind != ERR_NONE)
        trouble(pool, reply->err);
    else
        send_heartbeat(pool);
}

static void fill_template(struct pool *pool)
{
    struct arena *scratch = &pool->w->tick;
    str template = manifest_default_template();
    struct buf body = buf_new(scratch, template.n + KIB);
    struct json_writer out = json_writer(&body);
    prefect_work_pool_template_body(&out, template);
    struct prefect_request request = {.method = HTTP_PATCH,
                                      .path = path_of(pool, ""),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_filled,
                                      .ctx = pool};
    send(pool, POOL_FILLING, &request);
}

/* Best effort, once: a worker whose queues are all paused would seem to do nothing. */
static void on_queues(void *ctx, const struct prefect_reply *reply)
{
    struct pool *pool = ctx;
    struct json root;
    struct err e;
    bool paused = true;
    pool->queue_call = 0;
    if (reply->kind || json_parse(reply->arena, reply->body, &root, &e) != ERR_NONE ||
        json_count(root) == 0)
        return;
    for (struct json_iter it = json_each(root); paused && json_next(&it);)
        if (!json_bool(json_get(it.value, STR("is_paused")), &paused))
            return;
    if (paused)
        log_warning("all %swork queues of work pool '" STR_FMT
                    "' are paused: no run is started until one is resumed",
                    pool->w->config->queue_count ? "given " : "", STR_ARG(pool->w->config->pool));
}

static void ask_queues(struct pool *pool)
{
    struct worker *w = pool->w;
    struct err e;
    struct buf body = buf_new(&w->tick, 64 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_work_queues_filter_body(&out, w->config->queues, w->config->queue_count);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = path_of(pool, "/queues/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_NEVER,
                                      .on_done = on_queues,
                                      .ctx = pool};
    if (prefect_send(w->prefect, &request, &pool->queue_call, &e) != ERR_NONE)
        log_debug("the pool's queues are not looked at: %s", e.text);
}

/* The type decides at the start, and is only warned about when it changes later. */
static bool type_fits(struct pool *pool, str type)
{
    struct worker *w = pool->w;
    if (str_eq(type, STR("kubernetes"))) {
        str_to_cstr(type, pool->type, sizeof pool->type);
        return true;
    }
    if (!pool->known) {
        worker_fail(w,
                    "work pool '" STR_FMT "' is of type '" STR_FMT
                    "', and this worker runs pools of type 'kubernetes' only; give another --pool",
                    STR_ARG(w->config->pool), STR_ARG(type));
        return false;
    }
    if (!str_eq(type, str_of(pool->type)))
        log_warning("work pool '" STR_FMT "' is now of type '" STR_FMT
                    "'; this worker goes on as for 'kubernetes', which may not be what its runs "
                    "expect",
                    STR_ARG(w->config->pool), STR_ARG(type));
    str_to_cstr(type, pool->type, sizeof pool->type);
    return true;
}

static void say_paused(struct pool *pool, bool paused)
{
    if (paused && !pool->paused_said)
        log_warning("work pool '" STR_FMT "' is paused: no run is started until it is resumed",
                    STR_ARG(pool->w->config->pool));
    pool->paused_said = paused;
}

/* Without a cluster of our own the template has to name one. */
static bool has_cluster(struct pool *pool, struct json template)
{
    struct worker *w = pool->w;
    if (w->no_cluster[0] == '\0' || pool->known)
        return true;
    struct json cluster = json_path(template, "variables.properties.cluster_config.default");
    if (json_is_null(cluster)) {
        worker_fail(w, "%s", w->no_cluster);
        return false;
    }
    log_warning("%s; runs go to the cluster_config of the pool's template", w->no_cluster);
    return true;
}

static void take_pool(struct pool *pool, str body)
{
    struct worker *w = pool->w;
    struct err e;
    struct json root;
    int next = 1 - pool->current;
    struct arena *arena = &pool->text_arena[next];
    arena_reset(arena);
    str text = str_copy(arena, body);
    struct arena *scratch = &w->tick;
    if (json_parse(scratch, text, &root, &e) != ERR_NONE) {
        err_prefix(&e, "the reply to the read of work pool '" STR_FMT "' is unusable: ",
                   STR_ARG(w->config->pool));
        trouble(pool, &e);
        return;
    }
    bool paused = false, was_known = pool->known;
    json_bool(json_get(root, STR("is_paused")), &paused);
    if (!type_fits(pool, json_str(scratch, json_get(root, STR("type")))))
        return;
    struct json template = json_get(root, STR("base_job_template"));
    bool empty = json_count(template) == 0;
    if (!has_cluster(pool, template))
        return;
    if (empty)
        text = with_template(arena, root, manifest_default_template(), body.n);
    if (text.n == 0) {
        err_set(&e, ERR_LIMIT, "work pool '" STR_FMT "' does not fit into %zu bytes",
                STR_ARG(w->config->pool), arena->cap);
        trouble(pool, &e);
        return;
    }
    if (!was_known && w->config->base_job_template && !pool->template_given_said &&
        pool->state == POOL_READING)
        log_warning("--base-job-template is not used: work pool '" STR_FMT "' exists already",
                    STR_ARG(w->config->pool));
    pool->template_given_said = true;
    pool->text = text;
    pool->current = next;
    str_to_cstr(json_str(scratch, json_get(root, STR("id"))), pool->id, sizeof pool->id);
    log_set_work_pool_id(str_of(pool->id));
    pool->known = true;
    pool->missing_said = false;
    say_paused(pool, paused);
    if (!was_known) {
        poll_start(w->poll);
        ask_queues(pool);
    }
    if (empty)
        fill_template(pool);
    else
        send_heartbeat(pool);
}

/* ---- creation ------------------------------------------------------------------------------ */

static void on_created(void *ctx, const struct prefect_reply *reply)
{
    struct pool *pool = ctx;
    pool->call = 0;
    if (reply->kind == ERR_CONFLICT) { /* another worker was first */
        read_pool(pool);
    } else if (reply->kind == ERR_MISSING) { /* no such route */
        struct err e = *reply->err;
        size_t n = strlen(e.text);
        snprintf(e.text + n, sizeof e.text - n,
                 ". Is PREFECT_API_URL the API's address? It usually ends in /api");
        trouble(pool, &e);
    } else if (reply->kind != ERR_NONE) {
        trouble(pool, reply->err);
    } else {
        log_info("created work pool '" STR_FMT "'", STR_ARG(pool->w->config->pool));
        take_pool(pool, reply->body);
    }
}

static void create_pool(struct pool *pool)
{
    struct worker *w = pool->w;
    struct arena *scratch = &w->tick;
    struct buf body = buf_new(scratch, FILE_MAX + MIB);
    struct json_writer out = json_writer(&body);
    json_object_begin(&out);
    json_member_str(&out, "name", w->config->pool);
    json_member_cstr(&out, "type", "kubernetes");
    if (w->config->base_job_template) {
        json_key(&out, STR("base_job_template"));
        tree_write_json(&out, w->config->base_job_template);
    }
    json_object_end(&out);
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/work_pools/"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE, /* twice gives 409 */
                                      .on_done = on_created,
                                      .ctx = pool};
    send(pool, POOL_CREATING, &request);
}

static void on_missing(struct pool *pool)
{
    struct worker *w = pool->w;
    struct err e;
    if (w->config->create_pool) {
        create_pool(pool);
        return;
    }
    err_set(&e, ERR_MISSING,
            "work pool '" STR_FMT
            "' does not exist; create it, or start without --no-create-pool-if-not-found",
            STR_ARG(w->config->pool));
    trouble(pool, &e);
}

static void on_read(void *ctx, const struct prefect_reply *reply)
{
    struct pool *pool = ctx;
    pool->call = 0;
    if (reply->kind == ERR_MISSING)
        on_missing(pool);
    else if (reply->kind != ERR_NONE)
        trouble(pool, reply->err);
    else
        take_pool(pool, reply->body);
}

static void read_pool(void *ctx)
{
    struct pool *pool = ctx;
    struct prefect_request request = {.method = HTTP_GET,
                                      .path = path_of(pool, ""),
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_read,
                                      .ctx = pool};
    send(pool, POOL_READING, &request);
}

void pool_start(struct pool *pool)
{
    read_pool(pool);
}

void pool_stop(struct pool *pool)
{
    loop_timer_clear(pool->w->loop, &pool->timer);
    prefect_cancel(pool->w->prefect, pool->call);
    prefect_cancel(pool->w->prefect, pool->queue_call);
    pool->call = pool->queue_call = 0;
}
