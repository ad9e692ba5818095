/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_FLOW_RUN_H
#define PREFECT_FLOW_RUN_H

/*
 * Flow runs as the REST API speaks of them: reading the object, and the bodies and paths of the
 * requests that the worker makes. Pure: no I/O.
 */

#include "prefect/state.h"

struct prefect_flow_run { /* views of the text that was read, or of `out` */
    struct uuid id;
    struct uuid flow_id;
    struct uuid deployment_id;      /* nil: none */
    struct uuid parent_task_run_id; /* nil: none */
    str name;
    struct prefect_state state;         /* present == false where the reply has none (polls) */
    enum prefect_state_type state_type; /* of the state, else of state_type */
    str state_name;
    struct uuid state_id;
    int64_t created_us, updated_us; /* 0: unknown */
    int64_t start_time_us;          /* 0: never ran */
    int64_t end_time_us;
    int64_t expected_start_us;
    int64_t run_count;
    str infrastructure_pid; /* empty: none */
    str work_pool_name, work_queue_name;
    struct json tags;          /* array of strings, or absent */
    struct json job_variables; /* object, or absent */
    struct json labels;        /* object, or absent */
    str text;                  /* the whole object */
};

/* One flow run object. ERR_INVALID: no JSON object, or without a valid id. */
enum err_kind prefect_flow_run_parse(struct arena *out, str text, struct prefect_flow_run *run,
                                     struct err *e) MUST_CHECK;
enum err_kind prefect_flow_run_read(struct arena *out, struct json v, struct prefect_flow_run *run,
                                    struct err *e) MUST_CHECK;

/* One element of a poll's reply: {"work_pool_id", "work_queue_id", "flow_run": {...}}. */
struct prefect_scheduled_run {
    struct uuid work_pool_id, work_queue_id;
    struct prefect_flow_run run;
};
enum err_kind prefect_scheduled_run_parse(struct arena *out, str text,
                                          struct prefect_scheduled_run *scheduled,
                                          struct err *e) MUST_CHECK;

/* "<before><name><after>" with the name percent-encoded; p == NULL where `out` is full. */
str prefect_path(struct arena *out, const char *before, str name, const char *after);
/* "<before><id><after>", e.g. "/flow_runs/" id "/set_state". */
str prefect_path_id(struct arena *out, const char *before, const struct uuid *id,
                    const char *after);

/* ---- bodies -------------------------------------------------------------------------------- */

/* get_scheduled_flow_runs: the names of queues are always present, none means all. */
void prefect_scheduled_body(struct json_writer *w, const str *queues, size_t queue_count,
                            int64_t before_us);
/* PATCH /flow_runs/{id}/labels */
void prefect_labels_body(struct json_writer *w, str worker_name, str pool_name,
                         const struct uuid *pool_id);
/* PATCH /flow_runs/{id} */
void prefect_infrastructure_pid_body(struct json_writer *w, str pid);

/* What POST /flow_runs/filter selects; zero members select everything. */
struct prefect_flow_run_filter {
    const struct uuid *ids;
    size_t id_count; /* at most PREFECT_FILTER_IDS_MAX */
    const enum prefect_state_type *types;
    size_t type_count;
    const str *state_names;
    size_t state_name_count;
    struct uuid work_pool_id;
    const char *sort; /* "ID_DESC", "EXPECTED_START_TIME_ASC" ...; NULL: the server's */
    int64_t limit;    /* 0: the server's, which is 200 */
    int64_t offset;
};
void prefect_flow_run_filter_body(struct json_writer *w,
                                  const struct prefect_flow_run_filter *filter);

#endif
