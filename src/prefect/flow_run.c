/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/flow_run.h"

#include "base/arena.h"
#include "base/encode.h"
#include "base/time.h"

static struct json only(struct json v, enum json_type type)
{
    return json_is(v, type) ? v : (struct json){0};
}

static enum err_kind read_state(struct arena *out, struct json v, struct prefect_flow_run *run,
                                struct err *e)
{
    enum err_kind kind = prefect_state_read(out, json_get(v, STR("state")), &run->state, e);
    if (kind)
        return kind;
    if (run->state.present) {
        run->state_type = run->state.type;
        run->state_name = run->state.name;
        run->state_id = run->state.id;
    } else {
        str type = json_str(out, json_get(v, STR("state_type")));
        run->state_type = prefect_state_type_parse(type);
        run->state_name = json_str(out, json_get(v, STR("state_name")));
        run->state_id = prefect_uuid_read(out, json_get(v, STR("state_id")));
    }
    return ERR_NONE;
}

enum err_kind prefect_flow_run_read(struct arena *out, struct json v, struct prefect_flow_run *run,
                                    struct err *e)
{
    *run = (struct prefect_flow_run){0};
    if (!json_is(v, JSON_OBJECT) || !uuid_parse(json_str(out, json_get(v, STR("id"))), &run->id))
        return err_set(e, ERR_INVALID,
                       "a flow run in the reply of the Prefect API has no valid id");
    run->text = json_raw(v);
    run->name = json_str(out, json_get(v, STR("name")));
    run->flow_id = prefect_uuid_read(out, json_get(v, STR("flow_id")));
    run->deployment_id = prefect_uuid_read(out, json_get(v, STR("deployment_id")));
    run->parent_task_run_id = prefect_uuid_read(out, json_get(v, STR("parent_task_run_id")));
    run->created_us = prefect_time_read(out, json_get(v, STR("created")));
    run->updated_us = prefect_time_read(out, json_get(v, STR("updated")));
    run->start_time_us = prefect_time_read(out, json_get(v, STR("start_time")));
    run->end_time_us = prefect_time_read(out, json_get(v, STR("end_time")));
    run->expected_start_us = prefect_time_read(out, json_get(v, STR("expected_start_time")));
    run->run_count = json_i64_or(json_get(v, STR("run_count")), 0);
    run->infrastructure_pid = json_str(out, json_get(v, STR("infrastructure_pid")));
    run->work_pool_name = json_str(out, json_get(v, STR("work_pool_name")));
    run->work_queue_name = json_str(out, json_get(v, STR("work_queue_name")));
    run->tags = only(json_get(v, STR("tags")), JSON_ARRAY);
    run->job_variables = only(json_get(v, STR("job_variables")), JSON_OBJECT);
    run->labels = only(json_get(v, STR("labels")), JSON_OBJECT);
    return read_state(out, v, run, e);
}

enum err_kind prefect_flow_run_parse(struct arena *out, str text, struct prefect_flow_run *run,
                                     struct err *e)
{
    struct json root;
    enum err_kind kind = json_parse(out, text, &root, e);
    if (kind)
        return err_prefix(e, "a flow run in the reply of the Prefect API: ");
    return prefect_flow_run_read(out, root, run, e);
}

enum err_kind prefect_scheduled_run_parse(struct arena *out, str text,
                                          struct prefect_scheduled_run *scheduled, struct err *e)
{
    struct json root;
    enum err_kind kind = json_parse(out, text, &root, e);
    if (kind)
        return err_prefix(e, "a scheduled run in the reply of the Prefect API: ");
    scheduled->work_pool_id = prefect_uuid_read(out, json_get(root, STR("work_pool_id")));
    scheduled->work_queue_id = prefect_uuid_read(out, json_get(root, STR("work_queue_id")));
    return prefect_flow_run_read(out, json_get(root, STR("flow_run")), &scheduled->run, e);
}

