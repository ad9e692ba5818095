/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "format/json.h"
#include "worker/cancel.h"
#include "worker/clusters.h"
#include "worker/connect.h"
#include "worker/crash.h"
#include "worker/deadlines.h"
#include "worker/figures.h"
#include "worker/health.h"
#include "worker/job_delete.h"
#include "worker/observe.h"
#include "worker/output.h"
#include "worker/poll.h"
#include "worker/pool.h"
#include "worker/reconcile.h"
#include "worker/report.h"
#include "worker/restore.h"
#include "worker/submit.h"
#include "worker/suspicion.h"

#define TURN_MAX_MS 1000
#define FLUSH_MS 5000 /* at the stop, for events and logs */
#define PROBE_INTERVAL_MS 5000

static struct loop_timer probe_timer;

/* ---- failures and the gate for claims ------------------------------------------------------ */

void worker_fail(struct worker *w, const char *format, ...)
{
    if (w->failed)
        return;
    va_list args;
    va_start(args, format);
    log_vwrite(LOG_ERROR, LOG_NAME, NULL, format, args);
    va_end(args);
    w->failed = true;
    w->stopping = true;
}

void worker_kube_state(struct worker *w, const struct err *e, int64_t delay_ms)
{
    /* A refusal is an answer: what needs the missing verb is off, the rest works. */
    bool answered =
        !e || e->kind == ERR_FORBIDDEN || e->kind == ERR_INVALID || e->kind == ERR_MISSING;
    if (e && delay_ms)
        log_warning("%s; trying again in %lld s", e->text, (long long)(delay_ms + 500) / 1000);
    if (!answered && w->config->run_once && !w->kube_ready) {
        worker_fail(w, "Kubernetes can't be used: %s", e->text);
        return;
    }
    bool was_ready = w->kube_ready;
    w->kube_ready = answered;
    if (answered && !was_ready) {
        if (w->run_once_polled || poll_last_ms(w->poll))
            log_info("Kubernetes answers again; runs are started");
        poll_wake(w->poll);
    } else if (!answered && was_ready) {
        log_warning("no run is started until Kubernetes answers");
    }
}

/* Without the observer's watches nobody else notices whether Kubernetes answers. */
static void probe(void *ctx);

static void on_probed(void *ctx, const struct kube_reply *reply)
{
    struct worker *w = ctx;
    worker_kube_state(w, reply->kind ? reply->err : NULL, reply->kind ? PROBE_INTERVAL_MS : 0);
    if (!w->stopping)
        loop_timer_set(w->loop, &probe_timer, PROBE_INTERVAL_MS, probe, w);
}

static void probe(void *ctx)
{
    struct worker *w = ctx;
    struct err e;
    kube_id id;
    struct kube_request request = {
        .method = HTTP_GET, .path = STR("/version"), .on_done = on_probed, .ctx = w};
    struct kube *own = clusters_kube(w->clusters, CLUSTER_OWN);
    if (own && kube_send(own, &request, &id, &e) != ERR_NONE)
        loop_timer_set(w->loop, &probe_timer, PROBE_INTERVAL_MS, probe, w);
}

/* ---- signals ------------------------------------------------------------------------------- */

static void on_signal(void *ctx, int number)
{
    struct worker *w = ctx;
    if (number == SIGCHLD)
        return; /* exec plugins are reaped by their owner */
    if (number == SIGHUP) {
        char text[4096];
        struct buf figures = buf_over(text, sizeof text);
        figures_write(w, &figures);
        log_info("figures: " STR_FMT, STR_ARG(buf_str(&figures)));
        return;
    }
    if (w->stopping) {
        log_warning("second signal: ending at once");
        _exit(137); /* as PID 1 a SIGKILL to oneself is ignored */
    }
    log_info("%s: no new runs are taken; those in flight are finished first",
             number == SIGTERM ? "SIGTERM" : "SIGINT");
    w->stopping = true;
}

/* ---- start --------------------------------------------------------------------------------- */

static void begin_work(struct worker *w)
{
    pool_start(w->pool);
}

static void on_version(void *ctx, const struct prefect_reply *reply)
{
    struct worker *w = ctx;
    struct json version;
    struct err e;
    if (reply->kind == ERR_NONE &&
        json_parse(reply->arena, reply->body, &version, &e) == ERR_NONE) {
        str text = json_str(reply->arena, version), major, rest;
        int64_t number;
        str_cut(text, '.', &major, &rest);
        if (str_to_i64(major, &number) && number >= 2)
            w->server_major = (int)number;
        log_debug("the Prefect server is version " STR_FMT, STR_ARG(text));
    }
    if (!w->stopping)
        begin_work(w);
}

/* The server's version selects the default image; Cloud is always the newest. */
static void ask_version(struct worker *w)
{
    struct err e;
    prefect_id id;
    struct prefect_request request = {.method = HTTP_GET,
                                      .path = STR("/admin/version"),
                                      .repeat = PREFECT_REPEAT_NEVER,
                                      .on_done = on_version,
                                      .ctx = w};
    if (w->config->cloud || prefect_send(w->prefect, &request, &id, &e) != ERR_NONE)
        begin_work(w);
}

static enum err_kind open_clients(struct worker *w, struct err *e)
{
    enum err_kind kind;
    if ((kind = loop_open(w->perm, &w->loop, e)) != ERR_NONE ||
        (kind = loop_signals(w->loop, on_signal, w, e)) != ERR_NONE ||
        (kind = http_open(w->perm, w->loop, &w->http, e)) != ERR_NONE ||
        (kind = connect_prefect(w, e)) != ERR_NONE)
        return kind;
    prefect_set_worker_name(w->prefect, w->config->name);
    w->clusters = clusters_open(w->perm, w);
    kind = clusters_open_own(w->clusters, e);
    if (kind == ERR_MISSING) { /* the pool's template may name a cluster: pool.c decides */
        str_to_cstr(str_of(e->text), w->no_cluster, sizeof w->no_cluster);
        w->kube_ready = true;
        return ERR_NONE;
    }
    return kind;
}

