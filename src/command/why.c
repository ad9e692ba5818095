/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/time.h"
#include "command/ask.h"
#include "format/json_write.h"
#include "worker/clusters.h"
#include "worker/pid.h"
#include "worker/report.h"

/* `why`: three rounds of questions, each sent at once; then one paragraph. */

#define ROUND_MS 10000 /* most time of a round; on a healthy server it is some tens of ms */

enum option { OPTION_OUTPUT, OPTION_COUNT };

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_OUTPUT] = {"output", 'o', ARGUMENT_CHOICE, "FORMAT", "text|json",
                       "text or json; text without it"},
};
const struct argument_syntax command_why_syntax = {options, OPTION_COUNT, "FLOW_RUN_ID", 1};

enum question {
    ASK_RUN,
    ASK_STATES,
    ASK_LOGS,
    ASK_JOBS,
    ASK_PODS,
    ASK_DEPLOYMENT,
    ASK_POOL,
    ASK_QUEUE,
    ASK_WORKERS,
    ASK_AHEAD,
    ASK_POOL_ACTIVE,
    ASK_QUEUE_ACTIVE,
    ASK_JOB_EVENTS,
    ASK_POD_EVENTS,
    ASK_NODE,
    ASK_COUNT,
};

struct why {
    struct ask ask;
    struct arena *arena;
    struct answer answers[ASK_COUNT];
    struct why_facts facts;
    char id[UUID_TEXT_LEN + 1];
};

/* ---- questions to Prefect ------------------------------------------------------------------ */

static void ask(struct why *y, enum question question, str path, str body)
{
    ask_prefect(&y->ask, &y->answers[question], path, body);
}

static void put_any(struct json_writer *w, const char *key, const str *values, size_t count)
{
    json_key(w, str_of(key));
    json_object_begin(w);
    json_key(w, STR("any_"));
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        json_put_str(w, values[i]);
    json_array_end(w);
    json_object_end(w);
}

/* What the workers warned of, the last line alone. */
static void ask_logs(struct why *y)
{
    static const str names[] = {STR_INIT(RUN_LOGGER_WORKER), STR_INIT(RUN_LOGGER_OBSERVER)};
    struct buf body = buf_new(y->arena, 4 * KIB);
    struct json_writer w = json_writer(&body);
    str run = str_of(y->id);
    json_object_begin(&w);
    json_key(&w, STR("logs"));
    json_object_begin(&w);
    put_any(&w, "flow_run_id", &run, 1);
    put_any(&w, "name", names, ARRAY_LEN(names));
    json_key(&w, STR("level"));
    json_object_begin(&w);
    json_member_i64(&w, "ge_", LOG_WARNING);
    json_object_end(&w);
    json_object_end(&w);
    json_member_cstr(&w, "sort", "TIMESTAMP_DESC");
    json_member_i64(&w, "limit", 1);
    json_object_end(&w);
    ask(y, ASK_LOGS, STR("/logs/filter"), buf_str(&body));
}

/* How many runs of the pool (of the queue, unless that is empty) are in one of the states, and due
 * before `due_us`, unless that is 0. */
static void ask_count(struct why *y, enum question question, const str *types, size_t type_count,
                      str queue, int64_t due_us)
{
    struct buf body = buf_new(y->arena, 8 * KIB);
    struct json_writer w = json_writer(&body);
    char at[TIME_TEXT_MAX];
    json_object_begin(&w);
    json_key(&w, STR("work_pools"));
    json_object_begin(&w);
    put_any(&w, "name", &y->facts.run.work_pool_name, 1);
    json_object_end(&w);
    if (queue.n) {
        json_key(&w, STR("work_pool_queues"));
        json_object_begin(&w);
        put_any(&w, "name", &queue, 1);
        json_object_end(&w);
    }
    json_key(&w, STR("flow_runs"));
    json_object_begin(&w);
    json_key(&w, STR("state"));
    json_object_begin(&w);
    put_any(&w, "type", types, type_count);
    json_object_end(&w);
    if (due_us) {
        json_key(&w, STR("next_scheduled_start_time"));
        json_object_begin(&w);
        json_member_str(&w, "before_", time_format_rfc3339(due_us, at));
        json_object_end(&w);
    }
    json_object_end(&w);
    json_object_end(&w);
    ask(y, question, STR("/flow_runs/count"), buf_str(&body));
}

