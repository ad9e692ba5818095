/* SPDX-License-Identifier: Apache-2.0 */

/* The Job of a submission: its creation, and what a 409 means. Its name is the lock: whoever gets
 * 409 looks whether the Job of that name is this run's, and then adopts it. */

#include "base/time.h"
#include "format/json.h"
#include "worker/clusters.h"
#include "worker/deadlines.h"
#include "worker/observe.h"
#include "worker/submission.h"

#define NAME_ATTEMPTS_MAX 8

static bool quota_exceeded(const struct kube_reply *reply)
{
    return reply->kind == ERR_FORBIDDEN && str_has(reply->message, STR("exceeded quota"));
}

static void note_answer(struct submission *s, const struct kube_reply *reply)
{
    if (s->cluster == CLUSTER_OWN && reply->http->status > 0 && reply->kind != ERR_AUTH)
        worker_kube_state(s->w, NULL, 0);
}

/* Name, namespace and uid as the API server has them. */
static bool take_job(struct submission *s, str body, struct err *e)
{
    struct json job;
    struct arena *scratch = &s->w->tick;
    if (json_parse(scratch, body, &job, e) != ERR_NONE)
        return false;
    s->job_name = str_copy(&s->arena, json_str(scratch, json_path(job, "metadata.name")));
    s->job_namespace = str_copy(&s->arena, json_str(scratch, json_path(job, "metadata.namespace")));
    s->job_uid = str_copy(&s->arena, json_str(scratch, json_path(job, "metadata.uid")));
    if (s->job_name.n == 0) {
        err_set(e, ERR_INVALID, "the API server's reply holds no Job");
        return false;
    }
    if (s->job_namespace.n == 0)
        s->job_namespace = s->manifest.namespace;
    observer_expect(s->w->observer, s->cluster,
                    body); /* counts as live before the watch shows it */
    deadlines_expect(s->w->deadlines, s->job_uid, &s->manifest);
    if (!s->manifest.stream_output)
        observer_set_quiet(s->w->observer, s->job_uid);
    return true;
}

static void created(struct submission *s, const struct kube_reply *reply)
{
    struct err e;
    if (!take_job(s, reply->http->body, &e)) {
        submit_event(s, SUBMIT_ON_CONFLICT); /* it exists: read it */
        return;
    }
    report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
               "Job '" STR_FMT "' was created in namespace '" STR_FMT "'", STR_ARG(s->job_name),
               STR_ARG(s->job_namespace));
    submit_event(s, SUBMIT_ON_OK);
}

static void refused(struct submission *s, const struct kube_reply *reply)
{
    const char *hint = "";
    if (reply->kind == ERR_MISSING)
        hint = "; does the namespace exist in this cluster?";
    else if (str_has(reply->message, STR("quota")))
        hint = "; see the namespace's ResourceQuota";
    submit_failure(s, "InfrastructureError", "the Job could not be created: %s%s", reply->err->text,
                   hint);
    submit_event(s, SUBMIT_ON_FAIL);
}

static void later(struct submission *s, const struct kube_reply *reply)
{
    struct worker *w = s->w;
    bool answered = reply->http->status > 0;
    s->quota_waits = quota_exceeded(reply);
    if (s->quota_waits) {
        if (!s->quota_said)
            report_run(w, &s->run, LOG_WARNING, RUN_LOGGER_WORKER,
                       "The Job waits for quota in namespace '" STR_FMT "': " STR_FMT,
                       STR_ARG(s->manifest.namespace), STR_ARG(reply->message));
        s->quota_said = true;
    } else if (answered && ++s->creates >= w->config->create_attempts) {
        submit_failure(s, "InfrastructureError", "the Job could not be created in %d attempts: %s",
                       s->creates, reply->err->text);
        submit_event(s, SUBMIT_ON_FAIL);
        return;
    } else {
        log_warning("%s; the Job of flow run '" STR_FMT "' is sent again", reply->err->text,
                    STR_ARG(s->run.name));
        if (!answered && s->cluster == CLUSTER_OWN)
            worker_kube_state(w, reply->err, 0);
    }
    submit_event(s, SUBMIT_ON_RETRY);
}

/* The default template itself has two fields in the pod's spec that belong into the Job's, as the
 * Python worker's; Kubernetes says so for every Job, and nobody can do anything about it. */
static bool is_news(str warning)
{
    return warning.n && !str_has(warning, STR("spec.template.spec.completions")) &&
           !str_has(warning, STR("spec.template.spec.parallelism"));
}

static void on_created(void *ctx, const struct kube_reply *reply)
{
    struct submission *s = ctx;
    s->kube_call = 0;
    note_answer(s, reply);
    if (is_news(reply->http->warning))
        log_warning("the API server on the Job of flow run '" STR_FMT "': " STR_FMT,
                    STR_ARG(s->run.name), STR_ARG(reply->http->warning));
    if (reply->kind == ERR_NONE)
        created(s, reply);
    else if (reply->kind == ERR_CONFLICT && str_eq(reply->reason, STR("AlreadyExists")))
        submit_event(s, SUBMIT_ON_CONFLICT);
    else if (reply->kind == ERR_RETRY || reply->kind == ERR_CONFLICT || reply->kind == ERR_AUTH ||
             quota_exceeded(reply))
        later(s, reply);
    else
        refused(s, reply);
}

