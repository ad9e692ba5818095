/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "command/ask.h"
#include "kube/job.h"
#include "prefect/flow_run.h"
#include "prefect/work_pool.h"
#include "worker/clusters.h"
#include "worker/pid.h"
#include "worker/why.h"

/* `reconcile --dry-run`: what the worker's reconciliation would find now, by the same decision,
 * over the Jobs and runs as the two APIs list them. Nothing is changed. */

#define ROUND_MS 30000
#define JOBS_PAGE 200
#define DIFFERENCES_MAX 256 /* those that the worker remembers at once */

enum option { OPTION_DRY_RUN, OPTION_POOL, OPTION_COUNT };

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_DRY_RUN] = {"dry-run", 0, ARGUMENT_FLAG, NULL, NULL,
                        "print the differences and change nothing; required"},
    [OPTION_POOL] = {"pool", 'p', ARGUMENT_TEXT, "POOL", NULL,
                     "look at this work pool alone; at all of type kubernetes without it"},
};
const struct argument_syntax command_reconcile_syntax = {options, OPTION_COUNT, NULL, 0};

struct listed_job {
    struct uuid run;
    bool live, complete;
    char name[KUBE_NAME_MAX + 1], namespace[KUBE_NAMESPACE_MAX + 1];
};

enum column { COLUMN_RUN, COLUMN_NAME, COLUMN_STATE, COLUMN_FOR, COLUMN_JOB, COLUMN_VERDICT };
#define COLUMNS 6

struct difference {
    struct uuid run, deployment;
    enum reconcile_verdict verdict;
    str pid;
    bool elsewhere; /* the run itself names another cluster */
    int64_t since_us;
    str cells[COLUMNS];
};

struct reconciliation {
    struct ask ask;
    struct arena *arena;
    struct listed_job *jobs;
    size_t job_count;
    str scope; /* the only namespace that could be listed; empty: all were */
    struct uuid pool;
    str pool_name;
    struct difference differences[DIFFERENCES_MAX];
    size_t count, more, left_alone;
    size_t runs, on_page;
    int64_t now_us;
};

/* ---- Jobs ---------------------------------------------------------------------------------- */

static int compare_jobs(const void *a, const void *b)
{
    const struct listed_job *x = a, *y = b;
    return memcmp(x->run.bytes, y->run.bytes, sizeof x->run.bytes);
}

static enum err_kind take_job(struct reconciliation *r, struct json v, struct err *e)
{
    struct kube_job job;
    struct arena *scratch = &r->ask.worker.tick;
    size_t mark = arena_mark(scratch);
    if (r->job_count == WORKER_RUNS_MAX)
        return err_set(e, ERR_LIMIT, "work pool '" STR_FMT "' has more than %d Jobs",
                       STR_ARG(r->pool_name), WORKER_RUNS_MAX);
    struct listed_job *one = &r->jobs[r->job_count];
    if (kube_job_read(scratch, json_raw(v), &job, e) == ERR_NONE &&
        uuid_parse(kube_label(scratch, &job.meta, "prefect.io/flow-run-id"), &one->run)) {
        one->live = kube_job_live(&job) && job.failed <= job.backoff_limit;
        one->complete = job.complete;
        str_to_cstr(job.meta.name, one->name, sizeof one->name);
        str_to_cstr(job.meta.namespace, one->namespace, sizeof one->namespace);
        r->job_count++;
    }
    arena_rewind(scratch, mark);
    return ERR_NONE;
}

/* One page; *more: the token of the next one, in the tick arena. */
static enum err_kind take_page(struct reconciliation *r, str body, str *more, struct err *e)
{
    struct json root;
    struct arena *scratch = &r->ask.worker.tick;
    enum err_kind kind = json_parse(scratch, body, &root, e);
    struct json_iter it = json_each(json_get(root, STR("items")));
    while (!kind && json_next(&it))
        kind = take_job(r, it.value, e);
    if (!kind)
        *more = str_copy(scratch, json_str(scratch, json_path(root, "metadata.continue")));
    return kind;
}

