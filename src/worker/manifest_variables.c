/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "worker/manifest_build.h"

/*
 * Job variables: the deployment's and the run's merged, dotted keys unfolded, over the defaults of
 * the template's schema. Then job_configuration with its placeholders of values filled in.
 */

/* -- the deployment's and the run's variables */

/* The job variables that `holder` has, or an empty object. The API gives an object or null; a
 * server of version 2 knows those of a deployment by their former name alone. */
static struct tree *variables_of(struct build *b, const struct tree *holder,
                                 enum tree_origin origin)
{
    const struct tree *given = tree_get(holder, STR("job_variables"));
    if (!given)
        given = tree_get(holder, STR("infra_overrides"));
    struct tree *copy =
        tree_is(given, TREE_OBJECT) ? tree_clone(b->out, given) : tree_object(b->out);
    tree_set_origin(copy, origin);
    return copy;
}

/* One element of a sequence that dict.update() takes: it must be a pair. */
static enum err_kind update_pair(struct build *b, struct tree *env, struct tree *pair, size_t index)
{
    struct tree first, second;
    const struct tree *key = pair->first, *value = key ? key->next : NULL;
    size_t count = pair->count;
    if (pair->type == TREE_STRING) { /* its characters */
        key = template_lookup(pair, STR("0"), &first);
        value = template_lookup(pair, STR("1"), &second);
        count = template_lookup(pair, STR("2"), &(struct tree){0}) ? 3 : value ? 2 : key ? 1 : 0;
    } else if (pair->type != TREE_ARRAY && pair->type != TREE_OBJECT) {
        return build_fail(b, "TypeError",
                          "env of the flow run's job variables can't be merged into the "
                          "deployment's: entry %zu is no pair of name and value",
                          index);
    }
    if (count != 2)
        return build_fail(b, "ValueError",
                          "env of the flow run's job variables is a list and the deployment's an "
                          "object; they can't be merged. Give both as objects");
    /* Of an object Python takes the keys, not the values. */
    bool keys = pair->type == TREE_OBJECT;
    ASSERT(key && value); /* two of them */
    str name = keys ? key->key : tree_text(key);
    if (!keys && key->type != TREE_STRING)
        return build_fail(b, "TypeError",
                          "env of the flow run's job variables: the name of entry %zu is no text",
                          index);
    struct tree *copy = keys ? tree_str(b->out, value->key) : tree_clone(b->out, value);
    tree_set_origin(copy, TREE_FROM_RUN);
    return tree_set(b->out, env, name, copy) ? ERR_NONE : build_full(b);
}

/* The run's env over the deployment's, key by key: Python's dict.update(). */
static enum err_kind update_env(struct build *b, struct tree *env, struct tree *run_env)
{
    if (run_env->type == TREE_OBJECT) {
        for (struct tree *it = run_env->first, *next; it; it = next) {
            next = it->next;
            if (!tree_set(b->out, env, it->key, it))
                return build_full(b);
        }
        return ERR_NONE;
    }
    if (run_env->type == TREE_STRING && run_env->text.n == 0)
        return ERR_NONE;
    if (run_env->type != TREE_ARRAY)
        return build_fail(b, run_env->type == TREE_STRING ? "ValueError" : "TypeError",
                          "env of the flow run's job variables must be an object of names and "
                          "values, but is a %s",
                          pyrepr_type(run_env));
    size_t index = 0;
    for (struct tree *it = run_env->first; it; it = it->next) {
        enum err_kind kind = update_pair(b, env, it, index++);
        if (kind)
            return kind;
    }
    return ERR_NONE;
}