static void send_kube(struct submission *s, const struct kube_request *request)
{
    struct err e;
    if (kube_send(s->kube, request, &s->kube_call, &e) != ERR_NONE)
        submit_event(s, SUBMIT_ON_RETRY);
}

static void rename_job(struct submission *s)
{
    struct tree *metadata = tree_get(s->manifest.job, STR("metadata"));
    s->job_name =
        manifest_name(&s->arena, s->manifest.name_prefix, &s->run.id, &s->claim, s->name_attempt);
    tree_set(&s->arena, metadata, STR("name"), tree_str(&s->arena, s->job_name));
}

void submit_enter_create(struct submission *s)
{
    if (s->manifest.own_name)
        s->job_name = tree_text(tree_path(s->manifest.job, "metadata.name"));
    else
        rename_job(s);
    struct arena scratch = s->arena; /* the body is copied by the request */
    struct buf body = buf_new(&scratch, MANIFEST_MAX);
    struct json_writer out = json_writer(&body);
    tree_write_json(&out, s->manifest.job);
    if (body.full) {
        submit_failure(s, "ValueError", "the manifest is larger than %zu bytes",
                       (size_t)MANIFEST_MAX);
        submit_event(s, SUBMIT_ON_FAIL);
        return;
    }
    struct kube_request request = {
        .method = HTTP_POST,
        .path = kube_path(&scratch, "/apis/batch/v1", s->manifest.namespace, "jobs", (str){0}),
        .body = buf_str(&body),
        .on_done = on_created,
        .ctx = s,
    };
    if (s->tries == 0 && s->name_attempt == 0)
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER, "Creating the Kubernetes Job");
    send_kube(s, &request);
}

static void on_secret_forgotten(void *ctx, const struct kube_reply *reply)
{
    (void)ctx;
    if (reply->kind && reply->kind != ERR_MISSING)
        log_warning("a Secret of a Job that is not made is left behind: %s", reply->err->text);
}

void submit_forget_secret(struct submission *s)
{
    kube_id id;
    struct err e;
    struct kube_request request = {
        .method = HTTP_DELETE,
        .path = kube_path(&s->w->tick, "/api/v1", s->manifest.namespace, "secrets",
                          s->manifest.env_secret_name),
        .on_done = on_secret_forgotten,
    };
    if (s->manifest.env_secret && kube_send(s->kube, &request, &id, &e) != ERR_NONE)
        log_warning("Secret '" STR_FMT "' of a Job that is not made is left behind: %s",
                    STR_ARG(s->manifest.env_secret_name), e.text);
}

/* ---- 409 ----------------------------------------------------------------------------------- */

/* With a name of ours the run's label decides. With the template's own name the Job must further
 * not be older than the claim. */
static bool is_ours(struct submission *s, struct json job, struct arena *scratch)
{
    struct json labels = json_path(job, "metadata.labels");
    if (!json_str_is(json_get(labels, STR("prefect.io/flow-run-id")), s->manifest.flow_run_label))
        return false;
    int64_t made_us;
    str made = json_str(scratch, json_path(job, "metadata.creationTimestamp"));
    if (!s->manifest.own_name)
        return true;
    /* creationTimestamp has whole seconds. */
    return time_parse_rfc3339(made, &made_us) && made_us + 1000000 > s->claimed_us;
}

static void on_existing(void *ctx, const struct kube_reply *reply)
{
    struct submission *s = ctx;
    struct arena *scratch = &s->w->tick;
    struct json job;
    struct err e;
    s->kube_call = 0;
    note_answer(s, reply);
    if (reply->kind == ERR_MISSING) { /* deleted between the two requests */
        submit_event(s, SUBMIT_ON_MISSING);
    } else if (reply->kind == ERR_RETRY || reply->kind == ERR_AUTH) {
        submit_event(s, SUBMIT_ON_RETRY);
    } else if (reply->kind != ERR_NONE ||
               json_parse(scratch, reply->http->body, &job, &e) != ERR_NONE) {
        submit_failure(s, "InfrastructureError",
                       "a Job of the name '" STR_FMT "' exists and can't be read: %s",
                       STR_ARG(s->job_name), reply->kind ? reply->err->text : e.text);
        submit_event(s, SUBMIT_ON_FAIL);
    } else if (is_ours(s, job, scratch) && take_job(s, reply->http->body, &e)) {
        report_run(s->w, &s->run, LOG_INFO, RUN_LOGGER_WORKER,
                   "Job '" STR_FMT "' in namespace '" STR_FMT
                   "' exists already for this run; going on with it",
                   STR_ARG(s->job_name), STR_ARG(s->job_namespace));
        submit_event(s, SUBMIT_ON_OK);
    } else if (!s->manifest.own_name && ++s->name_attempt < NAME_ATTEMPTS_MAX) {
        submit_event(s, SUBMIT_ON_STOP);
    } else {
        submit_failure(s, "InfrastructureError",
                       "the name is taken: a Job '" STR_FMT
                       "' of another run exists in namespace '" STR_FMT "'",
                       STR_ARG(s->job_name), STR_ARG(s->manifest.namespace));
        submit_event(s, SUBMIT_ON_FAIL);
    }
}

void submit_enter_adopt(struct submission *s)
{
    struct arena *scratch = &s->w->tick;
    struct kube_request request = {
        .method = HTTP_GET,
        .path = kube_path(scratch, "/apis/batch/v1", s->manifest.namespace, "jobs", s->job_name),
        .on_done = on_existing,
        .ctx = s,
    };
    send_kube(s, &request);
}