static void ask_surroundings(struct why *y)
{
    static const str scheduled[] = {STR_INIT("SCHEDULED")};
    const struct prefect_flow_run *run = &y->facts.run;
    str pool = run->work_pool_name, queue = run->work_queue_name;
    if (!uuid_is_nil(&run->deployment_id))
        ask(y, ASK_DEPLOYMENT, prefect_path_id(y->arena, "/deployments/", &run->deployment_id, ""),
            (str){0});
    if (!pool.n || prefect_state_type_final(run->state_type))
        return;
    str base = prefect_path(y->arena, "/work_pools/", pool, "");
    ask(y, ASK_POOL, base, (str){0});
    if (queue.n)
        ask(y, ASK_QUEUE,
            str_printf(y->arena, STR_FMT STR_FMT, STR_ARG(base),
                       STR_ARG(prefect_path(y->arena, "/queues/", queue, ""))),
            (str){0});
    ask(y, ASK_WORKERS, str_printf(y->arena, STR_FMT "/workers/filter", STR_ARG(base)), STR("{}"));
    if (run->state_type == PREFECT_SCHEDULED && y->facts.due_us)
        ask_count(y, ASK_AHEAD, scheduled, 1, (str){0}, y->facts.due_us);
}

/* Servers of 2.20 don't say how many slots are taken. */
static void ask_slots(struct why *y)
{
    static const str active[] = {STR_INIT("PENDING"), STR_INIT("RUNNING"), STR_INIT("CANCELLING")};
    const struct why_facts *f = &y->facts;
    if (f->pool.limit > 0 && f->pool.active < 0)
        ask_count(y, ASK_POOL_ACTIVE, active, ARRAY_LEN(active), (str){0}, 0);
    if (f->queue.limit > 0 && f->queue.active < 0)
        ask_count(y, ASK_QUEUE_ACTIVE, active, ARRAY_LEN(active), f->run.work_queue_name, 0);
}

/* ---- questions to Kubernetes --------------------------------------------------------------- */

/* The run's Jobs and pods, of one namespace or (empty) of all. */
static void ask_lists(struct why *y, str namespace)
{
    static const struct {
        const char *api, *resource;
    } lists[] = {{"/apis/batch/v1", "jobs"}, {"/api/v1", "pods"}};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        str path = kube_path(y->arena, lists[i].api, namespace, lists[i].resource, (str){0});
        ask_kube(&y->ask, &y->answers[ASK_JOBS + i],
                 str_printf(y->arena, STR_FMT "?labelSelector=prefect.io%%2Fflow-run-id%%3D%s",
                            STR_ARG(path), y->id));
    }
}

static void ask_events(struct why *y, enum question question, const struct kube_meta *meta)
{
    str path = kube_path(y->arena, "/api/v1", meta->namespace, "events", (str){0});
    ask_kube(&y->ask, &y->answers[question],
             str_printf(y->arena, STR_FMT "?fieldSelector=involvedObject.uid%%3D" STR_FMT,
                        STR_ARG(path), STR_ARG(meta->uid_text)));
}

static void ask_details(struct why *y)
{
    const struct why_facts *f = &y->facts;
    bool over = prefect_state_type_final(f->run.state_type);
    if (f->has_job && !y->answers[ASK_JOB_EVENTS].sent)
        ask_events(y, ASK_JOB_EVENTS, &f->job.meta);
    if (f->has_pod && !y->answers[ASK_POD_EVENTS].sent)
        ask_events(y, ASK_POD_EVENTS, &f->pod.meta);
    if (f->has_pod && f->pod.node.n && !over && !y->answers[ASK_NODE].sent)
        ask_kube(&y->ask, &y->answers[ASK_NODE],
                 kube_path(y->arena, "/api/v1", (str){0}, "nodes", f->pod.node));
}

