/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pending.h"

#include "prefect/flow_run.h"
#include "worker/propose.h"

#define NOTICES 16
#define TIME_LIMIT_MS 5000 /* waits that the server asks for included */

struct notice {
    struct pendings *all;
    bool used;
    struct uuid pod, flow_run;
    prefect_id call;
    struct proposal proposal;
};

struct pendings {
    struct worker *w;
    pending_done_fn *on_done;
    void *ctx;
    struct notice notices[NOTICES];
};

struct pendings *pendings_open(struct arena *perm, struct worker *w, pending_done_fn *on_done,
                               void *ctx)
{
    struct pendings *p = arena_must(perm, sizeof *p);
    *p = (struct pendings){.w = w, .on_done = on_done, .ctx = ctx};
    return p;
}

static void finish(struct notice *n, bool settled)
{
    struct pendings *all = n->all;
    struct uuid pod = n->pod;
    n->used = false;
    all->on_done(all->ctx, &pod, settled);
}

/* A run that is further than waiting, or was told already. */
static bool is_settled(const struct prefect_state *state)
{
    return state->present &&
           (state->type == PREFECT_RUNNING || state->type == PREFECT_PAUSED ||
            state->type == PREFECT_CANCELLING || prefect_state_type_final(state->type) ||
            str_eq(state->name, STR("InfrastructurePending")));
}

static void on_proposed(void *ctx, const struct proposal_result *result)
{
    struct notice *n = ctx;
    bool decided = result->outcome == PROPOSAL_ACCEPTED || result->outcome == PROPOSAL_REJECTED;
    finish(n, result->outcome == PROPOSAL_MISSING || (decided && is_settled(&result->state)));
}

static void on_read(void *ctx, const struct prefect_reply *reply)
{
    struct notice *n = ctx;
    struct worker *w = n->all->w;
    struct json run;
    struct prefect_state state;
    struct err e;
    n->call = 0;
    if (reply->kind == ERR_MISSING) {
        finish(n, true);
        return;
    }
    if (reply->kind || json_parse(reply->arena, reply->body, &run, &e) != ERR_NONE ||
        prefect_state_read(reply->arena, json_get(run, STR("state")), &state, &e) != ERR_NONE) {
        finish(n, false);
        return;
    }
    if (is_settled(&state)) {
        finish(n, true);
        return;
    }
    n->proposal = (struct proposal){.w = w,
                                    .run = n->flow_run,
                                    .type = PREFECT_PENDING,
                                    .name = "InfrastructurePending",
                                    .message = STR("The run's pod exists and has not started yet."),
                                    .deadline_ms = loop_now_ms(w->loop) + TIME_LIMIT_MS,
                                    .on_done = on_proposed,
                                    .ctx = n};
    proposal_start(&n->proposal);
}

bool pendings_tell(struct pendings *p, const struct uuid *pod, const struct uuid *flow_run)
{
    struct notice *n = NULL;
    for (size_t i = 0; i < NOTICES; i++) {
        if (p->notices[i].used && uuid_eq(&p->notices[i].pod, pod))
            return true; /* under way */
        if (!p->notices[i].used)
            n = &p->notices[i];
    }
    if (!n)
        return false;
    struct arena *scratch = &p->w->tick;
    struct err e;
    *n = (struct notice){.all = p, .pod = *pod, .flow_run = *flow_run};
    struct prefect_request request = {
        .method = HTTP_GET,
        .path = prefect_path_id(scratch, "/flow_runs/", flow_run, ""),
        .repeat = PREFECT_REPEAT_SAFE,
        .on_done = on_read,
        .ctx = n,
    };
    n->used = prefect_send(p->w->prefect, &request, &n->call, &e) == ERR_NONE;
    return n->used;
}

void pendings_stop(struct pendings *p)
{
    for (size_t i = 0; i < NOTICES; i++) {
        struct notice *n = &p->notices[i];
        if (!n->used)
            continue;
        prefect_cancel(p->w->prefect, n->call);
        proposal_cancel(&n->proposal);
        n->used = false;
    }
}
