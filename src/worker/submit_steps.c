/* SPDX-License-Identifier: Apache-2.0 */

/* What each state of a submission does on entry, and how replies become its events. The states of
 * the Job itself (CREATE, ADOPT) are in submit_create.c. */

#include "base/encode.h"
#include "base/time.h"
#include "format/json.h"
#include "prefect/flow_run.h"
#include "worker/claim.h"
#include "worker/clusters.h"
#include "worker/observe.h"
#include "worker/pool.h"
#include "worker/submission.h"

static enum submit_event event_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return SUBMIT_ON_OK;
    case ERR_MISSING:
        return SUBMIT_ON_MISSING;
    case ERR_RETRY:
    case ERR_AUTH: /* credentials rotate: the run can wait for the next ones */
        return SUBMIT_ON_RETRY;
    default:
        return SUBMIT_ON_FAIL;
    }
}

static void send(struct submission *s, enum http_method method, str path, str body,
                 prefect_done_fn *on_done)
{
    struct err e;
    struct prefect_request request = {.method = method,
                                      .path = path,
                                      .body = body,
                                      .repeat = PREFECT_REPEAT_SAFE,
                                      .on_done = on_done,
                                      .ctx = s};
    if (prefect_send(s->w->prefect, &request, &s->call, &e) != ERR_NONE)
        submit_event(s, SUBMIT_ON_RETRY);
}

/* Keeps a reply's body beyond the exchange, as a tree. */
static enum err_kind keep(struct submission *s, str body, struct tree **tree, struct err *e)
{
    str text = str_copy(&s->arena, body);
    if (!text.p)
        return err_set(e, ERR_LIMIT, "the reply of %zu bytes does not fit", body.n);
    return tree_parse_json(&s->arena, s->w->tick, text, tree, e);
}

/* ---- deployment, flow ---------------------------------------------------------------------- */

static void on_object(struct submission *s, const struct prefect_reply *reply, const char *kind,
                      struct tree **tree)
{
    struct err e;
    s->call = 0;
    enum err_kind status = reply->kind ? reply->kind : keep(s, reply->body, tree, &e);
    if (status)
        submit_failure(s, "PrefectHTTPStatusError", "the %s can't be read: %s", kind,
                       reply->kind ? reply->err->text : e.text);
    submit_event(s, event_of(status));
}

static void on_deployment(void *ctx, const struct prefect_reply *reply)
{
    struct submission *s = ctx;
    if (reply->kind && reply->kind != ERR_MISSING)
        log_warning("deployment " STR_FMT " of flow run '" STR_FMT
                    "' can't be read, so it waits for a later poll: %s",
                    STR_ARG(s->deployment_id), STR_ARG(s->run.name), reply->err->text);
    on_object(s, reply, "deployment", &s->deployment);
}

static void enter_deployment(struct submission *s)
{
    if (s->deployment_id.n == 0) {
        submit_event(s, SUBMIT_ON_OK);
        return;
    }
    struct arena *scratch = &s->w->tick;
    send(s, HTTP_GET, str_printf(scratch, "/deployments/" STR_FMT, STR_ARG(s->deployment_id)),
         (str){0}, on_deployment);
}

static void on_flow(void *ctx, const struct prefect_reply *reply)
{
    struct submission *s = ctx;
    on_object(s, reply, "flow", &s->flow);
}

static void enter_flow(struct submission *s)
{
    struct arena *scratch = &s->w->tick;
    send(s, HTTP_GET, str_printf(scratch, "/flows/" STR_FMT, STR_ARG(s->flow_id)), (str){0},
         on_flow);
}

/* ---- proposals ----------------------------------------------------------------------------- */

static void propose(struct submission *s, enum prefect_state_type type, const char *name,
                    str message, proposal_done_fn *on_done)
{
    s->proposal = (struct proposal){.w = s->w,
                                    .run = s->run.id,
                                    .type = type,
                                    .name = name,
                                    .message = message,
                                    .on_done = on_done,
                                    .ctx = s};
    s->proposal.force = s->state == SUBMIT_ORPHAN;
    s->proposal.check_history = s->state == SUBMIT_CLAIM;
    proposal_start(&s->proposal);
}