static void ask_page(struct reconciliation *r, str more, struct answer *answer)
{
    char id[UUID_TEXT_LEN + 1];
    struct buf path = buf_new(r->arena, HTTP_URL_MAX);
    buf_put(&path, kube_path(r->arena, "/apis/batch/v1", r->scope, "jobs", (str){0}));
    buf_printf(&path, "?labelSelector=prefect.io%%2Fwork-pool-id%%3D%s&limit=%d",
               uuid_format(&r->pool, id).p, JOBS_PAGE);
    if (more.n) {
        buf_cstr(&path, "&continue=");
        percent_encode(&path, more, STR(""));
    }
    ask_kube(&r->ask, answer, buf_str(&path));
    ask_wait(&r->ask, answer, 1, ROUND_MS);
}

/* Of all namespaces, or of ours where that is not allowed. */
static enum err_kind list_jobs(struct reconciliation *r, struct err *e)
{
    struct kube *own = clusters_kube(r->ask.worker.clusters, CLUSTER_OWN);
    enum err_kind kind = ERR_NONE;
    str more = {0};
    r->job_count = 0;
    do {
        struct answer answer;
        size_t mark = arena_mark(r->arena);
        ask_page(r, more, &answer);
        if (answer.kind == ERR_FORBIDDEN && !r->scope.n && own) {
            r->scope = kube_config_of(own)->namespace;
            ask_page(r, more, &answer);
        }
        if (answer.kind) {
            *e = answer.err;
            return err_prefix(e, "the Jobs can't be listed: ");
        }
        kind = take_page(r, answer.body, &more, e);
        arena_rewind(r->arena, mark);
    } while (!kind && more.n);
    qsort(r->jobs, r->job_count, sizeof *r->jobs, compare_jobs);
    return kind;
}

