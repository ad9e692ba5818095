/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "command/render.h"
#include "format/yaml.h"

/* What `render` reads from files. */

enum err_kind render_read(struct render *r, str path, struct tree **object, struct err *e)
{
    str name = str_copy(r->arena, path), text;
    if (!name.p)
        return err_set(e, ERR_LIMIT, "the path is too long");
    enum err_kind kind = file_read(r->arena, name.p, FILE_MAX, &text, e);
    if (kind)
        return kind;
    bool yaml = str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml"));
    kind = yaml ? yaml_parse(r->arena, text, object, e)
                : tree_parse_json(r->arena, r->scratch, text, object, e);
    if (!kind && !tree_is(*object, TREE_OBJECT))
        kind = err_set(e, ERR_INVALID, "it holds no object");
    if (kind)
        return err_prefix(e, STR_FMT ": ", STR_ARG(path));
    return ERR_NONE;
}

/* Members without which the file can't be what it is given as. */
static enum err_kind check(const struct tree *object, const char *option, str path,
                           const char *const *members, struct err *e)
{
    for (; *members; members++)
        if (!tree_is(tree_get(object, str_of(*members)), TREE_STRING))
            return err_set(e, ERR_INVALID,
                           "--%s " STR_FMT ": this is not what the API gives: '%s' is missing or "
                           "no text",
                           option, STR_ARG(path), *members);
    return ERR_NONE;
}

enum err_kind render_read_files(struct render *r, struct err *e)
{
    static const char *const members[] = {"id", "name", NULL}, *const none[] = {NULL};
    const struct {
        enum render_option option;
        const char *name;
        const char *const *members;
        struct tree **object;
    } files[] = {
        {RENDER_WORK_POOL, "work-pool", members, &r->work_pool},
        {RENDER_FLOW_RUN, "flow-run", members, &r->flow_run},
        {RENDER_DEPLOYMENT, "deployment", members, &r->deployment},
        {RENDER_FLOW, "flow", members, &r->flow},
        {RENDER_VALUES, "values", none, &r->values},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        const struct argument_value *given = &r->given[files[i].option];
        if (!given->given)
            continue;
        enum err_kind kind = render_read(r, given->text, files[i].object, e);
        if (!kind)
            kind = check(*files[i].object, files[i].name, given->text, files[i].members, e);
        if (kind)
            return kind;
    }
    return ERR_NONE;
}

/* -- --values */

/* An entry that is a whole block document, as the API gives one, stands for its data. */
static struct tree *data_of(struct render *r, struct tree *v)
{
    struct tree *data = tree_get(v, STR("data"));
    if (data && (tree_get(v, STR("block_type")) || tree_get(v, STR("block_document_type")) ||
                 tree_get(v, STR("block_schema_id"))))
        return data;
    if (!v || v->type == TREE_OBJECT)
        return v;
    /* A plain value is the block's `value`, as a Secret block has it. */
    struct tree *wrapped = tree_object(r->arena);
    return tree_set(r->arena, wrapped, STR("value"), tree_clone(r->arena, v)) ? wrapped : NULL;
}

/* "TYPE/NAME", "TYPE.NAME" or the placeholder's own name beside each other, or NAME under TYPE. */
static struct tree *block_by_name(struct render *r, const struct tree *blocks,
                                  const struct manifest_reference *wanted)
{
    str type = wanted->type_slug, name = wanted->name;
    str key[] = {
        str_printf(r->arena, STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(name)),
        str_printf(r->arena, STR_FMT "." STR_FMT, STR_ARG(type), STR_ARG(name)),
        str_printf(r->arena, "prefect.blocks." STR_FMT "." STR_FMT, STR_ARG(type), STR_ARG(name)),
    };
    for (size_t i = 0; i < ARRAY_LEN(key); i++) {
        struct tree *found = tree_get(blocks, key[i]);
        if (found)
            return found;
    }
    return tree_get(tree_get(blocks, wanted->type_slug), wanted->name);
}

static bool is_document(const struct tree *document, const struct manifest_reference *wanted)
{
    if (wanted->kind == MANIFEST_BLOCK_BY_ID)
        return str_eq(tree_text(tree_get(document, STR("id"))), wanted->name);
    return str_eq(tree_text(tree_get(document, STR("name"))), wanted->name) &&
           str_eq(tree_text(tree_path(document, "block_type.slug")), wanted->type_slug);
}

static struct tree *block(struct render *r, const struct manifest_reference *wanted)
{
    struct tree *blocks = tree_get(r->values, STR("blocks")), *found = NULL;
    if (tree_is(blocks, TREE_ARRAY)) { /* documents, as the API lists them */
        for (struct tree *it = blocks->first; it && !found; it = it->next)
            found = is_document(it, wanted) ? it : NULL;
    } else if (wanted->kind == MANIFEST_BLOCK_BY_ID) {
        found = tree_get(blocks, wanted->name);
    } else {
        found = block_by_name(r, blocks, wanted);
    }
    return found ? data_of(r, found) : NULL;
}

static struct tree *variable(struct render *r, const struct manifest_reference *wanted)
{
    struct tree *variables = tree_get(r->values, STR("variables"));
    if (!tree_is(variables, TREE_ARRAY)) {
        str long_name = str_printf(r->arena, "prefect.variables." STR_FMT, STR_ARG(wanted->name));
        struct tree *found = tree_get(variables, wanted->name);
        return found ? found : tree_get(variables, long_name);
    }
    for (struct tree *it = variables->first; it; it = it->next)
        if (str_eq(tree_text(tree_get(it, STR("name"))), wanted->name))
            return tree_get(it, STR("value"));
    return NULL;
}

struct tree *render_value(struct render *r, const struct manifest_reference *wanted)
{
    return wanted->kind == MANIFEST_VARIABLE ? variable(r, wanted) : block(r, wanted);
}