static void on_orphan(void *ctx, const struct proposal_result *result)
{
    struct submission *s = ctx;
    if (result->outcome == PROPOSAL_FAILED)
        log_error("flow run '" STR_FMT "' could not be cancelled: %s", STR_ARG(s->run.name),
                  result->err->text);
    submit_event(s, SUBMIT_ON_OK);
}

static void enter_orphan(struct submission *s)
{
    log_error("deployment " STR_FMT " of flow run '" STR_FMT
              "' was deleted; the run is cancelled instead of submitted",
              STR_ARG(s->deployment_id), STR_ARG(s->run.name));
    propose(s, PREFECT_CANCELLED, "Cancelled",
            str_printf(&s->arena,
                       "Deployment " STR_FMT " was deleted, so this run can't be started.",
                       STR_ARG(s->deployment_id)),
            on_orphan);
}

static void on_claimed(void *ctx, const struct proposal_result *result)
{
    struct submission *s = ctx;
    switch (result->outcome) {
    case PROPOSAL_ACCEPTED:
        s->claimed = true;
        s->claim = result->state.id;
        s->claimed_us = result->state.timestamp_us ? result->state.timestamp_us : time_now_us();
        submit_event(s, SUBMIT_ON_OK);
        return;
    case PROPOSAL_REJECTED:
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
                   "Flow run is not started now: the server put it into state '" STR_FMT
                   "' (%s)%s" STR_FMT,
                   STR_ARG(result->state.name), prefect_state_type_name(result->state.type),
                   result->reason.n ? ": " : "", STR_ARG(result->reason));
        break;
    case PROPOSAL_ABORTED:
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
                   "Flow run is not started: the server stopped the submission: " STR_FMT,
                   STR_ARG(result->reason));
        break;
    case PROPOSAL_MISSING:
        log_info("flow run '" STR_FMT "' was deleted before it could be started",
                 STR_ARG(s->run.name));
        break;
    case PROPOSAL_FAILED:
        report_run(s->w, &s->run, LOG_ERROR, RUN_LOGGER_WORKER,
                   "Flow run could not be claimed, so a later poll tries again: %s",
                   result->err->text);
        break;
    }
    submit_event(s, SUBMIT_ON_STOP);
}

static void enter_claim(struct submission *s)
{
    if (s->claimed) { /* resumed: the claim stands */
        submit_event(s, SUBMIT_ON_OK);
        return;
    }
    propose(s, PREFECT_PENDING, "Pending",
            claim_message(&s->arena, s->w->config->name, s->w->cluster_mark), on_claimed);
}

static void on_submitting(void *ctx, const struct proposal_result *result)
{
    struct submission *s = ctx;
    bool over =
        result->outcome == PROPOSAL_REJECTED &&
        (prefect_state_type_final(result->state.type) || result->state.type == PREFECT_CANCELLING);
    if (over)
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
                   "Flow run is in state '" STR_FMT "' meanwhile; no Job is created",
                   STR_ARG(result->state.name));
    if (result->outcome == PROPOSAL_MISSING)
        log_info("flow run '" STR_FMT "' was deleted before its Job was created",
                 STR_ARG(s->run.name));
    /* Anything else, an ABORT of an older server too, does not stand in the Job's way. */
    submit_event(s, result->outcome == PROPOSAL_MISSING ? SUBMIT_ON_MISSING
                    : over                              ? SUBMIT_ON_STOP
                                                        : SUBMIT_ON_OK);
}

static void enter_submitting(struct submission *s)
{
    propose(s, PREFECT_PENDING, "Submitting", (str){0}, on_submitting);
}

static void begin_secret(struct submission *s, secret_done_fn *on_done)
{
    s->secret = (struct secret_step){.w = s->w,
                                     .kube = s->kube,
                                     .arena = &s->arena,
                                     .namespace = s->manifest.namespace,
                                     .name = s->manifest.env_secret_name,
                                     .on_done = on_done,
                                     .ctx = s};
}

