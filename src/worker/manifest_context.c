/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "format/number.h"
#include "worker/manifest_build.h"

/*
 * What "{{ ctx.flow_run.* }}" and "{{ ctx.flow.* }}" in a name refer to: the API's objects as the
 * Python client holds them. Its models have an order, fill in what is absent and drop what they do
 * not know; times and durations are printed its way. That shows where a whole object is embedded.
 */

enum field_kind {
    FIELD_ANY,     /* as it is; null where absent */
    FIELD_OBJECT,  /* {} where absent */
    FIELD_ARRAY,   /* [] where absent */
    FIELD_ZERO,    /* 0 where absent */
    FIELD_FALSE,   /* false where absent */
    FIELD_SECONDS, /* a duration, as a float; 0.0 where absent */
    FIELD_TIME,
    FIELD_POLICY,  /* empirical_policy */
    FIELD_STATE,   /* null where absent */
    FIELD_DETAILS, /* state_details */
    FIELD_CREATOR, /* null where absent */
};

struct field {
    const char *name;
    enum field_kind kind;
};

static const struct field flow_run_fields[] = {
    {"id", FIELD_ANY},
    {"created", FIELD_TIME},
    {"updated", FIELD_TIME},
    {"name", FIELD_ANY},
    {"flow_id", FIELD_ANY},
    {"state_id", FIELD_ANY},
    {"deployment_id", FIELD_ANY},
    {"deployment_version", FIELD_ANY},
    {"work_queue_name", FIELD_ANY},
    {"flow_version", FIELD_ANY},
    {"parameters", FIELD_OBJECT},
    {"idempotency_key", FIELD_ANY},
    {"context", FIELD_OBJECT},
    {"empirical_policy", FIELD_POLICY},
    {"tags", FIELD_ARRAY},
    {"labels", FIELD_OBJECT},
    {"parent_task_run_id", FIELD_ANY},
    {"run_count", FIELD_ZERO},
    {"expected_start_time", FIELD_TIME},
    {"next_scheduled_start_time", FIELD_TIME},
    {"start_time", FIELD_TIME},
    {"end_time", FIELD_TIME},
    {"total_run_time", FIELD_SECONDS},
    {"estimated_run_time", FIELD_SECONDS},
    {"estimated_start_time_delta", FIELD_SECONDS},
    {"auto_scheduled", FIELD_FALSE},
    {"infrastructure_document_id", FIELD_ANY},
    {"infrastructure_pid", FIELD_ANY},
    {"created_by", FIELD_CREATOR},
    {"work_queue_id", FIELD_ANY},
    {"work_pool_id", FIELD_ANY},
    {"work_pool_name", FIELD_ANY},
    {"state", FIELD_STATE},
    {"job_variables", FIELD_ANY},
    {"state_type", FIELD_ANY},
    {"state_name", FIELD_ANY},
};

static const struct field flow_fields[] = {
    {"id", FIELD_ANY},   {"created", FIELD_TIME}, {"updated", FIELD_TIME},
    {"name", FIELD_ANY}, {"tags", FIELD_ARRAY},   {"labels", FIELD_OBJECT},
};

static const struct field policy_fields[] = {
    {"max_retries", FIELD_ZERO}, {"retry_delay_seconds", FIELD_SECONDS},
    {"retries", FIELD_ANY},      {"retry_delay", FIELD_ANY},
    {"pause_keys", FIELD_ARRAY}, {"resuming", FIELD_FALSE},
    {"retry_type", FIELD_ANY},
};

static const struct field state_fields[] = {
    {"id", FIELD_ANY},       {"created", FIELD_TIME},
    {"updated", FIELD_TIME}, {"type", FIELD_ANY},
    {"name", FIELD_ANY},     {"timestamp", FIELD_TIME},
    {"message", FIELD_ANY},  {"state_details", FIELD_DETAILS},
    {"data", FIELD_ANY},
};

static const struct field details_fields[] = {
    {"flow_run_id", FIELD_ANY},       {"task_run_id", FIELD_ANY},
    {"child_flow_run_id", FIELD_ANY}, {"scheduled_time", FIELD_TIME},
    {"cache_key", FIELD_ANY},         {"cache_expiration", FIELD_TIME},
    {"deferred", FIELD_ANY},          {"untrackable_result", FIELD_FALSE},
    {"pause_timeout", FIELD_TIME},    {"pause_reschedule", FIELD_FALSE},
    {"pause_key", FIELD_ANY},         {"run_input_keyset", FIELD_ANY},
    {"refresh_cache", FIELD_ANY},     {"retriable", FIELD_ANY},
    {"transition_id", FIELD_ANY},     {"task_parameters_id", FIELD_ANY},
    {"traceparent", FIELD_ANY},       {"deployment_concurrency_lease_id", FIELD_ANY},
};