/* *merged: the deployment's variables, the run's over them; env key by key. */
static enum err_kind merge(struct build *b, struct tree **merged)
{
    struct tree *base = variables_of(b, b->in->deployment, TREE_FROM_DEPLOYMENT);
    struct tree *run = variables_of(b, b->in->flow_run, TREE_FROM_RUN);
    if (!base || !run)
        return build_full(b);
    struct tree *env = tree_get(base, STR("env"));
    if (tree_is(env, TREE_OBJECT)) {
        struct tree *run_env = tree_get(run, STR("env"));
        enum err_kind kind = ERR_NONE;
        if (run_env) {
            tree_unlink(run, run_env);
            kind = update_env(b, env, run_env);
        }
        if (kind)
            return kind;
    }
    b->run_variables = tree_clone(b->out, run);
    for (struct tree *it = run->first, *next; it; it = next) {
        next = it->next;
        if (!tree_set(b->out, base, it->key, it))
            return build_full(b);
    }
    *merged = base;
    return ERR_NONE;
}

/* -- dotted keys */

/* Sets the value at a dotted path of `into`, making the objects on the way. */
static enum err_kind unfold(struct build *b, struct tree *into, const struct tree *value)
{
    struct tree *copy = tree_clone(b->out, value);
    struct buf part = buf_new(b->out, value->key.n);
    str path = value->key, name;
    if (!copy)
        return build_full(b);
    for (bool more = true; more;) {
        size_t begin = part.n;
        size_t i = 0;
        for (; i < path.n && path.p[i] != '.' && path.p[i] != '['; i++)
            if (path.p[i] != ']')
                buf_byte(&part, path.p[i]);
        name = str_sub(buf_str(&part), begin, part.n);
        more = i < path.n;
        path = str_skip(path, i + 1);
        if (!more)
            break;
        struct tree *next = tree_get(into, name);
        if (next && next->type != TREE_OBJECT)
            return build_fail(b, "TypeError",
                              "job variable '" STR_FMT "' of %s can't be set: '" STR_FMT
                              "' on its way has a value that is no object",
                              STR_ARG(value->key), build_origin(value->origin), STR_ARG(name));
        if (!next) {
            next = tree_object(b->out);
            tree_set_origin(next, value->origin);
            if (!tree_set(b->out, into, name, next))
                return build_full(b);
        }
        into = next;
    }
    return tree_set(b->out, into, name, copy) ? ERR_NONE : build_full(b);
}

/* Objects are merged member by member, anything else replaces. Takes `from` apart. */
static bool deep_merge(struct build *b, struct tree *into, struct tree *from)
{
    for (struct tree *it = from->first, *next; it; it = next) {
        next = it->next;
        struct tree *old = tree_get(into, it->key);
        if (tree_is(old, TREE_OBJECT) && it->type == TREE_OBJECT) {
            if (!deep_merge(b, old, it))
                return false;
        } else if (!tree_set(b->out, into, it->key, it)) {
            return false;
        }
    }
    return true;
}

static bool is_dotted(str key)
{
    return str_find_char(key, '.') >= 0;
}

/* A dotted key that a plain one has overruled: easily overlooked, as it is silent in Prefect. */
static void warn_overruled(struct build *b, const struct tree *given, const struct tree *unfolded)
{
    for (const struct tree *it = given->first; it; it = it->next) {
        if (!is_dotted(it->key))
            continue;
        struct tree character;
        str first = template_first_key(it->key);
        const struct tree *winner = tree_get(given, first);
        const struct tree *at = template_lookup(unfolded, it->key, &character);
        if (winner && (winner->type != TREE_OBJECT || (at && !tree_eq(at, it))))
            build_warn(b,
                       "job variable '" STR_FMT "' of %s has no effect: '" STR_FMT
                       "' of %s sets the same value, and a key without dots wins",
                       STR_ARG(it->key), build_origin(it->origin), STR_ARG(first),
                       build_origin(winner->origin));
    }
}