static void on_secret_deleted(void *ctx, enum secret_outcome outcome, const struct err *e)
{
    struct submission *s = ctx;
    if (outcome != SECRET_DONE)
        log_warning("Secret '" STR_FMT "' of a Job that could not be created is left behind: %s",
                    STR_ARG(s->secret.name), e->text);
}

static void on_crashed(void *ctx, const struct proposal_result *result)
{
    struct submission *s = ctx;
    switch (result->outcome) {
    case PROPOSAL_ACCEPTED:
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER, "Flow run is marked as crashed: %s",
                   s->proposal.message.p);
        break;
    case PROPOSAL_FAILED:
        if (result->err->kind == ERR_RETRY) {
            submit_event(s, SUBMIT_ON_RETRY);
            return;
        }
        report_run(s->w, &s->run, LOG_ERROR, RUN_LOGGER_WORKER,
                   "Flow run could not be marked as crashed: %s", result->err->text);
        break;
    case PROPOSAL_MISSING:
    case PROPOSAL_ABORTED:
    case PROPOSAL_REJECTED:
        log_debug("crash of flow run '" STR_FMT "' was not wanted by the server",
                  STR_ARG(s->run.name));
        break;
    }
    submit_event(s, SUBMIT_ON_OK);
}

static void enter_crash(struct submission *s)
{
    if (s->tries == 0)
        report_run(s->w, &s->run, LOG_ERROR, RUN_LOGGER_WORKER,
                   "Flow run '" STR_FMT "' could not be submitted: " STR_FMT, STR_ARG(s->run.name),
                   STR_ARG(s->failure));
    if (s->tries == 0 && s->manifest.env_secret && s->secret.name.n) {
        begin_secret(s, on_secret_deleted); /* best effort, beside the proposal */
        secret_delete(&s->secret);
    }
    propose(s, PREFECT_CRASHED, "Crashed",
            str_printf(&s->arena, "Flow run could not be submitted: %s: " STR_FMT, s->exception,
                       STR_ARG(s->failure)),
            on_crashed);
}

/* ---- the manifest -------------------------------------------------------------------------- */

static void say_warnings(struct submission *s)
{
    static bool said_auth_string, said_api_key; /* once a process */
    for (struct manifest_warning *it = s->manifest.warnings; it; it = it->next)
        report_run_text(s->w, &s->run, LOG_WARNING, RUN_LOGGER_WORKER, it->text);
    if (s->manifest.plain_auth_string && !said_auth_string)
        log_warning("the API's auth string stands in plain text in the Job; store it in a Secret "
                    "and set PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET_NAME "
                    "and ..._SECRET_KEY");
    if (s->manifest.plain_api_key && !said_api_key)
        log_warning("the API key stands in plain text in the Job; set "
                    "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY=true, or "
                    "name an existing Secret");
    said_auth_string |= s->manifest.plain_auth_string;
    said_api_key |= s->manifest.plain_api_key;
}

static void enter_resolve(struct submission *s)
{
    struct manifest_input input = {.work_pool = s->pool,
                                   .flow_run = s->flow_run,
                                   .deployment = s->deployment,
                                   .flow = s->flow,
                                   .config = s->w->config,
                                   .worker_id = str_of(s->w->worker_id),
                                   .claim = s->claim,
                                   .server_major = s->w->server_major,
                                   .values = s->values,
                                   .environment = s->w->environment};
    switch (manifest_build(&s->arena, s->w->tick, &input, &s->manifest, &s->error)) {
    case ERR_NONE:
        break;
    case ERR_MISSING:
        submit_event(s, SUBMIT_ON_NEED);
        return;
    default:
        submit_failure(s, s->error.exception ? s->error.exception : "ValueError", "%s",
                       s->error.err.text);
        submit_event(s, SUBMIT_ON_FAIL);
        return;
    }
    struct err e;
    if (clusters_find(s->w->clusters, s->manifest.cluster_config, &s->cluster, &e) != ERR_NONE) {
        submit_failure(s, "ConfigException", "%s", e.text);
        submit_event(s, SUBMIT_ON_FAIL);
        return;
    }
    s->kube = clusters_kube(s->w->clusters, s->cluster);
    observer_watch_namespace(s->w->observer, s->cluster, s->manifest.namespace);
    say_warnings(s);
    struct report_subject subject = {
        .deployment = s->deployment, .flow = s->flow, .flow_run = s->flow_run};
    report_submitted(s->w, &subject, &s->submitted_event, &s->submitted_us);
    submit_event(s, SUBMIT_ON_OK);
}

