/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/work_pool.h"

#include "prefect/client.h"

enum err_kind prefect_work_pool_parse(struct arena *out, str text, struct prefect_work_pool *pool,
                                      struct err *e)
{
    *pool = (struct prefect_work_pool){0};
    struct json root;
    enum err_kind kind = json_parse(out, text, &root, e);
    if (kind)
        return err_prefix(e, "the work pool in the reply of the Prefect API: ");
    if (!uuid_parse(json_str(out, json_get(root, STR("id"))), &pool->id))
        return err_set(e, ERR_INVALID,
                       "the work pool in the reply of the Prefect API has no valid id");
    pool->name = json_str(out, json_get(root, STR("name")));
    pool->type = json_str(out, json_get(root, STR("type")));
    if (!json_bool(json_get(root, STR("is_paused")), &pool->is_paused))
        pool->is_paused = false;
    pool->status = json_str(out, json_get(root, STR("status")));
    struct json template = json_get(root, STR("base_job_template"));
    if (json_count(template))
        pool->base_job_template = json_raw(template);
    pool->text = json_raw(root);
    return ERR_NONE;
}

void prefect_work_pool_create_body(struct json_writer *w, str name, str base_job_template)
{
    json_object_begin(w);
    json_member_str(w, "name", name);
    json_member_cstr(w, "type", "kubernetes");
    if (base_job_template.n)
        json_member_raw(w, "base_job_template", base_job_template);
    json_object_end(w);
}

void prefect_work_pool_template_body(struct json_writer *w, str base_job_template)
{
    json_object_begin(w);
    json_member_raw(w, "base_job_template", base_job_template);
    json_object_end(w);
}

void prefect_work_queues_filter_body(struct json_writer *w, const str *names, size_t count)
{
    json_object_begin(w);
    if (count) {
        json_key(w, STR("work_queues"));
        json_object_begin(w);
        json_key(w, STR("name"));
        json_object_begin(w);
        json_key(w, STR("any_"));
        json_array_begin(w);
        for (size_t i = 0; i < count; i++)
            json_put_str(w, names[i]);
        json_array_end(w);
        json_object_end(w);
        json_object_end(w);
    } else {
        json_member_null(w, "work_queues");
    }
    json_member_null(w, "limit");
    json_member_null(w, "offset");
    json_object_end(w);
}

void prefect_heartbeat_body(struct json_writer *w, const struct prefect_heartbeat *heartbeat)
{
    json_object_begin(w);
    json_member_str(w, "name", heartbeat->worker_name);
    json_member_i64(w, "heartbeat_interval_seconds", heartbeat->interval_s);
    if (heartbeat->with_metadata)
        json_member_raw(w, "metadata",
                        STR("{\"integrations\":[{\"name\":\"prefect-kubernetes\",\"version\":"
                            "\"" PREFECT_INTEGRATION_VERSION "\"}]}"));
    if (heartbeat->return_id)
        json_member_bool(w, "return_id", true);
    json_object_end(w);
}