/* Not allowed for all namespaces: the one that the run's Job is in, or ours. */
static void ask_one_namespace(struct why *y)
{
    str namespace, job;
    struct kube *own = clusters_kube(y->ask.worker.clusters, CLUSTER_OWN);
    if (!own || y->answers[ASK_JOBS].kind != ERR_FORBIDDEN)
        return;
    if (!pid_split(y->facts.run.infrastructure_pid, &namespace, &job))
    namespace = kube_config_of(own)->namespace;
    ask_lists(y, namespace);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void wait(struct why *y)
{
    ask_wait(&y->ask, y->answers, ASK_COUNT, ROUND_MS);
}

static void take(struct why *y, enum question question,
                 void (*taker)(struct arena *out, str body, struct why_facts *f))
{
    if (ask_got(&y->answers[question]))
        taker(y->arena, y->answers[question].body, &y->facts);
}

static void take_lists(struct why *y)
{
    struct answer *jobs = &y->answers[ASK_JOBS];
    take(y, ASK_JOBS, why_take_jobs);
    take(y, ASK_PODS, why_take_pods);
    y->facts.kube_failure = ask_got(jobs) ? (str){0} : str_of(jobs->err.text);
}

static void take_count(struct why *y, enum question question, int64_t less, int64_t *count)
{
    int64_t number;
    if (ask_got(&y->answers[question]) && str_to_i64(str_trim(y->answers[question].body), &number))
        *count = number > less ? number - less : 0;
}

static void take_surroundings(struct why *y)
{
    take(y, ASK_DEPLOYMENT, why_take_deployment);
    take(y, ASK_POOL, why_take_pool);
    take(y, ASK_QUEUE, why_take_queue);
    take(y, ASK_WORKERS, why_take_workers);
    take_count(y, ASK_AHEAD, 1, &y->facts.ahead); /* itself is counted */
}

static void take_details(struct why *y)
{
    take(y, ASK_JOB_EVENTS, why_take_job_events);
    take(y, ASK_POD_EVENTS, why_take_pod_events);
    take(y, ASK_NODE, why_take_node);
    if (y->answers[ASK_NODE].done && y->answers[ASK_NODE].kind == ERR_MISSING) {
        y->facts.node_lost = true;
        y->facts.node_message = STR("it is not in the cluster any more");
    }
    take_count(y, ASK_POOL_ACTIVE, 0, &y->facts.pool.active);
    take_count(y, ASK_QUEUE_ACTIVE, 0, &y->facts.queue.active);
}

static enum err_kind first_round(struct why *y, const struct uuid *id, struct err *e)
{
    struct answer *run = &y->answers[ASK_RUN];
    ask(y, ASK_RUN, prefect_path_id(y->arena, "/flow_runs/", id, ""), (str){0});
    ask(y, ASK_STATES, str_printf(y->arena, "/flow_run_states/?flow_run_id=%s", y->id), (str){0});
    ask_logs(y);
    ask_lists(y, (str){0});
    wait(y);
    if (run->kind == ERR_MISSING)
        return err_set(e, ERR_MISSING, "there is no flow run %s at " STR_FMT, y->id,
                       STR_ARG(y->ask.config.api_url));
    if (run->kind) {
        *e = run->err;
        return err_prefix(e, "flow run %s can't be read: ", y->id);
    }
    enum err_kind kind = why_take_run(y->arena, run->body, &y->facts, e);
    if (kind)
        return kind;
    take(y, ASK_STATES, why_take_states);
    take(y, ASK_LOGS, why_take_logs);
    take_lists(y);
    return ERR_NONE;
}

static enum err_kind gather(struct why *y, const struct uuid *id, struct err *e)
{
    enum err_kind kind = first_round(y, id, e);
    if (kind)
        return kind;
    ask_surroundings(y);
    ask_details(y);
    ask_one_namespace(y);
    wait(y);
    take_surroundings(y);
    take_lists(y);
    ask_details(y);
    ask_slots(y);
    wait(y);
    take_details(y);
    y->facts.cluster_mark = y->ask.worker.cluster_mark;
    return ERR_NONE;
}

/* ---- output -------------------------------------------------------------------------------- */

static void put_member(struct json_writer *w, const char *key, bool known, str value)
{
    if (known && value.n)
        json_member_str(w, key, value);
    else
        json_member_null(w, key);
}

/* A list of steps that happened: each with its time and the seconds since the one before. */
static void put_lag(struct json_writer *w, const struct why_lag *lag)
{
    char at[TIME_TEXT_MAX];
    json_key(w, STR("start_lag"));
    json_array_begin(w);
    for (int i = 0; i < WHY_STEP_COUNT; i++) {
        enum why_step step = (enum why_step)i;
        int64_t us = why_lag_us(lag, step);
        if (!lag->at_us[step])
            continue;
        json_object_begin(w);
        json_member_cstr(w, "step", why_step_name(step));
        json_member_str(w, "at", time_format_rfc3339(lag->at_us[step], at));
        json_key(w, STR("seconds"));
        if (us < 0)
            json_put_null(w);
        else
            json_put_f64(w, (double)us / 1e6);
        json_object_end(w);
    }
    json_array_end(w);
}

static void put_json(struct buf *out, const struct why *y, const struct why_answer *answer)
{
    const struct why_facts *f = &y->facts;
    struct json_writer w = json_writer(out);
    json_object_begin(&w);
    json_member_cstr(&w, "flow_run_id", y->id);
    json_member_str(&w, "name", f->run.name);
    json_member_cstr(&w, "state_type", prefect_state_type_name(f->run.state_type));
    json_member_str(&w, "state_name", f->run.state_name);
    json_member_cstr(&w, "cause", answer->cause);
    json_member_str(&w, "text", answer->text);
    put_member(&w, "work_pool", true, f->run.work_pool_name);
    put_member(&w, "work_queue", true, f->run.work_queue_name);
    put_member(&w, "deployment", true, f->deployment_name);
    put_member(&w, "namespace", f->has_job, f->job.meta.namespace);
    put_member(&w, "job", f->has_job, f->job.meta.name);
    put_member(&w, "pod", f->has_pod, f->pod.meta.name);
    put_member(&w, "node", f->has_pod, f->pod.node);
    put_lag(&w, &answer->lag);
    json_object_end(&w);
}

static int print(struct why *y, const struct command_context *context, bool json)
{
    struct why_answer answer;
    struct buf out = buf_new(y->arena, 128 * KIB);
    why_compose(y->arena, &y->facts, &answer);
    if (json)
        put_json(&out, y, &answer);
    else
        buf_put(&out, answer.text);
    buf_byte(&out, '\n');
    fwrite(out.p, 1, out.n, stdout);
    if (out.full || (fflush(stdout) != 0 || ferror(stdout)))
        return command_fail(context, EXIT_FAILED, "standard output can't be written");
    return EXIT_OK;
}

int command_why(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena arena, scratch;
    static struct why y;
    struct arguments arguments;
    struct uuid id;
    struct err e;
    arena_reserve(&arena, "why", ASK_ARENA);
    arena_reserve(&scratch, "why scratch", START_ARENA);
    enum err_kind kind = arguments_parse(&arena, &command_why_syntax, argc, argv, &arguments, &e);
    if (!kind && !arguments.operand_count)
        kind = err_set(&e, ERR_INVALID, "FLOW_RUN_ID is missing: name the run to ask about");
    if (!kind && !uuid_parse(arguments.operands[0], &id))
        kind = err_set(&e, ERR_INVALID, "'" STR_FMT "' is no flow run id, which is a UUID",
                       STR_ARG(arguments.operands[0]));
    if (kind)
        return command_refuse(context, kind, &e);
    y.arena = &arena;
    uuid_format(&id, y.id);
    why_begin(&y.facts, time_now_us());
    kind = ask_open(&y.ask, context, &arena, scratch, &e);
    if (!kind)
        kind = gather(&y, &id, &e);
    int code = kind ? command_fail(context, EXIT_FAILED, "%s", e.text)
                    : print(&y, context, str_eq(arguments.values[OPTION_OUTPUT].text, STR("json")));
    ask_close(&y.ask);
    return code;
}