static void on_fetched(void *ctx, const struct prefect_reply *reply)
{
    struct submission *s = ctx;
    struct err e;
    struct tree *object = NULL;
    s->call = 0;
    enum err_kind kind = reply->kind ? reply->kind : keep(s, reply->body, &object, &e);
    if (kind && kind != ERR_MISSING) {
        submit_failure(s, "PrefectHTTPStatusError", "'" STR_FMT "' can't be read: %s",
                       STR_ARG(s->error.needed.name), reply->kind ? reply->err->text : e.text);
        submit_event(s, event_of(kind));
        return;
    }
    struct manifest_value *value = ARENA_NEW(&s->arena, struct manifest_value);
    if (!value) {
        submit_failure(s, "MemoryError", "the run's blocks and variables do not fit");
        submit_event(s, SUBMIT_ON_FAIL);
        return;
    }
    bool variable = s->error.needed.kind == MANIFEST_VARIABLE;
    *value = (struct manifest_value){
        .reference = s->error.needed,
        .value = tree_get(object, variable ? STR("value") : STR("data")),
        .next = s->values,
    };
    s->values = value;
    submit_event(s, event_of(kind));
}

static void enter_fetch(struct submission *s)
{
    struct arena *scratch = &s->w->tick;
    const struct manifest_reference *r = &s->error.needed;
    struct buf path = buf_new(scratch, HTTP_URL_MAX);
    switch (r->kind) {
    case MANIFEST_BLOCK:
        buf_put(&path, STR("/block_types/slug/"));
        percent_encode(&path, r->type_slug, STR(""));
        buf_put(&path, STR("/block_documents/name/"));
        percent_encode(&path, r->name, STR(""));
        buf_put(&path, STR("?include_secrets=true"));
        break;
    case MANIFEST_BLOCK_BY_ID:
        buf_put(&path, STR("/block_documents/"));
        percent_encode(&path, r->name, STR(""));
        buf_put(&path, STR("?include_secrets=true"));
        break;
    case MANIFEST_VARIABLE:
        buf_put(&path, STR("/variables/name/"));
        percent_encode(&path, r->name, STR(""));
        break;
    }
    send(s, HTTP_GET, buf_str(&path), (str){0}, on_fetched);
}

/* ---- labels, secrets, pid ------------------------------------------------------------------ */

static void on_labelled(void *ctx, const struct prefect_reply *reply)
{
    struct submission *s = ctx;
    s->call = 0;
    if (reply->kind)
        submit_failure(s, "PrefectHTTPStatusError", "the run's labels can't be set: %s",
                       reply->err->text);
    submit_event(s, event_of(reply->kind));
}

