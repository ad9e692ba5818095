/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/state.h"

#include "base/time.h"

static const char *const type_names[] = {
    [PREFECT_STATE_UNKNOWN] = "UNKNOWN", [PREFECT_SCHEDULED] = "SCHEDULED",
    [PREFECT_PENDING] = "PENDING",       [PREFECT_RUNNING] = "RUNNING",
    [PREFECT_COMPLETED] = "COMPLETED",   [PREFECT_FAILED] = "FAILED",
    [PREFECT_CANCELLED] = "CANCELLED",   [PREFECT_CRASHED] = "CRASHED",
    [PREFECT_PAUSED] = "PAUSED",         [PREFECT_CANCELLING] = "CANCELLING",
};

const char *prefect_state_type_name(enum prefect_state_type type)
{
    ASSERT((size_t)type < ARRAY_LEN(type_names));
    return type_names[type];
}

enum prefect_state_type prefect_state_type_parse(str name)
{
    for (size_t i = 1; i < ARRAY_LEN(type_names); i++)
        if (str_eq(name, str_of(type_names[i])))
            return (enum prefect_state_type)i;
    return PREFECT_STATE_UNKNOWN;
}

bool prefect_state_type_final(enum prefect_state_type type)
{
    switch (type) {
    case PREFECT_COMPLETED:
    case PREFECT_FAILED:
    case PREFECT_CANCELLED:
    case PREFECT_CRASHED:
        return true;
    case PREFECT_STATE_UNKNOWN:
    case PREFECT_SCHEDULED:
    case PREFECT_PENDING:
    case PREFECT_RUNNING:
    case PREFECT_PAUSED:
    case PREFECT_CANCELLING:
        return false;
    }
    return false;
}

/* The keys and the order of the Python client's StateDetails. */
static void write_details(struct json_writer *w, const struct uuid *flow_run_id,
                          const struct uuid *transition_id)
{
    char text[UUID_TEXT_LEN + 1];
    json_key(w, STR("state_details"));
    json_object_begin(w);
    json_member_str(w, "flow_run_id", uuid_format(flow_run_id, text));
    json_member_null(w, "task_run_id");
    json_member_null(w, "child_flow_run_id");
    json_member_null(w, "scheduled_time");
    json_member_null(w, "cache_key");
    json_member_null(w, "cache_expiration");
    json_member_null(w, "deferred");
    json_member_bool(w, "untrackable_result", false);
    json_member_null(w, "pause_timeout");
    json_member_bool(w, "pause_reschedule", false);
    json_member_null(w, "pause_key");
    json_member_null(w, "run_input_keyset");
    json_member_null(w, "refresh_cache");
    json_member_null(w, "retriable");
    json_member_str(w, "transition_id", uuid_format(transition_id, text));
    json_member_null(w, "task_parameters_id");
    json_member_null(w, "traceparent");
    json_member_null(w, "deployment_concurrency_lease_id");
    json_object_end(w);
}

void prefect_state_body(struct json_writer *w, enum prefect_state_type type, str name, str message,
                        const struct uuid *flow_run_id, const struct uuid *transition_id,
                        bool force)
{
    json_object_begin(w);
    json_key(w, STR("state"));
    json_object_begin(w);
    json_member_cstr(w, "type", prefect_state_type_name(type));
    json_member_str(w, "name", name);
    if (message.n)
        json_member_str(w, "message", message);
    else
        json_member_null(w, "message");
    write_details(w, flow_run_id, transition_id);
    json_member_null(w, "data");
    json_object_end(w);
    json_member_bool(w, "force", force);
    json_object_end(w);
}

struct uuid prefect_uuid_read(struct arena *out, struct json v)
{
    struct uuid u;
    return uuid_parse(json_str(out, v), &u) ? u : (struct uuid){0};
}

int64_t prefect_time_read(struct arena *out, struct json v)
{
    int64_t at_us;
    return time_parse_rfc3339(json_str(out, v), &at_us) ? at_us : 0;
}

enum err_kind prefect_state_read(struct arena *out, struct json v, struct prefect_state *state,
                                 struct err *e)
{
    *state = (struct prefect_state){0};
    if (json_is_null(v))
        return ERR_NONE;
    str type = json_str(out, json_get(v, STR("type")));
    if (!type.n)
        return err_set(e, ERR_INVALID, "a state in the reply of the Prefect API has no type");
    state->present = true;
    state->type = prefect_state_type_parse(type);
    state->id = prefect_uuid_read(out, json_get(v, STR("id")));
    state->name = json_str(out, json_get(v, STR("name")));
    state->message = json_str(out, json_get(v, STR("message")));
    state->timestamp_us = prefect_time_read(out, json_get(v, STR("timestamp")));
    state->transition_id = prefect_uuid_read(out, json_path(v, "state_details.transition_id"));
    return ERR_NONE;
}

static bool parse_verdict(str status, enum prefect_verdict *verdict)
{
    static const struct {
        str name;
        enum prefect_verdict verdict;
    } names[] = {
        {STR_INIT("ACCEPT"), PREFECT_ACCEPT},
        {STR_INIT("REJECT"), PREFECT_REJECT},
        {STR_INIT("ABORT"), PREFECT_ABORT},
        {STR_INIT("WAIT"), PREFECT_WAIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(status, names[i].name)) {
            *verdict = names[i].verdict;
            return true;
        }
    return false;
}

enum err_kind prefect_state_reply_read(struct arena *out, str body,
                                       struct prefect_state_reply *reply, struct err *e)
{
    *reply = (struct prefect_state_reply){0};
    struct json root;
    enum err_kind kind = json_parse(out, body, &root, e);
    if (kind)
        return err_prefix(e, "the reply of set_state: ");
    str status = json_str(out, json_get(root, STR("status")));
    if (!parse_verdict(status, &reply->verdict))
        return err_set(e, ERR_INVALID,
                       "set_state was answered with the unknown status \"" STR_FMT "\"",
                       STR_ARG(str_sub(status, 0, 40)));
    struct json details = json_get(root, STR("details"));
    reply->reason = json_str(out, json_get(details, STR("reason")));
    double delay_s = 0;
    if (json_f64(json_get(details, STR("delay_seconds")), &delay_s) && delay_s > 0)
        reply->delay_ms = delay_s < 1e9 ? (int64_t)(delay_s * 1000) : (int64_t)1e12;
    return prefect_state_read(out, json_get(root, STR("state")), &reply->state, e);
}
