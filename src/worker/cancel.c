/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/cancel.h"

#include "base/time.h"
#include "net/backoff.h"
#include "prefect/flow_run.h"
#include "worker/cancel_case.h"
#include "worker/clusters.h"
#include "worker/observe.h"
#include "worker/pool.h"
#include "worker/submit.h"

#define PAGE PREFECT_FILTER_IDS_MAX
#define TRIES_MAX 6
#define SOON_MS 200         /* until pool and Jobs are known; while cases wait for a place */
#define INTERVAL_MIN_MS 100 /* whatever the setting says */
#define PASS_OVER_MS 600000 /* a run that is none of ours, or can't be helped */

/* A run that is left alone for now. */
struct passed {
    struct uuid run;
    int64_t until_ms;
};

struct cancellation {
    struct worker *w;
    struct cancel_case cases[CANCEL_CASES_MAX];
    struct passed passed[CANCEL_PASSED_MAX];
    size_t next_passed;
    struct arena stream_arena;
    struct json_stream *stream;
    prefect_id call;
    struct loop_timer timer;
    int64_t offset; /* of the page */
    size_t on_page;
    int64_t next_due_us; /* the end of the nearest grace; 0: none runs */
    bool more;           /* a run found no free place */
    bool stopped;
    int failures;
};

/* ---- the table ----------------------------------------------------------------------------- */

#define NEVER CANCEL_STATE_COUNT
#define TO(name) CANCEL_##name

/* AGAIN into the same state waits first. */
static const enum cancel_state next_state[CANCEL_STATE_COUNT][CANCEL_EVENT_COUNT] = {
    /* OK, JOB, ABSENT, ENDED, AGAIN, DROP */
    [CANCEL_FREE] = {TO(JOBS), NEVER, NEVER, NEVER, NEVER, NEVER},
    [CANCEL_JOBS] = {TO(CHECK), TO(DELETE), TO(HISTORY), NEVER, NEVER, TO(FREE)},
    [CANCEL_DELETE] = {TO(WAIT), NEVER, NEVER, NEVER, TO(DELETE), TO(FREE)},
    [CANCEL_WAIT] = {TO(JOBS), NEVER, NEVER, NEVER, TO(WAIT), TO(FREE)},
    [CANCEL_HISTORY] = {TO(CLUSTER), NEVER, NEVER, NEVER, TO(HISTORY), TO(FREE)},
    [CANCEL_CLUSTER] = {TO(PID), NEVER, NEVER, NEVER, TO(CLUSTER), TO(FREE)},
    [CANCEL_PID] = {TO(CHECK), TO(DELETE), NEVER, NEVER, TO(PID), TO(FREE)},
    [CANCEL_CHECK] = {TO(FORCE), NEVER, NEVER, TO(DEPLOYMENT), TO(CHECK), TO(FREE)},
    [CANCEL_FORCE] = {TO(DEPLOYMENT), NEVER, NEVER, NEVER, TO(FORCE), TO(FREE)},
    [CANCEL_DEPLOYMENT] = {TO(FLOW), NEVER, NEVER, NEVER, TO(DEPLOYMENT), TO(FREE)},
    [CANCEL_FLOW] = {TO(FREE), NEVER, NEVER, NEVER, TO(FLOW), TO(FREE)},
};

enum cancel_state cancel_next(enum cancel_state state, enum cancel_event event)
{
    return next_state[state][event];
}

#define NAME(name) #name,
static const char *const state_names[] = {CANCEL_STATES(NAME)};
static const char *const event_names[] = {CANCEL_EVENTS(NAME)};

/* ---- moving a case ------------------------------------------------------------------------- */

static void look(void *ctx);

static void look_in(struct cancellation *all, int64_t delay_ms)
{
    if (!all->stopped)
        loop_timer_set(all->w->loop, &all->timer, delay_ms, look, all);
}

static void release(struct cancel_case *c)
{
    struct worker *w = c->w;
    struct kube *own = clusters_kube(w->clusters, CLUSTER_OWN);
    job_deletion_cancel(&c->deletion);
    proposal_cancel(&c->proposal);
    prefect_cancel(w->prefect, c->call);
    if (own)
        kube_cancel(own, c->kube_call);
    loop_timer_clear(w->loop, &c->timer);
    arena_reset(&c->arena);
    struct arena arena = c->arena;
    *c = (struct cancel_case){.all = c->all, .w = w, .arena = arena};
}

static void enter_again(void *ctx)
{
    cancel_enter(ctx);
}