static const struct field creator_fields[] = {
    {"id", FIELD_ANY},
    {"type", FIELD_ANY},
    {"display_value", FIELD_ANY},
};

static struct tree *shaped(struct arena *out, const struct tree *v, const struct field *fields,
                           size_t count);

/* Microseconds are what Python keeps of a duration. */
static struct tree *seconds(struct arena *out, const struct tree *v)
{
    char text[NUMBER_REPR_MAX];
    double value = 0;
    if (tree_is(v, TREE_NUMBER) && str_to_cstr(v->text, text, sizeof text))
        value = strtod(text, NULL);
    size_t n = number_repr(text, isfinite(value) ? nearbyint(value * 1e6) / 1e6 : 0);
    str literal = str_copy(out, (str){text, n});
    return literal.p ? tree_number(out, literal) : NULL;
}

/* UTC as "...Z"; the fraction with six digits, or none where it is zero. */
static struct tree *moment(struct arena *out, const struct tree *v)
{
    char text[TIME_TEXT_MAX];
    int64_t at_us;
    if (!tree_is(v, TREE_STRING))
        return tree_null(out);
    bool utc = str_ends(v->text, STR("Z")) || str_ends(v->text, STR("+00:00"));
    if (!utc || !time_parse_rfc3339(v->text, &at_us))
        return tree_clone(out, v);
    str copy = str_copy(out, time_format_rfc3339(at_us, text));
    return copy.p ? tree_str(out, copy) : NULL;
}

#define SHAPE(fields) shaped(out, v, fields, ARRAY_LEN(fields))

static struct tree *field_value(struct arena *out, const struct tree *v, enum field_kind kind)
{
    bool absent = tree_is_null(v);
    switch (kind) {
    case FIELD_ANY:
        return absent ? tree_null(out) : tree_clone(out, v);
    case FIELD_OBJECT:
        return absent ? tree_object(out) : tree_clone(out, v);
    case FIELD_ARRAY:
        return absent ? tree_array(out) : tree_clone(out, v);
    case FIELD_ZERO:
        return absent ? tree_i64(out, 0) : tree_clone(out, v);
    case FIELD_FALSE:
        return absent ? tree_bool(out, false) : tree_clone(out, v);
    case FIELD_SECONDS:
        return seconds(out, v);
    case FIELD_TIME:
        return moment(out, v);
    case FIELD_POLICY:
        return SHAPE(policy_fields);
    case FIELD_STATE:
        return absent ? tree_null(out) : SHAPE(state_fields);
    case FIELD_DETAILS:
        return SHAPE(details_fields);
    case FIELD_CREATOR:
        return absent ? tree_null(out) : SHAPE(creator_fields);
    }
    return NULL;
}

static struct tree *shaped(struct arena *out, const struct tree *v, const struct field *fields,
                           size_t count)
{
    struct tree *object = tree_object(out);
    for (size_t i = 0; object && i < count; i++) {
        str name = str_of(fields[i].name);
        if (!tree_add(object, name, field_value(out, tree_get(v, name), fields[i].kind)))
            return NULL;
    }
    return object;
}

struct tree *build_context(struct build *b)
{
    struct arena *out = b->out;
    struct tree *root = tree_object(out), *ctx = tree_object(out), *flow = NULL;
    const struct tree *v = b->in->flow_run;
    struct tree *run = SHAPE(flow_run_fields);
    v = b->in->flow;
    flow = v ? SHAPE(flow_fields) : tree_object(out);
    if (!root || !ctx || !run || !flow)
        return NULL;
    /* Merging took env out of the run's own variables where the deployment has one to merge with.
     */
    if (tree_is(tree_get(run, STR("job_variables")), TREE_OBJECT) &&
        !tree_set(out, run, STR("job_variables"), tree_clone(out, b->run_variables)))
        return NULL;
    tree_set_origin(run, TREE_FROM_RUN);
    tree_set_origin(flow, TREE_FROM_WORKER);
    if (!tree_add(root, STR("ctx"), ctx) || !tree_add(ctx, STR("flow"), flow) ||
        !tree_add(ctx, STR("flow_run"), run))
        return NULL;
    return root;
}