/* Dotted keys become objects, in order; plain keys go over them. */
static enum err_kind transform(struct build *b, const struct tree *given, struct tree **unfolded)
{
    struct tree *into = tree_object(b->out);
    if (!into)
        return build_full(b);
    for (const struct tree *it = given->first; it; it = it->next) {
        enum err_kind kind = is_dotted(it->key) ? unfold(b, into, it) : ERR_NONE;
        if (kind)
            return kind;
    }
    for (const struct tree *it = given->first; it; it = it->next) {
        if (is_dotted(it->key))
            continue;
        struct tree *copy = tree_clone(b->out, it), *old = tree_get(into, it->key);
        bool both = tree_is(old, TREE_OBJECT) && tree_is(copy, TREE_OBJECT);
        if (!copy || !(both ? deep_merge(b, old, copy) : !!tree_set(b->out, into, it->key, copy)))
            return build_full(b);
    }
    warn_overruled(b, given, into);
    *unfolded = into;
    return ERR_NONE;
}

/* -- defaults */

/* A description that is no object: the Python worker asks `"default" in it`, and then fails or does
 * not. NULL: it passes. */
static const char *unfit(const struct tree *description)
{
    switch ((enum tree_type)description->type) {
    case TREE_NULL:
    case TREE_BOOL:
    case TREE_NUMBER:
        return "TypeError";
    case TREE_STRING:
        return str_has(description->text, STR("default")) ? "AttributeError" : NULL;
    case TREE_ARRAY:
        for (const struct tree *it = description->first; it; it = it->next)
            if (str_eq(tree_text(it), STR("default")))
                return "AttributeError";
        return NULL;
    case TREE_OBJECT:
        break;
    }
    return NULL;
}

/* Defaults of the schema that are not null. */
static enum err_kind defaults(struct build *b, struct tree **variables)
{
    const struct tree *schema = tree_get(b->template, STR("variables"));
    const struct tree *properties = tree_get(schema, STR("properties"));
    struct tree *into = tree_object(b->out);
    if (!into)
        return build_full(b);
    if (!schema)
        return build_fail(b, "KeyError", "the base job template has no member 'variables'");
    if (schema->type != TREE_OBJECT || (properties && properties->type != TREE_OBJECT))
        return build_fail(b, "AttributeError",
                          "'variables' of the base job template must be a JSON schema: an object "
                          "with 'properties', which is an object too");
    for (const struct tree *it = properties ? properties->first : NULL; it; it = it->next) {
        const char *exception = unfit(it);
        if (exception)
            return build_fail(b, exception,
                              "variable '" STR_FMT "' of the base job template must be described "
                              "by an object",
                              STR_ARG(it->key));
        const struct tree *value = tree_get(it, STR("default"));
        if (tree_is_null(value))
            continue;
        struct tree *copy = tree_clone(b->out, value);
        tree_set_origin(copy, TREE_FROM_DEFAULT);
        if (!tree_set(b->out, into, it->key, copy))
            return build_full(b);
    }
    *variables = into;
    return ERR_NONE;
}

/* The pool's template; the stock one where the pool has none. */
static enum err_kind find_template(struct build *b)
{
    const struct tree *template = tree_get(b->in->work_pool, STR("base_job_template"));
    if (tree_is_null(template) || (template->type == TREE_OBJECT && template->count == 0)) {
        struct tree *stock;
        struct err e;
        enum err_kind kind =
            tree_parse_json(b->out, b->scratch, manifest_default_template(), &stock, &e);
        if (kind)
            return build_full(b);
        template = stock;
    }
    if (template->type != TREE_OBJECT)
        return build_fail(b, "ValidationError", "the base job template must be an object");
    b->template = template;
    b->configuration = tree_get(template, STR("job_configuration"));
    if (!b->configuration)
        return build_fail(b, "KeyError", "the base job template has no member 'job_configuration'");
    if (b->configuration->type != TREE_OBJECT)
        return build_fail(b, "AttributeError",
                          "'job_configuration' of the base job template must be an object");
    return ERR_NONE;
}

/* -- env of job_configuration */

