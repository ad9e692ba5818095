/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "worker/manifest_build.h"

/*
 * Environment of the run: settings of the worker, what identifies the run, the configured env, the
 * behaviour on SIGTERM; in that order, later ones win in the place of the first. Then into the
 * first container, with what the template has there by hand behind it.
 */

#define SIGTERM_BEHAVIOR "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"

/* A list of {"name", "value"} is kept as the array that the container gets. `dict`: names are
 * unique, as long as no entry with valueFrom is put behind. */
struct environment {
    struct tree *list;
    bool dict;
};

/* -- names: texts nearly always, but a list may give numbers, which are keys to Python too */

static double number_of(const struct tree *v)
{
    return v->type == TREE_BOOL ? v->boolean : 0;
}

static bool same_name(const struct tree *a, const struct tree *b)
{
    if (a->type == TREE_STRING || b->type == TREE_STRING)
        return a->type == b->type && str_eq(a->text, b->text);
    if (a->type == TREE_NULL || b->type == TREE_NULL)
        return a->type == b->type;
    if (a->type == TREE_NUMBER && b->type == TREE_NUMBER)
        return tree_eq(a, b);
    if (a->type == TREE_BOOL && b->type == TREE_BOOL)
        return number_of(a) == number_of(b);
    const struct tree *number = a->type == TREE_NUMBER ? a : b, *boolean = number == a ? b : a;
    struct tree as_number = {.type = TREE_NUMBER, .text = boolean->boolean ? STR("1") : STR("0")};
    return tree_eq(number, &as_number);
}

static bool is_name(const struct tree *name, const char *text)
{
    return tree_is(name, TREE_STRING) && str_eq(name->text, str_of(text));
}

static struct tree *find(const struct environment *env, const struct tree *name)
{
    for (struct tree *it = env->list->first; it; it = it->next)
        if (same_name(tree_get(it, STR("name")), name))
            return it;
    return NULL;
}

/* -- building the list */

static bool put(struct build *b, struct environment *env, struct tree *name, struct tree *value)
{
    if (!name || !value)
        return false;
    if (tree_is(name, TREE_STRING) && manifest_name_is_secret(name->text))
        value->secret = true;
    struct tree *old = find(env, name);
    if (old)
        return tree_set(b->out, old, STR("value"), value);
    struct tree *entry = tree_object(b->out);
    if (!entry)
        return false;
    entry->origin = value->origin;
    name->origin = value->origin;
    return tree_add(entry, STR("name"), name) && tree_add(entry, STR("value"), value) &&
           tree_append(env->list, entry);
}

static bool put_text(struct build *b, struct environment *env, str name, str value,
                     enum tree_origin origin, bool secret)
{
    struct tree *node = tree_str(b->out, value);
    if (!node)
        return false;
    node->origin = (uint8_t)origin;
    node->secret = secret;
    return put(b, env, tree_str(b->out, name), node);
}

static bool put_settings(struct build *b, struct environment *env)
{
    str name, value;
    bool secret, done = true;
    for (size_t i = 0;
         settings_propagated(b->in->config->settings, i, &name, &value, &secret) && done; i++)
        done = put_text(b, env, name, value, TREE_FROM_SETTING, secret);
    return done;
}

/* Names and ids that the run's process is told; what is not known is left out. */
static bool put_identity(struct build *b, struct environment *env)
{
    const struct manifest_input *in = b->in;
    const struct {
        const char *name;
        str value;
    } all[] = {
        {"PREFECT__FLOW_RUN_ID", build_text(in->flow_run, "id")},
        {"PREFECT__WORKER_ID", in->worker_id},
        {"PREFECT__WORKER_NAME", in->config->name},
        {"PREFECT__FLOW_ID", build_text(in->flow_run, "flow_id")},
        {"PREFECT__FLOW_NAME", build_text(in->flow, "name")},
        {"PREFECT__DEPLOYMENT_ID", build_text(in->flow_run, "deployment_id")},
        {"PREFECT__DEPLOYMENT_NAME", build_text(in->deployment, "name")},
    };
    bool done = true;
    for (size_t i = 0; i < ARRAY_LEN(all) && done; i++)
        if (all[i].value.n)
            done = put_text(b, env, str_of(all[i].name), all[i].value, TREE_FROM_WORKER, false);
    return done;
}

/* Entries of a list that have name and value. */
static enum err_kind put_list(struct build *b, struct environment *env)
{
    size_t index = 0;
    for (const struct tree *it = b->env->first; it; it = it->next, index++) {
        const struct tree *name = tree_get(it, STR("name")), *value = tree_get(it, STR("value"));
        if (!name || !value)
            continue;
        if (name->type == TREE_ARRAY || name->type == TREE_OBJECT) {
            struct build_path path = {.up = &(struct build_path){.key = STR_INIT("env")},
                                      .index = index};
            return build_fail_at(b, "TypeError", &path, "has a name that is a %s",
                                 pyrepr_type(name));
        }
        if (!put(b, env, tree_clone(b->out, name), tree_clone(b->out, value)))
            return build_full(b);
    }
    return ERR_NONE;
}

static enum err_kind put_configured(struct build *b, struct environment *env)
{
    if (!b->env)
        return ERR_NONE;
    if (b->env->type == TREE_ARRAY)
        return put_list(b, env);
    for (const struct tree *it = b->env->first; it; it = it->next)
        if (!put(b, env, tree_str(b->out, it->key), tree_clone(b->out, it)))
            return build_full(b);
    return ERR_NONE;
}