static void enter_label(struct submission *s)
{
    struct arena *scratch = &s->w->tick;
    struct uuid pool = {{0}};
    uuid_parse(pool_id(s->w->pool), &pool);
    struct buf body = buf_new(scratch, 8 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_labels_body(&out, s->w->config->name, s->w->config->pool, &pool);
    send(s, HTTP_PATCH, prefect_path_id(scratch, "/flow_runs/", &s->run.id, "/labels"),
         buf_str(&body), on_labelled);
}

static void on_secret(void *ctx, enum secret_outcome outcome, const struct err *e)
{
    struct submission *s = ctx;
    if (outcome == SECRET_FAILED)
        submit_failure(s, "ApiException", "%s", e->text);
    submit_event(s, outcome == SECRET_DONE    ? SUBMIT_ON_OK
                    : outcome == SECRET_RETRY ? SUBMIT_ON_RETRY
                                              : SUBMIT_ON_FAIL);
}

static void enter_key_secret(struct submission *s)
{
    if (s->manifest.api_key_secret_name.n == 0) {
        submit_event(s, SUBMIT_ON_OK);
        return;
    }
    begin_secret(s, on_secret);
    s->secret.name = s->manifest.api_key_secret_name;
    s->secret.value = s->manifest.api_key_value;
    secret_put_api_key(&s->secret);
}

static void enter_env_secret(struct submission *s)
{
    if (!s->manifest.env_secret) {
        submit_event(s, SUBMIT_ON_OK);
        return;
    }
    begin_secret(s, on_secret);
    s->secret.body = s->manifest.env_secret;
    secret_create_env(&s->secret);
}

static void on_owned(void *ctx, enum secret_outcome outcome, const struct err *e)
{
    struct submission *s = ctx;
    if (outcome != SECRET_DONE)
        log_warning("Secret '" STR_FMT
                    "' could not get its Job as owner, so it stays when the Job is deleted: %s",
                    STR_ARG(s->secret.name), e->text);
    submit_event(s, outcome == SECRET_DONE ? SUBMIT_ON_OK : SUBMIT_ON_FAIL);
}

static void enter_own(struct submission *s)
{
    s->pid =
        str_printf(&s->arena, STR_FMT ":" STR_FMT, STR_ARG(s->job_namespace), STR_ARG(s->job_name));
    struct report_subject subject = {s->deployment, s->flow, s->flow_run, s->pid, STR("0")};
    report_executed(s->w, &subject, &s->submitted_event, s->submitted_us);
    if (!s->manifest.env_secret) {
        submit_event(s, SUBMIT_ON_OK);
        return;
    }
    begin_secret(s, on_owned);
    secret_set_owner(&s->secret, s->job_name, s->job_uid);
}

static void on_reported(void *ctx, const struct prefect_reply *reply)
{
    struct submission *s = ctx;
    s->call = 0;
    if (reply->kind == ERR_NONE)
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
                   "Flow run is submitted to Kubernetes");
    else if (event_of(reply->kind) != SUBMIT_ON_RETRY)
        report_run(s->w, &s->run, LOG_ERROR, RUN_LOGGER_WORKER,
                   "infrastructure_pid could not be stored, so the run can't be cancelled through "
                   "it: %s",
                   reply->err->text);
    submit_event(s, event_of(reply->kind));
}

static void enter_report(struct submission *s)
{
    struct arena *scratch = &s->w->tick;
    struct buf body = buf_new(scratch, KIB);
    struct json_writer out = json_writer(&body);
    prefect_infrastructure_pid_body(&out, s->pid);
    send(s, HTTP_PATCH, prefect_path_id(scratch, "/flow_runs/", &s->run.id, ""), buf_str(&body),
         on_reported);
}

static void enter_nothing(struct submission *s)
{
    (void)s; /* FREE and DONE are left by submit.c */
}

void submit_enter(struct submission *s)
{
    static void (*const enter[SUBMIT_STATE_COUNT])(struct submission *) = {
        [SUBMIT_FREE] = enter_nothing,
        [SUBMIT_DEPLOYMENT] = enter_deployment,
        [SUBMIT_ORPHAN] = enter_orphan,
        [SUBMIT_CLAIM] = enter_claim,
        [SUBMIT_FLOW] = enter_flow,
        [SUBMIT_RESOLVE] = enter_resolve,
        [SUBMIT_FETCH] = enter_fetch,
        [SUBMIT_LABEL] = enter_label,
        [SUBMIT_SUBMITTING] = enter_submitting,
        [SUBMIT_KEY_SECRET] = enter_key_secret,
        [SUBMIT_ENV_SECRET] = enter_env_secret,
        [SUBMIT_CREATE] = submit_enter_create,
        [SUBMIT_ADOPT] = submit_enter_adopt,
        [SUBMIT_OWN] = enter_own,
        [SUBMIT_REPORT] = enter_report,
        [SUBMIT_CRASH] = enter_crash,
        [SUBMIT_DONE] = enter_nothing,
    };
    enter[s->state](s);
}
