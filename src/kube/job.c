/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/job.h"

/* Complete and Failed are final; SuccessCriteriaMet and FailureTarget come before them, while pods
 * still end. A FailureTarget already says why. */
static void read_conditions(struct arena *out, struct json conditions, struct kube_job *job)
{
    struct json_iter it = json_each(conditions);
    while (json_next(&it)) {
        struct json type = json_get(it.value, STR("type"));
        if (!json_str_is(json_get(it.value, STR("status")), STR("True")))
            continue;
        bool failed = json_str_is(type, STR("Failed"));
        if (json_str_is(type, STR("Complete")) || json_str_is(type, STR("SuccessCriteriaMet")))
            job->complete = true;
        if (failed || (json_str_is(type, STR("FailureTarget")) && !job->failed_condition)) {
            job->failed_condition = job->failed_condition || failed;
            job->failed_reason = json_str(out, json_get(it.value, STR("reason")));
            job->failed_message = json_str(out, json_get(it.value, STR("message")));
        }
    }
}

enum err_kind kube_job_read(struct arena *out, str text, struct kube_job *job, struct err *e)
{
    struct json root;
    *job = (struct kube_job){0};
    enum err_kind kind = json_parse(out, text, &root, e);
    if (kind)
        return err_prefix(e, "a Job from the API server: ");
    kind = kube_meta_read(out, root, &job->meta, e);
    if (kind)
        return kind;
    struct json spec = json_get(root, STR("spec")), status = json_get(root, STR("status"));
    job->backoff_limit =
        json_i64_or(json_get(spec, STR("backoffLimit")), KUBE_BACKOFF_LIMIT_DEFAULT);
    if (!json_bool(json_get(spec, STR("suspend")), &job->suspended))
        job->suspended = false;
    job->active = json_i64_or(json_get(status, STR("active")), 0);
    job->ready = json_i64_or(json_get(status, STR("ready")), 0);
    job->succeeded = json_i64_or(json_get(status, STR("succeeded")), 0);
    job->failed = json_i64_or(json_get(status, STR("failed")), 0);
    job->started_us = kube_time_read(out, json_get(status, STR("startTime")));
    job->completed_us = kube_time_read(out, json_get(status, STR("completionTime")));
    read_conditions(out, json_get(status, STR("conditions")), job);
    return ERR_NONE;
}

bool kube_job_live(const struct kube_job *job)
{
    return !job->complete && !job->failed_condition && !job->meta.deleting;
}