void cancel_event(struct cancel_case *c, enum cancel_event event)
{
    struct cancellation *all = c->all;
    bool again = event == CANCEL_ON_AGAIN;
    if (again && ++c->tries > TRIES_MAX)
        event = CANCEL_ON_DROP; /* a later question finds the run again */
    enum cancel_state next = cancel_next(c->state, event);
    log_debug("cancellation of %.8s: %s on %s", c->run.name.n ? c->run.name.p : "?",
              state_names[c->state], event_names[event]);
    ASSERT(next < CANCEL_STATE_COUNT);
    if (event == CANCEL_ON_AGAIN) {
        loop_timer_set(c->w->loop, &c->timer, backoff_exponential_ms(500, c->tries - 1, 30000),
                       enter_again, c);
        return;
    }
    if (event == CANCEL_ON_DROP && c->state == CANCEL_DELETE)
        observer_spare(c->w->observer, &c->job_uid); /* its end is judged as any other's */
    c->tries = 0;
    c->state = next;
    if (next != CANCEL_FREE) {
        cancel_enter(c);
        return;
    }
    release(c);
    if (all->more && !all->call) {
        all->more = false;
        look_in(all, SOON_MS);
    }
}

void cancel_pass_over(struct cancel_case *c)
{
    struct cancellation *all = c->all;
    all->passed[all->next_passed] =
        (struct passed){.run = c->run.id, .until_ms = loop_now_ms(all->w->loop) + PASS_OVER_MS};
    all->next_passed = (all->next_passed + 1) % ARRAY_LEN(all->passed);
}

/* ---- which runs ---------------------------------------------------------------------------- */

int64_t cancellation_due_us(bool ran, int64_t asked_us, double grace_s)
{
    return ran ? asked_us + (int64_t)(grace_s * 1e6) : 0;
}

static bool is_passed_over(const struct cancellation *all, const struct uuid *run)
{
    int64_t now_ms = loop_now_ms(all->w->loop);
    for (size_t i = 0; i < ARRAY_LEN(all->passed); i++)
        if (all->passed[i].until_ms > now_ms && uuid_eq(&all->passed[i].run, run))
            return true;
    return false;
}

static bool is_worked_on(const struct cancellation *all, const struct uuid *run)
{
    for (size_t i = 0; i < ARRAY_LEN(all->cases); i++)
        if (all->cases[i].state != CANCEL_FREE && uuid_eq(&all->cases[i].run.id, run))
            return true;
    return false;
}

static struct cancel_case *free_case(struct cancellation *all)
{
    for (size_t i = 0; i < ARRAY_LEN(all->cases); i++)
        if (all->cases[i].state == CANCEL_FREE)
            return &all->cases[i];
    return NULL;
}

/* What events say of the run, without its parameters. */
static struct tree *subject_of(struct cancel_case *c, const struct prefect_flow_run *run)
{
    struct err e;
    struct tree *subject = NULL;
    char id[UUID_TEXT_LEN + 1];
    struct buf text = buf_new(&c->arena, RUN_JSON_MAX + KIB);
    struct json_writer out = json_writer(&text);
    json_object_begin(&out);
    json_member_str(&out, "id", uuid_format(&run->id, id));
    json_member_str(&out, "name", run->name);
    json_key(&out, STR("tags"));
    if (json_is(run->tags, JSON_ARRAY))
        json_put_raw(&out, json_raw(run->tags));
    else
        json_put_null(&out);
    json_object_end(&out);
    if (text.full ||
        tree_parse_json(&c->arena, c->w->tick, buf_str(&text), &subject, &e) != ERR_NONE)
        return NULL;
    return subject;
}

static void open_case(struct cancellation *all, const struct prefect_flow_run *run,
                      int64_t asked_us)
{
    struct cancel_case *c = free_case(all);
    if (!c) {
        all->more = true;
        return;
    }
    c->run = (struct run_ref){run->id, str_copy(&c->arena, run->name)};
    c->deployment_id = run->deployment_id;
    c->flow_id = run->flow_id;
    c->ran = run->start_time_us != 0;
    c->asked_us = asked_us;
    c->other_cluster = !json_is_null(json_get(run->job_variables, STR("cluster_config")));
    c->pid = str_copy(&c->arena, run->infrastructure_pid);
    c->flow_run = subject_of(c, run);
    cancel_event(c, CANCEL_ON_OK);
}

static void consider(struct cancellation *all, const struct prefect_flow_run *run)
{
    struct worker *w = all->w;
    if (is_worked_on(all, &run->id) || is_passed_over(all, &run->id))
        return;
    int64_t asked_us = run->state.timestamp_us ? run->state.timestamp_us : run->updated_us;
    int64_t due_us =
        cancellation_due_us(run->start_time_us != 0, asked_us, w->config->cancel_grace_s);
    if (due_us > time_now_us()) {
        if (!all->next_due_us || due_us < all->next_due_us)
            all->next_due_us = due_us;
        return;
    }
    /* A submission under way comes to its end first, unless it only waits for a quota. */
    if (!submissions_has(w->submissions, &run->id) ||
        submissions_withdraw(w->submissions, &run->id))
        open_case(all, run, asked_us);
}

static enum err_kind on_run(void *ctx, str text, struct err *e)
{
    struct cancellation *all = ctx;
    struct prefect_flow_run run;
    struct arena *tick = &all->w->tick;
    size_t mark = arena_mark(tick);
    enum err_kind kind = prefect_flow_run_parse(tick, text, &run, e);
    all->on_page++;
    if (kind == ERR_NONE)
        consider(all, &run);
    arena_rewind(tick, mark);
    return kind;
}

