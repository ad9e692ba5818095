/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "worker/pool.h"
#include "worker/resource.h"

#define EVENT_MAX (64 * KIB)
#define RELATED_TAGS_MAX 100

void report_run_text(struct worker *w, const struct run_ref *run, enum log_level level,
                     const char *logger, str text)
{
    char id[UUID_TEXT_LEN + 1];
    struct log_run about = {uuid_format(&run->id, id), run->name};
    log_write(level, logger, &about, STR_FMT, STR_ARG(text));
    if (log_enabled(level))
        prefect_logs_put(w->logs, level, logger, &run->id, time_now_us(), text);
}

void report_run(struct worker *w, const struct run_ref *run, enum log_level level,
                const char *logger, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    static char text[LOG_LINE_MAX]; /* not the tick arena: callers hold views of it */
    struct buf line = buf_over(text, sizeof text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    report_run_text(w, run, level, logger, buf_str(&line));
}

/* ---- events -------------------------------------------------------------------------------- */

static void put_related(struct json_writer *w, const char *kind, str id, str name)
{
    json_object_begin(w);
    json_key(w, STR("prefect.resource.id"));
    json_put_printf(w, "prefect.%s." STR_FMT, kind, STR_ARG(id));
    json_member_cstr(w, "prefect.resource.role", kind);
    json_member_str(w, "prefect.resource.name", name);
}

static void put_pool(struct worker *w, struct json_writer *out)
{
    if (!pool_known(w->pool))
        return;
    put_related(out, "work-pool", pool_id(w->pool), w->config->pool);
    json_object_end(out);
}

/* Further labels of the deployment: where its code came from, and its version. */
static void put_deployment_labels(struct json_writer *out, const struct tree *deployment)
{
    static const struct {
        const char *label, *path;
        bool is_deployment_id;
    } labels[] = {
        {"prefect.deployment.branch", "branch", false},
        {"prefect.deployment.base", "base", true},
        {"prefect.deployment.root", "root", true},
        {"prefect.deployment.version-id", "version_id", false},
        {"prefect.deployment.version-type", "version_info.type", false},
        {"prefect.deployment.version", "version_info.version", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        str value = tree_text(tree_path(deployment, labels[i].path));
        if (value.n == 0)
            continue;
        json_key(out, str_of(labels[i].label));
        if (labels[i].is_deployment_id)
            json_put_printf(out, "prefect.deployment." STR_FMT, STR_ARG(value));
        else
            json_put_str(out, value);
    }
}

static int compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void put_tags(struct json_writer *out, const struct report_subject *s)
{
    const struct tree *holders[] = {s->deployment, s->flow, s->flow_run};
    str tags[RELATED_TAGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
        const struct tree *list = tree_get(holders[i], STR("tags"));
        for (const struct tree *t = list ? list->first : NULL; t && count < RELATED_TAGS_MAX;
             t = t->next)
            if (tree_is(t, TREE_STRING))
                tags[count++] = t->text;
    }
    qsort(tags, count, sizeof *tags, compare_strs);
    for (size_t i = 0; i < count; i++) {
        if (i && str_eq(tags[i], tags[i - 1]))
            continue;
        json_object_begin(out);
        json_key(out, STR("prefect.resource.id"));
        json_put_printf(out, "prefect.tag." STR_FMT, STR_ARG(tags[i]));
        json_member_cstr(out, "prefect.resource.role", "tag");
        json_object_end(out);
    }
}

static str related_of(struct worker *w, struct arena *scratch, const struct report_subject *s)
{
    struct buf text = buf_new(scratch, EVENT_MAX / 2);
    struct json_writer out = json_writer(&text);
    json_array_begin(&out);
    if (s && s->deployment) {
        put_related(&out, "deployment", tree_text(tree_get(s->deployment, STR("id"))),
                    tree_text(tree_get(s->deployment, STR("name"))));
        put_deployment_labels(&out, s->deployment);
        json_object_end(&out);
    }
    if (s && s->flow) {
        put_related(&out, "flow", tree_text(tree_get(s->flow, STR("id"))),
                    tree_text(tree_get(s->flow, STR("name"))));
        json_object_end(&out);
    }
    if (s && s->flow_run) {
        put_related(&out, "flow-run", tree_text(tree_get(s->flow_run, STR("id"))),
                    tree_text(tree_get(s->flow_run, STR("name"))));
        if (s->infrastructure_pid.n)
            json_member_str(&out, "prefect.infrastructure.identifier", s->infrastructure_pid);
        if (s->status_code.n)
            json_member_str(&out, "prefect.infrastructure.status-code", s->status_code);
        json_object_end(&out);
    }
    if (s)
        put_tags(&out, s);
    put_pool(w, &out);
    json_array_end(&out);
    return buf_str(&text);
}

static void emit(struct worker *w, const char *event, const struct report_subject *subject,
                 const struct uuid *id, int64_t at_us, const struct uuid *follows)
{
    struct arena *scratch = &w->tick;
    const struct prefect_label resource[] = {
        {STR("prefect.resource.id"), resource_of_worker(scratch, w->config->name)},
        {STR("prefect.resource.name"), w->config->name},
        {STR("prefect.version"), STR(PREFECT_VERSION)},
        {STR("prefect.worker-type"), STR("kubernetes")},
    };
    str related = related_of(w, scratch, subject);
    struct buf text = buf_new(scratch, EVENT_MAX);
    struct json_writer out = json_writer(&text);
    prefect_event_write(&out, at_us, event, resource, ARRAY_LEN(resource), related, id, follows);
    if (text.full)
        log_warning("event %s is larger than %zu bytes and was not sent", event, (size_t)EVENT_MAX);
    else
        prefect_events_put(w->events, buf_str(&text));
}

void report_worker_started(struct worker *w)
{
    w->started_event = uuid_v7();
    w->started_us = time_now_us();
    emit(w, "prefect.worker.started", NULL, &w->started_event, w->started_us, NULL);
}

void report_worker_stopped(struct worker *w)
{
    struct uuid id = uuid_v7();
    int64_t now_us = time_now_us();
    bool follow = w->started_us && prefect_event_may_follow(now_us, w->started_us);
    emit(w, "prefect.worker.stopped", NULL, &id, now_us, follow ? &w->started_event : NULL);
}

void report_submitted(struct worker *w, const struct report_subject *subject, struct uuid *id,
                      int64_t *occurred_us)
{
    *id = uuid_v7();
    *occurred_us = time_now_us();
    emit(w, "prefect.worker.submitted-flow-run", subject, id, *occurred_us, NULL);
}

void report_executed(struct worker *w, const struct report_subject *subject,
                     const struct uuid *submitted_id, int64_t submitted_us)
{
    struct uuid id = uuid_v7();
    int64_t now_us = time_now_us();
    bool follow = submitted_us && prefect_event_may_follow(now_us, submitted_us);
    emit(w, "prefect.worker.executed-flow-run", subject, &id, now_us, follow ? submitted_id : NULL);
}

void report_cancelled(struct worker *w, const struct report_subject *subject)
{
    struct uuid id = uuid_v7();
    emit(w, "prefect.worker.cancelled-flow-run", subject, &id, time_now_us(), NULL);
}