/* Variable env over the object env, key by key. */
static enum err_kind join_env(struct build *b, struct tree *env, const struct tree *over)
{
    if (over->type != TREE_OBJECT)
        return build_fail(b, "TypeError",
                          "job_configuration.env is an object, and variable 'env' of %s is a %s: "
                          "they can't be merged",
                          build_origin(over->origin), pyrepr_type(over));
    for (const struct tree *it = over->first; it; it = it->next)
        if (!tree_set(b->out, env, it->key, tree_clone(b->out, it)))
            return build_full(b);
    return ERR_NONE;
}

/* The default goes into env before placeholders are filled in, and so does the final variable where
 * env is an object by then. */
static enum err_kind configure_env(struct build *b, struct tree *configuration,
                                   const struct tree *by_default)
{
    struct tree *env = tree_get(configuration, STR("env"));
    enum err_kind kind = ERR_NONE;
    if (by_default && pyrepr_is_true(by_default)) {
        if (tree_is(env, TREE_OBJECT)) {
            kind = join_env(b, env, by_default);
        } else {
            env = tree_clone(b->out, by_default);
            if (!tree_set(b->out, configuration, STR("env"), env))
                return build_full(b);
        }
    }
    const struct tree *given = tree_get(b->variables, STR("env"));
    if (!kind && tree_is(env, TREE_OBJECT) && given && pyrepr_is_true(given))
        kind = join_env(b, env, given);
    if (!kind && tree_is(env, TREE_ARRAY) && given && given->origin != TREE_FROM_DEFAULT)
        build_warn(b,
                   "variable 'env' of %s has no effect on the container: the base job template's "
                   "own env is a list, and lists are not merged",
                   build_origin(given->origin));
    return kind;
}

/* job_configuration with env replaced by a copy that may be changed; the rest is shared. */
static struct tree *open_configuration(struct build *b)
{
    struct tree *copy = tree_object(b->out);
    for (const struct tree *it = b->configuration->first; copy && it; it = it->next) {
        struct tree *value = NULL;
        if (str_eq(it->key, STR("env"))) {
            value = tree_clone(b->out, it);
            tree_set_origin(value, TREE_FROM_TEMPLATE);
        } else if ((value = tree_null(b->out))) {
            *value = *it; /* children are only read */
        }
        if (!tree_add(copy, it->key, value))
            return NULL;
    }
    return copy;
}

enum err_kind build_variables(struct build *b)
{
    struct tree *given = NULL, *by_default = NULL;
    enum err_kind kind = merge(b, &given);
    if (!kind)
        kind = find_template(b);
    if (!kind)
        kind = defaults(b, &b->variables);
    if (!kind && tree_get(b->variables, STR("env")))
        by_default = tree_clone(b->out, tree_get(b->variables, STR("env")));
    struct tree *unfolded = NULL;
    if (!kind)
        kind = transform(b, given, &unfolded);
    if (kind)
        return kind;
    build_warn_unused(b, unfolded);
    for (struct tree *it = unfolded->first, *next; it; it = next) {
        next = it->next;
        if (!tree_set(b->out, b->variables, it->key, it))
            return build_full(b);
    }
    struct tree *configuration = open_configuration(b);
    if (!configuration)
        return build_full(b);
    b->resolved = configuration;
    return configure_env(b, configuration, by_default);
}

/* Nodes that came from nowhere else came from the template. */
static void mark_template(struct tree *v)
{
    if (v->origin == TREE_FROM_NOWHERE)
        v->origin = TREE_FROM_TEMPLATE;
    for (struct tree *it = v->first; it; it = it->next)
        mark_template(it);
}

enum err_kind build_values(struct build *b)
{
    struct template_context context = {.out = b->out,
                                       .scratch = b->scratch,
                                       .values = b->variables,
                                       .environment = b->in->environment};
    struct tree *resolved = template_apply(&context, b->resolved);
    if (context.full || !resolved)
        return build_full(b);
    mark_template(resolved);
    b->resolved = resolved;
    return ERR_NONE;
}