/* The run's first Job in the sorted list; NULL: it has none. */
static const struct listed_job *first_job(const struct reconciliation *r, const struct uuid *run)
{
    size_t low = 0, high = r->job_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(r->jobs[middle].run.bytes, run->bytes, sizeof run->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->job_count && uuid_eq(&r->jobs[low].run, run) ? &r->jobs[low] : NULL;
}

/* ---- runs ---------------------------------------------------------------------------------- */

static const struct listed_job *gather(const struct reconciliation *r, const struct uuid *run,
                                       struct reconcile_facts *facts)
{
    const struct listed_job *first = first_job(r, run), *told = first;
    const struct listed_job *end = r->jobs + r->job_count;
    for (const struct listed_job *job = first; job && job < end && uuid_eq(&job->run, run); job++) {
        facts->job_live = facts->job_live || job->live;
        facts->job_complete = facts->job_complete || job->complete;
        facts->job_failed = facts->job_failed || (!job->live && !job->complete);
        if (job->live)
            told = job;
    }
    return told;
}

static void note(struct reconciliation *r, const struct prefect_flow_run *run,
                 enum reconcile_verdict verdict, const struct listed_job *job)
{
    char id[UUID_TEXT_LEN + 1];
    if (r->count == DIFFERENCES_MAX) {
        r->more++;
        return;
    }
    struct difference *d = &r->differences[r->count++];
    *d = (struct difference){.run = run->id,
                             .deployment = run->deployment_id,
                             .verdict = verdict,
                             .pid = str_copy(r->arena, run->infrastructure_pid),
                             .elsewhere =
                                 !json_is_null(json_get(run->job_variables, STR("cluster_config"))),
                             .since_us = run->state.timestamp_us};
    struct buf age = buf_new(r->arena, 32);
    why_put_duration(&age, r->now_us > d->since_us ? r->now_us - d->since_us : 0);
    d->cells[COLUMN_RUN] = str_copy(r->arena, uuid_format(&run->id, id));
    d->cells[COLUMN_NAME] = str_copy(r->arena, run->name);
    d->cells[COLUMN_STATE] = str_copy(r->arena, run->state_name);
    d->cells[COLUMN_FOR] = buf_str(&age);
    d->cells[COLUMN_JOB] = job        ? str_printf(r->arena, "%s/%s", job->namespace, job->name)
                           : d->pid.n ? d->pid
                                      : STR("-");
}

static enum err_kind on_run(void *ctx, str text, struct err *e)
{
    struct reconciliation *r = ctx;
    struct arena *scratch = &r->ask.worker.tick;
    struct prefect_flow_run run;
    size_t mark = arena_mark(scratch);
    enum err_kind kind = prefect_flow_run_parse(scratch, text, &run, e);
    r->on_page++;
    if (kind == ERR_NONE) {
        struct reconcile_facts facts = {.state = run.state_type,
                                        .has_pid = run.infrastructure_pid.n > 0};
        const struct listed_job *job = gather(r, &run.id, &facts);
        enum reconcile_verdict verdict = reconcile_decide(&facts);
        r->runs += !prefect_state_type_final(run.state_type);
        if (verdict != RECONCILE_FINE)
            note(r, &run, verdict, job);
    }
    arena_rewind(scratch, mark);
    return kind;
}

static enum err_kind read_runs(struct reconciliation *r,
                               const struct prefect_flow_run_filter *filter, struct err *e)
{
    struct answer answer;
    struct buf body = buf_new(r->arena, 32 * KIB);
    struct json_writer out = json_writer(&body);
    prefect_flow_run_filter_body(&out, filter);
    r->on_page = 0;
    ask_prefect_runs(&r->ask, &answer, STR("/flow_runs/filter"), buf_str(&body), on_run, r);
    ask_wait(&r->ask, &answer, 1, ROUND_MS);
    if (answer.kind)
        *e = answer.err;
    return answer.kind ? err_prefix(e, "the runs can't be read: ") : ERR_NONE;
}

/* Runs that Prefect thinks alive. */
static enum err_kind read_alive(struct reconciliation *r, struct err *e)
{
    static const enum prefect_state_type alive[] = {PREFECT_PENDING, PREFECT_RUNNING};
    struct prefect_flow_run_filter filter = {.types = alive,
                                             .type_count = ARRAY_LEN(alive),
                                             .work_pool_id = r->pool,
                                             .sort = "ID_DESC",
                                             .limit = PREFECT_FILTER_IDS_MAX};
    enum err_kind kind;
    do {
        kind = read_runs(r, &filter, e);
        filter.offset += filter.limit;
    } while (!kind && r->on_page == PREFECT_FILTER_IDS_MAX);
    return kind;
}

/* Runs of live Jobs that are over. */
static enum err_kind read_over(struct reconciliation *r, struct err *e)
{
    static const enum prefect_state_type over[] = {PREFECT_COMPLETED, PREFECT_FAILED,
                                                   PREFECT_CANCELLED, PREFECT_CRASHED};
    struct uuid ids[PREFECT_FILTER_IDS_MAX];
    struct prefect_flow_run_filter filter = {
        .ids = ids, .types = over, .type_count = ARRAY_LEN(over), .limit = PREFECT_FILTER_IDS_MAX};
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; !kind && i < r->job_count;) {
        filter.id_count = 0;
        for (; i < r->job_count && filter.id_count < PREFECT_FILTER_IDS_MAX; i++)
            if (r->jobs[i].live)
                ids[filter.id_count++] = r->jobs[i].run;
        if (filter.id_count)
            kind = read_runs(r, &filter, e);
    }
    return kind;
}

/* ---- what the worker would do about a difference ------------------------------------------- */

enum question { ASK_STATES, ASK_DEPLOYMENT, ASK_JOB, ASK_COUNT };