static void close_clients(struct worker *w)
{
    if (w->http)
        http_close(w->http);
    if (w->loop)
        loop_close(w->loop);
}

static void open_machines(struct worker *w)
{
    const struct config *config = w->config;
    struct prefect_events_options events = {
        .bytes_max = EVENTS_BYTES_MAX, .batch_max = EVENTS_BATCH_MAX, .delay_ms = 200};
    struct prefect_logs_options logs = {.enabled = config->logs_to_api,
                                        .batch_interval_s = config->logs_interval_s,
                                        .batch_size = config->logs_batch_size,
                                        .max_log_size = config->logs_max_size,
                                        .bytes_max = LOGS_BYTES_MAX};
    w->events = prefect_events_open(w->perm, w->loop, w->prefect, &events);
    w->logs = prefect_logs_open(w->perm, w->loop, w->prefect, &logs);
    w->pool = pool_open(w->perm, w);
    w->poll = poll_open(w->perm, w);
    w->submissions = submissions_open(w->perm, w);
    w->output = output_open(w->perm, w);
    w->crashes = crashes_open(w->perm, w);
    w->job_refusals = job_refusals_open(w->perm);
    w->cancellation = cancellation_open(w->perm, w);
    w->deadlines = deadlines_open(w->perm, w);
    w->restore = restore_open(w->perm, w);
    w->suspicions = suspicions_open(w->perm, w);
    w->observer = observer_open(w->perm, w);
    w->reconcile = reconcile_open(w->perm, w);
    if (config->with_healthcheck)
        w->health = health_open(w->perm, w);
}

/* ---- end ----------------------------------------------------------------------------------- */

static bool run_once_is_over(struct worker *w)
{
    return w->config->run_once && w->run_once_polled && !pool_busy(w->pool) &&
           submissions_active(w->submissions) == 0;
}

static void turn(struct worker *w, int64_t max_wait_ms)
{
    loop_turn(w->loop, max_wait_ms);
    arena_reset(&w->tick);
}

/* Turns the loop until `done` or the time is over. */
static void turn_until(struct worker *w, bool (*done)(struct worker *), int64_t limit_ms)
{
    int64_t end_ms = time_mono_ms() + limit_ms;
    while (!done(w) && time_mono_ms() < end_ms)
        turn(w, 50);
}

static bool submissions_over(struct worker *w)
{
    return submissions_active(w->submissions) == 0;
}

static bool outboxes_empty(struct worker *w)
{
    return prefect_events_idle(w->events) && prefect_logs_idle(w->logs);
}

static void wind_down(struct worker *w)
{
    w->stopping = true;
    poll_stop(w->poll);
    pool_stop(w->pool);
    loop_timer_clear(w->loop, &probe_timer);
    submissions_drain(w->submissions);
    turn_until(w, submissions_over, (int64_t)(w->config->stop_s * 1000));
    if (!submissions_over(w))
        log_warning("%zu submissions were not finished in %.0f s; their claims stand, and the next "
                    "worker goes on with them",
                    submissions_active(w->submissions), w->config->stop_s);
    cancellation_stop(w->cancellation);
    deadlines_stop(w->deadlines);
    restore_stop(w->restore);
    reconcile_stop(w->reconcile);
    suspicions_stop(w->suspicions);
    observer_stop(w->observer);
    crashes_stop(w->crashes);
    output_stop(w->output);
    if (w->started_us)
        report_worker_stopped(w);
    prefect_events_flush(w->events);
    prefect_logs_flush(w->logs);
    turn_until(w, outboxes_empty, FLUSH_MS);
    if (w->health)
        health_close(w->health);
}

int worker_run(struct arena *perm, const struct config *config, const char *const *environment)
{
    static struct worker worker;
    struct worker *w = &worker;
    struct err e;
    *w = (struct worker){
        .config = config, .perm = perm, .environment = environment, .server_major = 3};
    arena_reserve(&w->tick, "tick", TICK_ARENA);
    log_set_worker(config->name, config->pool);
    enum err_kind kind = open_clients(w, &e);
    if (kind) {
        log_error("%s", e.text);
        close_clients(w);
        return 1;
    }
    open_machines(w);
    observer_start(w->observer);
    reconcile_start(w->reconcile);
    cancellation_start(w->cancellation);
    restore_start(w->restore);
    if (!config->observer_enabled)
        probe(w);
    ask_version(w);
    while (!w->stopping && !run_once_is_over(w)) {
        turn(w, TURN_MAX_MS);
        if (!w->started_us && pool_known(w->pool)) {
            report_worker_started(w);
            printf("Worker '" STR_FMT "' started: it serves work pool '" STR_FMT "'\n",
                   STR_ARG(config->name), STR_ARG(config->pool));
            fflush(stdout);
        }
    }
    wind_down(w);
    printf("Worker '" STR_FMT "' stopped\n", STR_ARG(config->name));
    fflush(stdout);
    for (size_t i = 0; i < clusters_count(w->clusters); i++)
        if (clusters_kube(w->clusters, (uint8_t)i))
            kube_close(clusters_kube(w->clusters, (uint8_t)i)); /* ends a credential plugin */
    close_clients(w);
    return w->failed ? 1 : 0;
}