/* A null takes the variable away. */
static void drop_nulls(struct environment *env)
{
    for (struct tree *it = env->list->first, *next; it; it = next) {
        next = it->next;
        if (tree_is_null(tree_get(it, STR("value"))))
            tree_unlink(env->list, it);
    }
}

/* Entries with valueFrom go behind the plain ones, as they are. */
static bool put_special(struct build *b, struct environment *env)
{
    if (!tree_is(b->env, TREE_ARRAY))
        return true;
    for (const struct tree *it = b->env->first; it; it = it->next) {
        if (!tree_get(it, STR("valueFrom")))
            continue;
        if (!tree_append(env->list, tree_clone(b->out, it)))
            return false;
        env->dict = false;
    }
    return true;
}

/* -- SIGTERM */

static bool equals_zero(const struct tree *v)
{
    return v && (v->type == TREE_NUMBER || v->type == TREE_BOOL) && !pyrepr_is_true(v);
}

static struct tree *find_behavior(const struct environment *env)
{
    for (struct tree *it = env->list->first; it; it = it->next)
        if (is_name(tree_get(it, STR("name")), SIGTERM_BEHAVIOR))
            return it;
    return NULL;
}

static bool set_behavior(struct build *b, struct environment *env, const char *behavior)
{
    struct tree *value = tree_str(b->out, str_of(behavior)), *old = find_behavior(env);
    if (!value)
        return false;
    value->origin = TREE_FROM_WORKER;
    if (old)
        return tree_set(b->out, old, STR("value"), value);
    struct tree *entry = tree_object(b->out), *name = tree_str(b->out, STR(SIGTERM_BEHAVIOR));
    if (!entry || !name)
        return false;
    entry->origin = name->origin = TREE_FROM_WORKER;
    return tree_add(entry, STR("name"), name) && tree_add(entry, STR("value"), value) &&
           tree_append(env->list, entry);
}

/* With backoffLimit 0 Prefect may schedule an evicted run again; else Kubernetes makes a new pod,
 * and the run's process has to keep its hands off. */
static bool configure_sigterm(struct build *b, struct environment *env)
{
    struct tree *old = find_behavior(env);
    if (equals_zero(tree_get(b->spec, STR("backoffLimit")))) {
        bool given = old && (!env->dict || pyrepr_is_true(tree_get(old, STR("value"))));
        return given || set_behavior(b, env, "reschedule");
    }
    while (!env->dict && old) {
        tree_unlink(env->list, old);
        old = find_behavior(env);
    }
    return set_behavior(b, env, "relinquish");
}

/* -- into the container */

static bool is_key(const struct tree *v)
{
    return !v || (v->type != TREE_ARRAY && v->type != TREE_OBJECT);
}

static bool has_name(const struct environment *env, const struct tree *name)
{
    struct tree null = {.type = TREE_NULL};
    name = name ? name : &null;
    for (const struct tree *it = env->list->first; it; it = it->next)
        if (same_name(tree_get(it, STR("name")), name))
            return true;
    return false;
}

/* What the template's container has by hand and is not among ours. */
static enum err_kind keep_template_entries(struct build *b, struct environment *env,
                                           struct tree *given)
{
    for (const struct tree *it = env->list->first; it; it = it->next) {
        const struct tree *name = tree_get(it, STR("name"));
        if (!name)
            return build_fail(b, "KeyError",
                              "an entry of env has valueFrom, but no name; the template's "
                              "container has env entries of its own, so names are needed");
        if (!is_key(name))
            return build_fail(b, "TypeError", "an entry of env has a name that is a %s",
                              pyrepr_type(name));
    }
    struct build_path path = {.up = &build_at_container, .key = STR_INIT("env")};
    struct tree *last = env->list->last;
    for (struct tree *it = given->first, *next; it; it = next) {
        next = it->next;
        if (it->type != TREE_OBJECT)
            return build_fail_at(b, "AttributeError", &path, "must be a list of objects");
        const struct tree *name = tree_get(it, STR("name"));
        if (!is_key(name))
            return build_fail_at(b, "TypeError", &path, "has a name that is a %s",
                                 pyrepr_type(name));
        /* Compared with ours only: the template may repeat a name. */
        struct tree *rest = last ? last->next : NULL;
        if (last)
            last->next = NULL;
        bool ours = has_name(env, name);
        if (last)
            last->next = rest;
        if (tree_is(name, TREE_STRING) && manifest_name_is_secret(name->text) &&
            tree_get(it, STR("value")))
            tree_get(it, STR("value"))->secret = true;
        if (!ours)
            tree_append(env->list, it);
    }
    return ERR_NONE;
}

static enum err_kind put_into_container(struct build *b, struct environment *env)
{
    struct tree *given = tree_get(b->container, STR("env"));
    if (tree_is(given, TREE_ARRAY)) {
        enum err_kind kind = keep_template_entries(b, env, given);
        if (kind)
            return kind;
    }
    env->list->origin = TREE_FROM_WORKER;
    return tree_set(b->out, b->container, STR("env"), env->list) ? ERR_NONE : build_full(b);
}

enum err_kind build_environment(struct build *b)
{
    struct environment env = {.list = tree_array(b->out), .dict = true};
    if (!env.list || !put_settings(b, &env) || !put_identity(b, &env))
        return build_full(b);
    enum err_kind kind = put_configured(b, &env);
    if (kind)
        return kind;
    drop_nulls(&env);
    if (!put_special(b, &env) || !configure_sigterm(b, &env))
        return build_full(b);
    return put_into_container(b, &env);
}
