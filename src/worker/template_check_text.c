/* SPDX-License-Identifier: Apache-2.0 */
#include "format/arguments.h"
#include "worker/template_check_parts.h"

/* Placeholders: of variables that are not declared, incomplete references, and braces that look
 * like a placeholder and are none. */

#define NAMES_MAX 256 /* declared variables that a suggestion is looked for among */

static str nearest(const struct check *c, str name)
{
    str names[NAMES_MAX];
    size_t count = 0;
    const struct tree *it = c->properties ? c->properties->first : NULL;
    for (; it && count < NAMES_MAX; it = it->next)
        names[count++] = it->key;
    ptrdiff_t near = arguments_nearest(name, names, count);
    return near >= 0 ? names[near] : (str){0};
}

static void check_value(struct check *c, const struct check_path *path, const struct tree *node,
                        const struct template_placeholder *p)
{
    str key = template_first_key(p->name);
    if (str_eq(key, STR("ctx"))) {
        check_fault(c, path, node,
                    STR_FMT " stays empty here: the run and its flow are only filled in where the "
                            "value of variable 'name' refers to them",
                    STR_ARG(p->text));
        return;
    }
    if (tree_get(c->properties, key))
        return;
    str near = nearest(c, key);
    check_fault(c, path, node,
                STR_FMT " refers to '" STR_FMT
                        "', which variables.properties does not declare%s" STR_FMT "%s",
                STR_ARG(p->text), STR_ARG(key), near.n ? "; is '" : "", STR_ARG(near),
                near.n ? "' meant?" : "");
}

static void check_block(struct check *c, const struct check_path *path, const struct tree *node,
                        const struct template_placeholder *p)
{
    str rest = str_skip(p->name, sizeof TEMPLATE_BLOCK_PREFIX - 1), type, name;
    if (!str_cut(rest, '.', &type, &rest) || !type.n) {
        check_fault(c, path, node, STR_FMT " is not complete: write prefect.blocks.TYPE.NAME",
                    STR_ARG(p->text));
        return;
    }
    str_cut(rest, '.', &name, &rest);
    if (!name.n)
        check_fault(c, path, node, STR_FMT " names no block", STR_ARG(p->text));
}

/* Text beside placeholders: double braces in it were meant as one, nearly always. */
static void check_plain(struct check *c, const struct check_path *path, const struct tree *node,
                        str plain)
{
    if (!str_has(plain, STR("{{")))
        return;
    ptrdiff_t begin = str_find(plain, STR("{{")), end = str_find(plain, STR("}}"));
    str shown = str_sub(plain, (size_t)begin, end > begin ? (size_t)end + 2 : plain.n);
    check_warning(c, path, node,
                  "\"" STR_FMT "\" is no placeholder and stays as it is: a name has letters, "
                  "digits and _ . - [ ] $ only, and closes with two braces",
                  STR_ARG(str_sub(shown, 0, 100)));
}

static void check_text(struct check *c, const struct check_path *path, const struct tree *node)
{
    struct template_placeholder p;
    size_t at = 0, behind = 0;
    while (template_next(node->text, &at, &p)) {
        check_plain(c, path, node, str_sub(node->text, behind, at - p.text.n));
        behind = at;
        if (p.kind == TEMPLATE_VALUE)
            check_value(c, path, node, &p);
        else if (p.kind == TEMPLATE_BLOCK)
            check_block(c, path, node, &p);
    }
    check_plain(c, path, node, str_skip(node->text, behind));
}

static void walk(struct check *c, const struct check_path *path, const struct tree *node)
{
    size_t index = 0;
    if (node->type == TREE_STRING)
        check_text(c, path, node);
    for (const struct tree *it = node->first; it && !c->full; it = it->next) {
        struct check_path place = {.up = path, .index = index++};
        if (node->type == TREE_OBJECT)
            place.key = (str){it->key.p ? it->key.p : "", it->key.n};
        if (node->type == TREE_OBJECT && str_eq(it->key, STR("$ref")) && it->type != TREE_OBJECT)
            check_fault(c, &place, it, "must be an object {\"block_document_id\": ID}");
        walk(c, &place, it);
    }
}

void check_texts(struct check *c)
{
    struct check_path path = {.key = STR_INIT("job_configuration")};
    walk(c, &path, c->configuration);
}
