/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/template_check_parts.h"

/* The schema of the variables: defaults that it does not allow itself, variables that nothing
 * uses. */

static bool uses(const struct tree *v, str name)
{
    struct template_placeholder p;
    if (v->type == TREE_STRING)
        for (size_t at = 0; template_next(v->text, &at, &p);)
            if (p.kind == TEMPLATE_VALUE && str_eq(template_first_key(p.name), name))
                return true;
    for (const struct tree *it = v->first; it; it = it->next)
        if (uses(it, name))
            return true;
    return false;
}

static bool is_whole(const struct tree *value)
{
    return value->type == TREE_NUMBER && str_find_char(value->text, '.') < 0 &&
           str_find_char(value->text, 'e') < 0 && str_find_char(value->text, 'E') < 0;
}

/* JSON Schema's type, by its name. An unknown name allows everything. */
static bool has_type(const struct tree *value, str type)
{
    static const struct {
        const char *name;
        enum tree_type type;
    } types[] = {
        {"string", TREE_STRING}, {"number", TREE_NUMBER}, {"integer", TREE_NUMBER},
        {"boolean", TREE_BOOL},  {"object", TREE_OBJECT}, {"array", TREE_ARRAY},
        {"null", TREE_NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(type, str_of(types[i].name)))
            return value->type == types[i].type &&
                   (!str_eq(type, STR("integer")) || is_whole(value));
    return true;
}

/* By `type` (a name, or a list of them) and `anyOf`; other rules are the server's. */
static bool allows(const struct tree *schema, const struct tree *value)
{
    const struct tree *type = tree_get(schema, STR("type")), *any = tree_get(schema, STR("anyOf"));
    if (tree_is(type, TREE_STRING) && !has_type(value, type->text))
        return false;
    if (tree_is(type, TREE_ARRAY)) {
        const struct tree *it = type->first;
        while (it && !has_type(value, tree_text(it)))
            it = it->next;
        if (!it)
            return false;
    }
    if (!tree_is(any, TREE_ARRAY))
        return true;
    for (const struct tree *it = any->first; it; it = it->next)
        if (allows(it, value))
            return true;
    return false;
}

static bool is_listed(const struct tree *list, const struct tree *value)
{
    for (const struct tree *it = list->first; it; it = it->next)
        if (tree_eq(it, value))
            return true;
    return false;
}

static void check_variable(struct check *c, const struct check_path *path,
                           const struct tree *variable)
{
    if (variable->type != TREE_OBJECT) {
        check_fault(c, path, variable,
                    "must be a JSON schema: an object with 'type', 'default' "
                    "and so on");
        return;
    }
    const struct tree *value = tree_get(variable, STR("default"));
    const struct tree *choices = tree_get(variable, STR("enum"));
    if (!tree_is_null(value) && !allows(variable, value))
        check_fault(c, path, value, "its default is of another type than the schema says");
    if (!tree_is_null(value) && tree_is(choices, TREE_ARRAY) && !is_listed(choices, value))
        check_fault(c, path, value, "its default is none of the values that 'enum' lists");
    /* env goes into the container without a placeholder too. */
    if (c->configuration && !str_eq(variable->key, STR("env")) &&
        !uses(c->configuration, variable->key))
        check_warning(c, path, variable, "no placeholder in job_configuration uses this variable");
}

void check_schema(struct check *c)
{
    struct check_path variables = {.key = STR_INIT("variables")};
    struct check_path path = {.up = &variables, .key = STR_INIT("properties")};
    if (!c->properties)
        return;
    if (c->properties->type != TREE_OBJECT) {
        check_fault(c, &path, c->properties, "must be an object: a schema for each variable");
        c->properties = NULL;
        return;
    }
    for (const struct tree *it = c->properties->first; it && !c->full; it = it->next) {
        struct check_path place = {.up = &path, .key = it->key};
        check_variable(c, &place, it);
    }
}
