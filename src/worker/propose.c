/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/propose.h"

#include "prefect/flow_run.h"

#define BODY_MAX (32 * KIB)
#define RETRY_WHEN_BUSY_MS 200 /* all calls of the client are taken */

static void send_proposal(void *ctx);

static void finish(struct proposal *p, enum proposal_outcome outcome)
{
    struct proposal_result result = {
        .outcome = outcome, .state = p->state, .reason = str_of(p->reason), .err = &p->err};
    p->on_done(p->ctx, &result);
}

static void fail(struct proposal *p, const struct err *e)
{
    p->err = *e;
    finish(p, e->kind == ERR_MISSING ? PROPOSAL_MISSING : PROPOSAL_FAILED);
}

/* ---- history: was our transition accepted although we did not hear of it? ------------------ */

static void on_history(void *ctx, const struct prefect_reply *reply)
{
    struct proposal *p = ctx;
    struct json root;
    struct err e = {0};
    p->call = 0;
    if (reply->kind == ERR_NONE && json_parse(reply->arena, reply->body, &root, &e) == ERR_NONE) {
        for (struct json_iter it = json_each(root); json_next(&it);) {
            struct prefect_state state;
            if (prefect_state_read(reply->arena, it.value, &state, &e) == ERR_NONE &&
                state.present && uuid_eq(&state.transition_id, &p->transition)) {
                p->state = state;
                finish(p, PROPOSAL_ACCEPTED);
                return;
            }
        }
    } else if (p->outcome == PROPOSAL_ABORTED || p->outcome == PROPOSAL_REJECTED) {
        /* The decision stands only if the history could be read; without it, say why. */
        p->err = reply->kind ? *reply->err : e;
        p->outcome = PROPOSAL_FAILED;
    }
    finish(p, p->outcome);
}

static void read_history(struct proposal *p, enum proposal_outcome otherwise)
{
    struct arena *scratch = &p->w->tick;
    struct err e;
    p->outcome = otherwise;
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = prefect_path_id(scratch, "/flow_run_states/?flow_run_id=", &p->run, ""),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_history,
        .ctx = p,
    };
    if (prefect_send(p->w->prefect, &request, &p->call, &e) != ERR_NONE) {
        p->err = e;
        finish(p, PROPOSAL_FAILED);
    }
}

/* ---- the proposal itself ------------------------------------------------------------------- */

static void on_decided(struct proposal *p, const struct prefect_state_reply *reply)
{
    p->state = reply->state;
    str_to_cstr(reply->reason, p->reason, sizeof p->reason);
    bool ours = reply->state.present && uuid_eq(&reply->state.transition_id, &p->transition);
    switch (reply->verdict) {
    case PREFECT_ACCEPT:
        finish(p, PROPOSAL_ACCEPTED);
        return;
    case PREFECT_WAIT: {
        int64_t now_ms = loop_now_ms(p->w->loop);
        if (p->deadline_ms && now_ms + reply->delay_ms > p->deadline_ms) {
            err_set(&p->err, ERR_RETRY, "the server asks to wait %lld ms before proposing %s",
                    (long long)reply->delay_ms, p->name);
            finish(p, PROPOSAL_FAILED);
            return;
        }
        p->transition = uuid_v4();
        /* One more: the loop's clock has whole milliseconds, and less than asked is too early. */
        loop_timer_set(p->w->loop, &p->timer, reply->delay_ms + 1, send_proposal, p);
        return;
    }
    case PREFECT_REJECT:
        if (ours)
            finish(p, PROPOSAL_ACCEPTED);
        else if (p->check_history && reply->state.type != PREFECT_SCHEDULED)
            read_history(p, PROPOSAL_REJECTED);
        else
            finish(p, PROPOSAL_REJECTED);
        return;
    case PREFECT_ABORT:
        if (p->check_history)
            read_history(p, PROPOSAL_ABORTED);
        else
            finish(p, PROPOSAL_ABORTED);
        return;
    }
}

static void on_reply(void *ctx, const struct prefect_reply *reply)
{
    struct proposal *p = ctx;
    struct prefect_state_reply decision;
    p->call = 0;
    if (reply->kind != ERR_NONE) {
        p->err = *reply->err;
        if (p->check_history && reply->lost)
            read_history(p, PROPOSAL_FAILED);
        else
            fail(p, reply->err);
        return;
    }
    if (prefect_state_reply_read(reply->arena, reply->body, &decision, &p->err) != ERR_NONE) {
        if (p->check_history)
            read_history(p, PROPOSAL_FAILED);
        else
            finish(p, PROPOSAL_FAILED);
        return;
    }
    on_decided(p, &decision);
}

static void send_proposal(void *ctx)
{
    struct proposal *p = ctx;
    struct arena *scratch = &p->w->tick;
    struct err e;
    struct buf body = buf_new(scratch, BODY_MAX);
    struct json_writer out = json_writer(&body);
    prefect_state_body(&out, p->type, str_of(p->name), p->message, &p->run, &p->transition,
                       p->force);
    struct prefect_request request = {
        .method = HTTP_POST,
        .path = prefect_path_id(scratch, "/flow_runs/", &p->run, "/set_state"),
        .body = buf_str(&body),
        .repeat = PREFECT_REPEAT_SAFE, /* the same transition_id makes it so */
        .on_done = on_reply,
        .ctx = p,
    };
    if (prefect_send(p->w->prefect, &request, &p->call, &e) != ERR_NONE)
        loop_timer_set(p->w->loop, &p->timer, RETRY_WHEN_BUSY_MS, send_proposal, p);
}

void proposal_start(struct proposal *p)
{
    p->transition = uuid_v4();
    p->reason[0] = '\0';
    p->err = (struct err){0};
    p->state = (struct prefect_state){0};
    send_proposal(p);
}

void proposal_cancel(struct proposal *p)
{
    if (!p->w)
        return;
    prefect_cancel(p->w->prefect, p->call);
    loop_timer_clear(p->w->loop, &p->timer);
    p->call = 0;
}