static void ask_about(struct reconciliation *r, const struct difference *d,
                      struct answer answers[ASK_COUNT])
{
    char id[UUID_TEXT_LEN + 1];
    str namespace, job;
    ask_prefect(
        &r->ask, &answers[ASK_STATES],
        str_printf(r->arena, "/flow_run_states/?flow_run_id=%s", uuid_format(&d->run, id).p),
        (str){0});
    if (!uuid_is_nil(&d->deployment))
        ask_prefect(&r->ask, &answers[ASK_DEPLOYMENT],
                    prefect_path_id(r->arena, "/deployments/", &d->deployment, ""), (str){0});
    if (d->verdict == RECONCILE_CRASH_GONE && pid_split(d->pid, &namespace, &job))
        ask_kube(&r->ask, &answers[ASK_JOB],
                 kube_path(r->arena, "/apis/batch/v1", namespace, "jobs", job));
    ask_wait(&r->ask, answers, ASK_COUNT, ROUND_MS);
}

/* Why it is left as it is; NULL: it is repaired. The bounds are those of worker/repair.c. */
static const char *left_alone(const struct reconciliation *r, const struct difference *d,
                              const struct answer answers[ASK_COUNT], const struct why_facts *f)
{
    if (d->elsewhere)
        return "cluster_config names another cluster";
    if (d->verdict == RECONCILE_DELETE_JOB)
        return NULL;
    if (!ask_got(&answers[ASK_STATES]))
        return "its history can't be read";
    if (!f->claimed)
        return "not claimed by a worker of this kind";
    if (!str_eq(f->claim.cluster_mark, r->ask.worker.cluster_mark))
        return "claimed for another cluster";
    if (d->verdict != RECONCILE_CRASH_GONE)
        return NULL;
    if (f->names_cluster)
        return "cluster_config names another cluster";
    if (answers[ASK_JOB].kind == ERR_MISSING && answers[ASK_JOB].done)
        return NULL;
    return ask_got(&answers[ASK_JOB]) ? "its Job exists" : "whether its Job exists can't be told";
}

static void judge(struct reconciliation *r, struct difference *d, str pool)
{
    struct answer answers[ASK_COUNT] = {0};
    struct why_facts f;
    const char *verdict = reconcile_verdict_name(d->verdict);
    why_begin(&f, r->now_us);
    ask_about(r, d, answers);
    why_take_pool(r->arena, pool, &f);
    if (ask_got(&answers[ASK_STATES]))
        why_take_states(r->arena, answers[ASK_STATES].body, &f);
    if (ask_got(&answers[ASK_DEPLOYMENT]))
        why_take_deployment(r->arena, answers[ASK_DEPLOYMENT].body, &f);
    const char *reason = left_alone(r, d, answers, &f);
    r->left_alone += reason != NULL;
    d->cells[COLUMN_VERDICT] =
        reason ? str_printf(r->arena, "left alone: %s (%s)", reason, verdict) : str_of(verdict);
}

/* ---- output -------------------------------------------------------------------------------- */

static void put_row(const str *cells, const size_t *widths)
{
    for (int c = 0; c < COLUMN_VERDICT; c++)
        printf("%-*.*s  ", (int)widths[c], (int)cells[c].n, cells[c].n ? cells[c].p : "");
    printf(STR_FMT "\n", STR_ARG(cells[COLUMN_VERDICT]));
}

static void put_table(const struct reconciliation *r)
{
    static const str titles[COLUMNS] = {STR_INIT("FLOW RUN"), STR_INIT("NAME"),
                                        STR_INIT("STATE"),    STR_INIT("FOR"),
                                        STR_INIT("JOB"),      STR_INIT("VERDICT")};
    size_t widths[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = titles[c].n;
        for (size_t i = 0; i < r->count; i++)
            if (r->differences[i].cells[c].n > widths[c])
                widths[c] = r->differences[i].cells[c].n;
    }
    put_row(titles, widths);
    for (size_t i = 0; i < r->count; i++)
        put_row(r->differences[i].cells, widths);
}

