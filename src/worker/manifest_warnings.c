/* SPDX-License-Identifier: Apache-2.0 */
#include "format/arguments.h"
#include "worker/manifest_build.h"

/* A job variable that no placeholder uses: usually a spelling mistake, and silent in Prefect. */

#define NAMES_MAX 128 /* variables of a template that a suggestion is looked for among */

struct names {
    str name[NAMES_MAX];
    size_t count;
};

static bool has(const struct names *names, str name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->name[i], name))
            return true;
    return false;
}

static void add(struct names *names, str name)
{
    if (names->count < NAMES_MAX && !has(names, name))
        names->name[names->count++] = name;
}

/* A placeholder in the tree begins with variable `name`; all that are met go into `names`. */
static bool uses(const struct tree *v, str name, struct names *names)
{
    bool found = false;
    if (v->type == TREE_STRING) {
        struct template_placeholder p;
        for (size_t at = 0; template_next(v->text, &at, &p);) {
            if (p.kind != TEMPLATE_VALUE)
                continue;
            str key = template_first_key(p.name);
            add(names, key);
            found |= str_eq(key, name);
        }
    }
    for (const struct tree *it = v->first; it; it = it->next)
        found |= uses(it, name, names);
    return found;
}

void build_warn_unused(struct build *b, const struct tree *given)
{
    for (const struct tree *it = given->first; it; it = it->next) {
        struct names names = {.count = 0};
        /* env goes into the container without a placeholder too. */
        if (str_eq(it->key, STR("env")) || uses(b->configuration, it->key, &names))
            continue;
        ptrdiff_t near = arguments_nearest(it->key, names.name, names.count);
        str suggestion = near >= 0 ? names.name[near] : (str){0};
        build_warn(b,
                   "job variable '" STR_FMT "' of %s is used by no placeholder of the base job "
                   "template, so it has no effect%s" STR_FMT "%s",
                   STR_ARG(it->key), build_origin(it->origin), suggestion.n ? "; is '" : "",
                   STR_ARG(suggestion), suggestion.n ? "' meant?" : "");
    }
}