/* ---- the question -------------------------------------------------------------------------- */

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct cancellation *all = ctx;
    return json_stream_feed(all->stream, bytes, e) == ERR_NONE ? HTTP_DATA_TAKEN : HTTP_DATA_STOP;
}

/* The next question: after the interval, or when a grace ends before. */
static void schedule(struct cancellation *all)
{
    int64_t delay_ms = (int64_t)(all->w->config->cancellation_poll_s * 1000);
    if (all->next_due_us) {
        int64_t left_ms = (all->next_due_us - time_now_us()) / 1000 + 1;
        delay_ms = left_ms < delay_ms ? left_ms : delay_ms;
    }
    if (all->more && free_case(all))
        delay_ms = SOON_MS;
    look_in(all, delay_ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : delay_ms);
}

static void on_answer(void *ctx, const struct prefect_reply *reply)
{
    struct cancellation *all = ctx;
    struct err e;
    str rest;
    all->call = 0;
    if (reply->kind || json_stream_end(all->stream, &rest, &e) != ERR_NONE) {
        int64_t delay_ms = backoff_exponential_ms(1000, all->failures++, 60000);
        log_warning("runs that are to be cancelled can't be read: %s; trying again in %lld s",
                    reply->kind ? reply->err->text : e.text, (long long)(delay_ms + 500) / 1000);
        look_in(all, delay_ms);
        return;
    }
    all->failures = 0;
    if (all->on_page == PAGE && !all->more) {
        all->offset += PAGE;
        look_in(all, 0);
        return;
    }
    all->offset = 0;
    schedule(all);
}

static void ask(struct cancellation *all)
{
    /* Before 2.8 the state had the type of what it leads to, and only its name told. */
    static const enum prefect_state_type types[] = {PREFECT_CANCELLING, PREFECT_CANCELLED};
    static const str names[] = {STR_INIT("Cancelling")};
    struct worker *w = all->w;
    bool old = w->server_major < 3;
    struct err e;
    struct prefect_flow_run_filter filter = {.types = types,
                                             .type_count = old ? 2 : 1,
                                             .state_names = names,
                                             .state_name_count = old ? 1 : 0,
                                             .limit = PAGE,
                                             .offset = all->offset};
    uuid_parse(pool_id(w->pool), &filter.work_pool_id);
    struct buf body = buf_new(&w->tick, 4 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_flow_run_filter_body(&out, &filter);
    arena_reset(&all->stream_arena);
    struct json_stream_options options = {
        .element_max = RUN_JSON_MAX, .rest_max = 4 * KIB, .on_element = on_run, .ctx = all};
    all->stream = json_stream_new(&all->stream_arena, &options);
    ASSERT(all->stream);
    all->on_page = 0;
    struct prefect_request request = {.method = HTTP_POST,
                                      .path = STR("/flow_runs/filter"),
                                      .body = buf_str(&body),
                                      .repeat = PREFECT_REPEAT_SAFE, /* it reads only */
                                      .on_data = on_data,
                                      .on_done = on_answer,
                                      .ctx = all};
    if (prefect_send(w->prefect, &request, &all->call, &e) != ERR_NONE)
        look_in(all, SOON_MS);
}

static void look(void *ctx)
{
    struct cancellation *all = ctx;
    struct worker *w = all->w;
    if (all->call)
        return;
    bool jobs_known = !w->config->observer_enabled || observer_jobs_synced(w->observer);
    if (!pool_known(w->pool) || !w->kube_ready || !jobs_known) {
        look_in(all, SOON_MS);
        return;
    }
    if (all->offset == 0) {
        all->next_due_us = 0;
        all->more = false;
    }
    ask(all);
}

/* ---- for everybody ------------------------------------------------------------------------- */

struct cancellation *cancellation_open(struct arena *perm, struct worker *w)
{
    struct cancellation *all = arena_must(perm, sizeof *all);
    all->w = w;
    arena_reserve(&all->stream_arena, "cancelling runs", 2 * RUN_JSON_MAX + MIB);
    for (size_t i = 0; i < ARRAY_LEN(all->cases); i++) {
        all->cases[i].all = all;
        all->cases[i].w = w;
        arena_reserve(&all->cases[i].arena, "cancellation", CANCEL_ARENA);
    }
    return all;
}

void cancellation_start(struct cancellation *all)
{
    if (all->w->config->cancellation && !all->w->config->run_once)
        look_in(all, SOON_MS);
}

void cancellation_stop(struct cancellation *all)
{
    all->stopped = true;
    loop_timer_clear(all->w->loop, &all->timer);
    prefect_cancel(all->w->prefect, all->call);
    all->call = 0;
    for (size_t i = 0; i < ARRAY_LEN(all->cases); i++)
        if (all->cases[i].state != CANCEL_FREE)
            release(&all->cases[i]);
}
