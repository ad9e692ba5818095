/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/submit.h"

#include <stdarg.h>

#include "base/random.h"
#include "net/backoff.h"
#include "worker/deadlines.h"
#include "worker/observe.h"
#include "worker/poll.h"
#include "worker/pool.h"
#include "worker/submission.h"

struct submissions {
    struct worker *w;
    struct slots slots;
    struct submission all[WORKER_SUBMISSIONS_MAX];
    struct submissions_figures figures;
};

/* ---- the table ----------------------------------------------------------------------------- */

#define NEVER SUBMIT_STATE_COUNT
#define TO(name) SUBMIT_##name

/* What follows on what. RETRY into the same state waits first. */
static const enum submit_state next_state[SUBMIT_STATE_COUNT][SUBMIT_EVENT_COUNT] = {
    /*                   OK              NEED       STOP          MISSING         CONFLICT
                         RETRY           FAIL */
    [SUBMIT_FREE] = {TO(DEPLOYMENT), NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [SUBMIT_DEPLOYMENT] = {TO(CLAIM), NEVER, TO(DONE), TO(ORPHAN), NEVER, TO(DONE), TO(DONE)},
    [SUBMIT_ORPHAN] = {TO(DONE), NEVER, TO(DONE), TO(DONE), NEVER, TO(DONE), TO(DONE)},
    [SUBMIT_CLAIM] = {TO(FLOW), NEVER, TO(DONE), TO(DONE), NEVER, TO(DONE), TO(DONE)},
    [SUBMIT_FLOW] = {TO(RESOLVE), NEVER, NEVER, TO(CRASH), NEVER, TO(FLOW), TO(CRASH)},
    [SUBMIT_RESOLVE] = {TO(LABEL), TO(FETCH), NEVER, NEVER, NEVER, NEVER, TO(CRASH)},
    [SUBMIT_FETCH] = {TO(RESOLVE), NEVER, NEVER, TO(RESOLVE), NEVER, TO(FETCH), TO(CRASH)},
    [SUBMIT_LABEL] = {TO(SUBMITTING), NEVER, NEVER, TO(SUBMITTING), NEVER, TO(LABEL), TO(CRASH)},
    [SUBMIT_SUBMITTING] = {TO(KEY_SECRET), NEVER, TO(DONE), TO(DONE), NEVER, TO(KEY_SECRET),
                           TO(KEY_SECRET)},
    [SUBMIT_KEY_SECRET] = {TO(ENV_SECRET), NEVER, NEVER, NEVER, TO(KEY_SECRET), TO(KEY_SECRET),
                           TO(CRASH)},
    [SUBMIT_ENV_SECRET] = {TO(CREATE), NEVER, NEVER, NEVER, TO(CREATE), TO(ENV_SECRET), TO(CRASH)},
    [SUBMIT_CREATE] = {TO(OWN), NEVER, TO(DONE), NEVER, TO(ADOPT), TO(CREATE), TO(CRASH)},
    [SUBMIT_ADOPT] = {TO(OWN), NEVER, TO(CREATE), TO(CREATE), NEVER, TO(ADOPT), TO(CRASH)},
    [SUBMIT_OWN] = {TO(REPORT), NEVER, NEVER, TO(REPORT), NEVER, TO(REPORT), TO(REPORT)},
    [SUBMIT_REPORT] = {TO(DONE), NEVER, NEVER, TO(DONE), NEVER, TO(REPORT), TO(DONE)},
    [SUBMIT_CRASH] = {TO(DONE), NEVER, TO(DONE), TO(DONE), NEVER, TO(CRASH), TO(DONE)},
    [SUBMIT_DONE] = {TO(FREE), NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
};

enum submit_state submit_next(enum submit_state state, enum submit_event event)
{
    return next_state[state][event];
}

#define NAME_STATE(name) #name,
static const char *const state_names[] = {SUBMIT_STATES(NAME_STATE)};
static const char *const event_names[] = {SUBMIT_EVENTS(NAME_STATE)};

const char *submit_state_name(enum submit_state state)
{
    return state_names[state];
}

/* ---- moving -------------------------------------------------------------------------------- */

static void release(struct submission *s)
{
    struct submissions *all = s->all;
    proposal_cancel(&s->proposal);
    prefect_cancel(s->w->prefect, s->call);
    secret_step_cancel(&s->secret);
    if (s->kube)
        kube_cancel(s->kube, s->kube_call);
    loop_timer_clear(s->w->loop, &s->timer);
    if (s->arena.high > all->figures.arena_high)
        all->figures.arena_high = s->arena.high;
    arena_reset(&s->arena);
    slots_free(&all->slots, s->id);
    struct arena arena = s->arena;
    *s = (struct submission){.w = all->w, .all = all, .arena = arena};
    poll_wake(all->w->poll);
}

static void enter_again(void *ctx)
{
    submit_enter(ctx);
}

/* Answers of the API server that ask for another attempt have their delay in settings. */
static int64_t retry_delay_ms(struct submission *s)
{
    const struct config *config = s->w->config;
    int64_t spread_s = config->create_jitter_max_s - config->create_jitter_min_s;
    int tries = s->tries++;
    if (s->state != SUBMIT_CREATE || s->creates == 0 || s->quota_said)
        return backoff_exponential_ms(1000, tries, 60000);
    double jitter_s = (double)config->create_jitter_min_s;
    if (spread_s > 0)
        jitter_s += random_unit() * (double)spread_s;
    return (int64_t)(((double)config->create_delay_s + jitter_s) * 1000);
}

void submit_event(struct submission *s, enum submit_event event)
{
    enum submit_state next = submit_next(s->state, event);
    log_debug("submission of %.8s: %s on %s -> %s", s->run.name.n ? s->run.name.p : "?",
              state_names[s->state], event_names[event],
              next < SUBMIT_STATE_COUNT ? state_names[next] : "never");
    ASSERT(next < SUBMIT_STATE_COUNT);
    if (next == s->state && event == SUBMIT_ON_RETRY) {
        loop_timer_set(s->w->loop, &s->timer, retry_delay_ms(s), enter_again, s);
        return;
    }
    if (next != s->state)
        s->tries = 0;
    s->state = next;
    if (next == SUBMIT_DONE)
        release(s);
    else
        submit_enter(s);
}

void submit_failure(struct submission *s, const char *exception, const char *format, ...)
{
    char text[1024];
    struct buf b = buf_over(text, sizeof text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    s->exception = exception;
    s->failure = str_copy(&s->arena, buf_str(&b));
}

/* ---- the table of submissions -------------------------------------------------------------- */

struct submissions *submissions_open(struct arena *perm, struct worker *w)
{
    struct submissions *all = arena_must(perm, sizeof *all);
    all->w = w;
    slots_init(&all->slots, perm, WORKER_SUBMISSIONS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(all->all); i++) {
        all->all[i].w = w;
        all->all[i].all = all;
        arena_reserve(&all->all[i].arena, "submission", SUBMISSION_ARENA);
    }
    return all;
}

bool submissions_room(const struct submissions *all)
{
    return all->slots.used < all->slots.cap;
}

size_t submissions_active(const struct submissions *all)
{
    return all->slots.used;
}

size_t submissions_quota_waits(const struct submissions *all)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(all->all); i++)
        count += all->all[i].state == SUBMIT_CREATE && all->all[i].quota_waits;
    return count;
}

bool submissions_has(const struct submissions *all, const struct uuid *flow_run)
{
    for (size_t i = 0; i < ARRAY_LEN(all->all); i++)
        if (all->all[i].state != SUBMIT_FREE && uuid_eq(&all->all[i].run.id, flow_run))
            return true;
    return false;
}

/* Reads the run's object, alone or as an element of a poll; false where it is unusable (said). */
static bool read_run(struct submission *s, str element)
{
    struct tree *root;
    struct err e;
    str text = str_copy(&s->arena, element);
    if (tree_parse_json(&s->arena, s->w->tick, text, &root, &e) != ERR_NONE) {
        log_error("a scheduled run can't be read: %s", e.text);
        return false;
    }
    s->flow_run = tree_get(root, STR("flow_run"));
    if (!s->flow_run)
        s->flow_run = root;
    str id = tree_text(tree_get(s->flow_run, STR("id")));
    if (!uuid_parse(id, &s->run.id)) {
        log_error("a scheduled run has no usable id ('" STR_FMT "')", STR_ARG(id));
        return false;
    }
    s->run.name = tree_text(tree_get(s->flow_run, STR("name")));
    s->deployment_id = tree_text(tree_get(s->flow_run, STR("deployment_id")));
    s->flow_id = tree_text(tree_get(s->flow_run, STR("flow_id")));
    return true;
}

/* The pool as it is now: a later change must not reach into this submission. */
static bool read_pool(struct submission *s)
{
    struct err e;
    str text = str_copy(&s->arena, pool_text(s->w->pool));
    if (text.p && tree_parse_json(&s->arena, s->w->tick, text, &s->pool, &e) == ERR_NONE)
        return true;
    log_error("the work pool's object can't be read: %s", text.p ? e.text : "no room");
    return false;
}

/* A place for the run, or NULL: unusable, or being submitted already. */
static struct submission *place(struct submissions *all, str element)
{
    slot_id id = slots_take(&all->slots);
    ASSERT(id);
    struct submission *s = &all->all[slots_index(&all->slots, id)];
    struct uuid none = {{0}};
    s->id = id;
    s->run.id = none;
    bool usable = read_run(s, element);
    struct uuid run = s->run.id;
    s->run.id = none; /* not yet in the table: the search must not find this place */
    if (!usable || submissions_has(all, &run) || deadlines_hold(all->w->deadlines, &run) ||
        !read_pool(s)) {
        arena_reset(&s->arena);
        slots_free(&all->slots, id);
        s->id = 0;
        return NULL;
    }
    s->run.id = run;
    return s;
}

void submissions_resume(struct submissions *all, str run, const struct uuid *claim,
                        int64_t claimed_us)
{
    struct submission *s = place(all, run);
    if (!s)
        return;
    s->claimed = true;
    s->claim = *claim;
    s->claimed_us = claimed_us;
    submit_event(s, SUBMIT_ON_OK);
}

void submissions_take(struct submissions *all, str element)
{
    struct submission *s = place(all, element);
    if (!s)
        return;
    char run_text[UUID_TEXT_LEN + 1];
    report_run(all->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
               "Worker '" STR_FMT "' takes flow run '%s'", STR_ARG(all->w->config->name),
               uuid_format(&s->run.id, run_text).p);
    submit_event(s, SUBMIT_ON_OK);
}

bool submissions_withdraw(struct submissions *all, const struct uuid *flow_run)
{
    for (size_t i = 0; i < ARRAY_LEN(all->all); i++) {
        struct submission *s = &all->all[i];
        if (s->state != SUBMIT_CREATE || !uuid_eq(&s->run.id, flow_run))
            continue;
        if (!s->quota_waits || !s->timer.set)
            return false;
        submit_forget_secret(s);
        all->figures.abandoned++;
        submit_event(s, SUBMIT_ON_STOP);
        return true;
    }
    return false;
}

void submissions_drain(struct submissions *all)
{
    for (size_t i = 0; i < ARRAY_LEN(all->all); i++) {
        struct submission *s = &all->all[i];
        if (s->state == SUBMIT_DEPLOYMENT) {
            all->figures.abandoned++;
            s->state = SUBMIT_DONE;
            release(s);
        }
    }
}

struct submissions_figures submissions_figures(const struct submissions *all)
{
    return all->figures;
}