static void put_summary(const struct reconciliation *r)
{
    printf("Work pool '" STR_FMT "': %zu %s alive, %zu %s", STR_ARG(r->pool_name), r->runs,
           r->runs == 1 ? "run" : "runs", r->job_count, r->job_count == 1 ? "Job" : "Jobs");
    if (r->scope.n)
        printf(" (of namespace " STR_FMT ", as no other may be listed)", STR_ARG(r->scope));
    if (r->count + r->more == 0)
        printf("; no difference.\n");
    else
        printf("; %zu %s, of which %zu would be left alone. A worker repairs one that it has seen "
               "in two passes; nothing was changed now.\n",
               r->count + r->more, r->count + r->more == 1 ? "difference" : "differences",
               r->left_alone);
    if (r->more)
        printf("%zu more are not shown.\n", r->more);
}

/* ---- pools --------------------------------------------------------------------------------- */

static enum err_kind look_at(struct reconciliation *r, str text, struct err *e)
{
    struct prefect_work_pool pool;
    enum err_kind kind = prefect_work_pool_parse(r->arena, text, &pool, e);
    if (kind)
        return kind;
    r->pool = pool.id;
    r->pool_name = pool.name;
    r->count = r->more = r->left_alone = r->runs = 0;
    r->now_us = time_now_us();
    kind = list_jobs(r, e);
    if (!kind)
        kind = read_alive(r, e);
    if (!kind)
        kind = read_over(r, e);
    if (kind)
        return kind;
    for (size_t i = 0; i < r->count; i++)
        judge(r, &r->differences[i], text);
    if (r->count)
        put_table(r);
    put_summary(r);
    return ERR_NONE;
}

static enum err_kind run(struct reconciliation *r, str name, struct err *e)
{
    struct answer answer;
    struct json root;
    if (name.n)
        ask_prefect(&r->ask, &answer, prefect_path(r->arena, "/work_pools/", name, ""), (str){0});
    else
        ask_prefect(&r->ask, &answer, STR("/work_pools/filter"),
                    STR("{\"work_pools\":{\"type\":{\"any_\":[\"kubernetes\"]}}}"));
    ask_wait(&r->ask, &answer, 1, ROUND_MS);
    if (answer.kind == ERR_MISSING)
        return err_set(e, ERR_MISSING, "there is no work pool '" STR_FMT "' at " STR_FMT,
                       STR_ARG(name), STR_ARG(r->ask.config.api_url));
    if (answer.kind) {
        *e = answer.err;
        return err_prefix(e, "the work pool can't be read: ");
    }
    enum err_kind kind = json_parse(r->arena, answer.body, &root, e);
    if (kind || name.n)
        return kind ? kind : look_at(r, answer.body, e);
    for (struct json_iter it = json_each(root); !kind && json_next(&it);)
        kind = look_at(r, json_raw(it.value), e);
    return kind;
}

int command_reconcile(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena arena, scratch;
    static struct reconciliation r;
    struct arguments arguments;
    struct err e;
    arena_reserve(&arena, "reconcile", ASK_ARENA);
    arena_reserve(&scratch, "reconcile scratch", START_ARENA);
    enum err_kind kind =
        arguments_parse(&arena, &command_reconcile_syntax, argc, argv, &arguments, &e);
    if (!kind && !arguments.values[OPTION_DRY_RUN].on)
        kind = err_set(&e, ERR_INVALID,
                       "--dry-run is missing: this prints differences only, and a running worker "
                       "repairs them");
    if (kind)
        return command_refuse(context, kind, &e);
    r.arena = &arena;
    kind = ask_open(&r.ask, context, &arena, scratch, &e);
    if (!kind) {
        r.jobs = arena_untouched(&arena, sizeof *r.jobs * WORKER_RUNS_MAX);
        kind = run(&r, arguments.values[OPTION_POOL].text, &e);
    }
    if (!kind && (fflush(stdout) != 0 || ferror(stdout)))
        kind = err_set(&e, ERR_FATAL, "standard output can't be written");
    ask_close(&r.ask);
    return kind ? command_fail(context, EXIT_FAILED, "%s", e.text) : EXIT_OK;
}