str prefect_path(struct arena *out, const char *before, str name, const char *after)
{
    size_t fixed = str_of(before).n + str_of(after).n;
    struct buf b = buf_new(out, fixed + 3 * name.n + 1);
    buf_cstr(&b, before);
    percent_encode(&b, name, (str){0});
    buf_cstr(&b, after);
    return b.full ? (str){0} : buf_str(&b);
}

str prefect_path_id(struct arena *out, const char *before, const struct uuid *id, const char *after)
{
    char text[UUID_TEXT_LEN + 1];
    return prefect_path(out, before, uuid_format(id, text), after);
}

/* ---- bodies -------------------------------------------------------------------------------- */

static void write_names(struct json_writer *w, const char *key, const str *names, size_t count)
{
    json_key(w, str_of(key));
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        json_put_str(w, names[i]);
    json_array_end(w);
}

void prefect_scheduled_body(struct json_writer *w, const str *queues, size_t queue_count,
                            int64_t before_us)
{
    char text[TIME_TEXT_MAX];
    json_object_begin(w);
    write_names(w, "work_queue_names", queues, queue_count);
    json_member_str(w, "scheduled_before", time_format_python(before_us, text));
    json_object_end(w);
}

void prefect_labels_body(struct json_writer *w, str worker_name, str pool_name,
                         const struct uuid *pool_id)
{
    char text[UUID_TEXT_LEN + 1];
    json_object_begin(w);
    json_member_str(w, "prefect.worker.name", worker_name);
    json_member_cstr(w, "prefect.worker.type", "kubernetes");
    json_member_str(w, "prefect.work-pool.name", pool_name);
    json_member_str(w, "prefect.work-pool.id", uuid_format(pool_id, text));
    json_object_end(w);
}

void prefect_infrastructure_pid_body(struct json_writer *w, str pid)
{
    json_object_begin(w);
    json_member_str(w, "infrastructure_pid", pid);
    json_object_end(w);
}

static void write_ids(struct json_writer *w, const struct uuid *ids, size_t count)
{
    char text[UUID_TEXT_LEN + 1];
    json_key(w, STR("id"));
    json_object_begin(w);
    json_key(w, STR("any_"));
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        json_put_str(w, uuid_format(&ids[i], text));
    json_array_end(w);
    json_object_end(w);
}

static void write_states(struct json_writer *w, const struct prefect_flow_run_filter *f)
{
    json_key(w, STR("state"));
    json_object_begin(w);
    if (f->type_count) {
        json_key(w, STR("type"));
        json_object_begin(w);
        json_key(w, STR("any_"));
        json_array_begin(w);
        for (size_t i = 0; i < f->type_count; i++)
            json_put_cstr(w, prefect_state_type_name(f->types[i]));
        json_array_end(w);
        json_object_end(w);
    }
    if (f->state_name_count) {
        json_key(w, STR("name"));
        json_object_begin(w);
        write_names(w, "any_", f->state_names, f->state_name_count);
        json_object_end(w);
    }
    json_object_end(w);
}

void prefect_flow_run_filter_body(struct json_writer *w, const struct prefect_flow_run_filter *f)
{
    ASSERT(f->id_count <= PREFECT_FILTER_IDS_MAX);
    json_object_begin(w);
    json_key(w, STR("flow_runs"));
    json_object_begin(w);
    if (f->id_count)
        write_ids(w, f->ids, f->id_count);
    if (f->type_count || f->state_name_count)
        write_states(w, f);
    json_object_end(w);
    if (!uuid_is_nil(&f->work_pool_id)) {
        json_key(w, STR("work_pools"));
        json_object_begin(w);
        write_ids(w, &f->work_pool_id, 1);
        json_object_end(w);
    }
    if (f->sort)
        json_member_cstr(w, "sort", f->sort);
    if (f->limit)
        json_member_i64(w, "limit", f->limit);
    if (f->offset)
        json_member_i64(w, "offset", f->offset);
    json_object_end(w);
}
