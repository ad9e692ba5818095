/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "worker/manifest_build.h"

/*
 * Block documents, then variables of the API, in every string of the resolved configuration,
 * whether it came from the template or from a job variable. Works in place: a node becomes what it
 * refers to.
 */

/* Makes the node what `value` is, where it stands. */
static bool become(struct build *b, struct tree *node, const struct tree *value,
                   enum tree_origin origin)
{
    struct tree *copy = tree_clone(b->out, value);
    if (!copy)
        return false;
    tree_set_origin(copy, origin);
    copy->key = node->key;
    copy->next = node->next;
    *node = *copy;
    return true;
}

/* What was fetched for a reference; NULL: not yet. */
static const struct manifest_value *find(const struct build *b,
                                         const struct manifest_reference *wanted)
{
    for (const struct manifest_value *v = b->in->values; v; v = v->next)
        if (v->reference.kind == wanted->kind && str_eq(v->reference.name, wanted->name) &&
            (wanted->kind != MANIFEST_BLOCK || str_eq(v->reference.type_slug, wanted->type_slug)))
            return v;
    return NULL;
}

/* Says which reference has to be fetched, and where it stands. */
static enum err_kind need(struct build *b, const struct manifest_reference *wanted, str template,
                          const struct build_path *path)
{
    struct arena scratch = b->scratch;
    struct buf by = buf_new(&scratch, KIB);
    buf_put(&by, str_sub(template, 0, 200));
    buf_cstr(&by, " at job_configuration.");
    build_put_path(&by, path);
    b->error->needed = *wanted;
    b->error->needed_by = str_copy(b->out, buf_str(&by));
    b->error->exception = "ObjectNotFound";
    if (wanted->kind == MANIFEST_BLOCK)
        err_set(&b->error->err, ERR_MISSING,
                "block '" STR_FMT "' of type '" STR_FMT "' is needed by " STR_FMT,
                STR_ARG(wanted->name), STR_ARG(wanted->type_slug), STR_ARG(b->error->needed_by));
    else
        err_set(&b->error->err, ERR_MISSING, "%s '" STR_FMT "' is needed by " STR_FMT,
                wanted->kind == MANIFEST_VARIABLE ? "variable" : "the block with id",
                STR_ARG(wanted->name), STR_ARG(b->error->needed_by));
    build_one_line(b->error->err.text);
    return ERR_MISSING;
}

/* `name` without any occurrence of `prefix`, as the Python worker strips it. */
static str without(struct build *b, str name, str prefix)
{
    struct buf rest = buf_new(b->out, name.n + 1);
    for (ptrdiff_t at; (at = str_find(name, prefix)) >= 0;) {
        buf_put(&rest, str_sub(name, 0, (size_t)at));
        name = str_skip(name, (size_t)at + prefix.n);
    }
    buf_put(&rest, name);
    return rest.full ? (str){0} : buf_str(&rest);
}

/* -- blocks */

struct block_name {
    struct manifest_reference reference;
    str path;
    bool has_path;
};

static enum err_kind split_block(struct build *b, const struct template_placeholder *p,
                                 const struct build_path *path, struct block_name *block)
{
    str rest = without(b, p->name, STR(TEMPLATE_BLOCK_PREFIX));
    if (!rest.p)
        return build_full(b);
    block->reference.kind = MANIFEST_BLOCK;
    if (!str_cut(rest, '.', &block->reference.type_slug, &rest))
        return build_fail_at(b, "ValueError", path,
                             "refers to block " STR_FMT ", which is not complete: write "
                             "prefect.blocks.TYPE.NAME",
                             STR_ARG(p->name));
    block->has_path = str_cut(rest, '.', &block->reference.name, &block->path);
    return ERR_NONE;
}

/* A document whose only member is `value` stands for that value, unless the path names it. */
static const struct tree *unwrap(const struct tree *data, const struct block_name *block)
{
    const struct tree *value = tree_get(data, STR("value"));
    if (!value || data->count != 1)
        return data;
    bool named = block->has_path &&
                 (str_eq(block->path, STR("value")) || str_starts(block->path, STR("value.")) ||
                  str_starts(block->path, STR("value[")));
    return named ? data : value;
}

/* Type slugs whose documents are credentials as a whole. */
static bool is_secret_type(str slug)
{
    return str_eq(slug, STR("secret")) || manifest_name_is_secret(slug);
}

static void mark_secret(struct tree *v, bool all)
{
    v->secret |= all || (v->key.p && manifest_name_is_secret(v->key));
    for (struct tree *it = v->first; it; it = it->next)
        mark_secret(it, v->secret);
}

/* *value: a copy of what the placeholder refers to. */
static enum err_kind block_value(struct build *b, const struct tree *node,
                                 const struct template_placeholder *p,
                                 const struct build_path *path, struct tree **value)
{
    struct block_name block = {0};
    enum err_kind kind = split_block(b, p, path, &block);
    if (kind)
        return kind;
    const struct manifest_value *known = find(b, &block.reference);
    if (!known)
        return need(b, &block.reference, p->text, path);
    if (!known->value)
        return build_fail_at(
            b, "ObjectNotFound", path,
            "refers to block '" STR_FMT "' of type '" STR_FMT "', which does not exist (" STR_FMT
            "): it may have been deleted; create it or change the reference",
            STR_ARG(block.reference.name), STR_ARG(block.reference.type_slug), STR_ARG(p->text));
    struct tree character;
    const struct tree *data = unwrap(known->value, &block);
    if (block.has_path)
        data = template_lookup(data, block.path, &character);
    if (!data)
        return build_fail_at(
            b, "ValueError", path,
            "is '" STR_FMT "', but block '" STR_FMT "' has nothing at '" STR_FMT "'",
            STR_ARG(node->text), STR_ARG(block.reference.name), STR_ARG(block.path));
    *value = tree_clone(b->out, data);
    if (!*value)
        return build_full(b);
    tree_set_origin(*value, TREE_FROM_BLOCK);
    mark_secret(*value,
                is_secret_type(block.reference.type_slug) || manifest_name_is_secret(block.path));
    return ERR_NONE;
}

/* Fills in the text's placeholders of one kind. */
typedef enum err_kind value_fn(struct build *b, const struct tree *node,
                               const struct template_placeholder *p, const struct build_path *path,
                               struct tree **value);

static enum err_kind embed(struct build *b, struct tree *node, enum template_kind wanted,
                           value_fn *value_of, const struct build_path *path)
{
    struct arena scratch = b->scratch;
    struct buf text = buf_new(&scratch, TEMPLATE_TEXT_MAX);
    struct template_placeholder p;
    size_t at = 0, copied = 0;
    bool secret = node->secret;
    while (template_next(node->text, &at, &p)) {
        struct tree *value = NULL;
        if (p.kind != wanted)
            continue;
        enum err_kind kind = value_of(b, node, &p, path, &value);
        if (kind)
            return kind;
        if (wanted == TEMPLATE_BLOCK && (value->type == TREE_ARRAY || value->type == TREE_OBJECT))
            return build_fail_at(b, "ValueError", path,
                                 "embeds block placeholder " STR_FMT " in text, but it gives a %s: "
                                 "refer to one of its plain values, for example .value or .url",
                                 STR_ARG(p.text), pyrepr_type(value));
        buf_put(&text, str_sub(node->text, copied, at - p.text.n));
        copied = at;
        if (value) {
            pyrepr_str(&text, value);
            node->origin = value->origin;
            secret |= value->secret;
        }
    }
    if (!copied)
        return ERR_NONE;
    buf_put(&text, str_skip(node->text, copied));
    str copy = text.full ? (str){0} : str_copy(b->out, buf_str(&text));
    if (!copy.p)
        return build_full(b);
    node->text = copy;
    node->secret = secret;
    return ERR_NONE;
}

/* An object {"$ref": {"block_document_id": ID}} becomes the document's data. *done: it did. */
static enum err_kind by_id(struct build *b, struct tree *node, const struct build_path *path,
                           bool *done)
{
    const struct tree *ref = tree_get(node, STR("$ref"));
    if (!ref)
        return ERR_NONE;
    if (ref->type != TREE_OBJECT)
        return build_fail_at(b, "AttributeError", path,
                             "has a member '$ref' that is no object: it should hold "
                             "{\"block_document_id\": ID}");
    const struct tree *id = tree_get(ref, STR("block_document_id"));
    if (!id || !pyrepr_is_true(id))
        return ERR_NONE;
    if (id->type != TREE_STRING)
        return build_fail_at(b, "PrefectHTTPStatusError", path,
                             "has a block_document_id that is no text");
    struct manifest_reference reference = {.kind = MANIFEST_BLOCK_BY_ID, .name = id->text};
    const struct manifest_value *known = find(b, &reference);
    if (!known)
        return need(b, &reference, STR("{\"$ref\": ...}"), path);
    if (!known->value)
        return build_fail_at(b, "ObjectNotFound", path,
                             "refers to the block document with id '" STR_FMT
                             "', which does not exist: it may have been deleted",
                             STR_ARG(id->text));
    *done = true;
    if (!become(b, node, known->value, TREE_FROM_BLOCK))
        return build_full(b);
    mark_secret(node, false);
    return ERR_NONE;
}

static enum err_kind blocks(struct build *b, struct tree *node, const struct build_path *path)
{
    struct template_placeholder p;
    if (node->type == TREE_STRING) {
        if (!template_whole(node->text, &p) || p.kind != TEMPLATE_BLOCK)
            return embed(b, node, TEMPLATE_BLOCK, block_value, path);
        struct tree *value;
        enum err_kind kind = block_value(b, node, &p, path, &value);
        if (kind)
            return kind;
        value->key = node->key;
        value->next = node->next;
        *node = *value;
        return ERR_NONE;
    }
    bool done = false;
    enum err_kind kind = node->type == TREE_OBJECT ? by_id(b, node, path, &done) : ERR_NONE;
    size_t index = 0;
    if (done)
        return kind;
    for (struct tree *it = node->first; it && !kind; it = it->next) {
        struct build_path place = {.up = path, .index = index++};
        if (node->type == TREE_OBJECT)
            place.key = (str){it->key.p ? it->key.p : "", it->key.n};
        kind = blocks(b, it, &place);
    }
    return kind;
}

enum err_kind build_blocks(struct build *b)
{
    return blocks(b, b->resolved, NULL);
}

/* -- variables */

/* *value stays NULL where the API has no such variable: it counts as empty text. */
static enum err_kind variable_value(struct build *b, const struct tree *node,
                                    const struct template_placeholder *p,
                                    const struct build_path *path, struct tree **value)
{
    (void)node;
    struct manifest_reference reference = {.kind = MANIFEST_VARIABLE};
    reference.name = without(b, p->name, STR(TEMPLATE_VARIABLE_PREFIX));
    if (!reference.name.p)
        return build_full(b);
    const struct manifest_value *known = find(b, &reference);
    if (!known)
        return need(b, &reference, p->text, path);
    if (!known->value)
        return ERR_NONE;
    *value = tree_clone(b->out, known->value);
    if (!*value)
        return build_full(b);
    tree_set_origin(*value, TREE_FROM_VARIABLE);
    mark_secret(*value, manifest_name_is_secret(reference.name));
    return ERR_NONE;
}

static enum err_kind variables(struct build *b, struct tree *node, const struct build_path *path)
{
    struct template_placeholder p;
    if (node->type == TREE_STRING) {
        if (!template_whole(node->text, &p) || p.kind != TEMPLATE_VARIABLE)
            return embed(b, node, TEMPLATE_VARIABLE, variable_value, path);
        struct tree *value = NULL, empty = {.type = TREE_STRING, .text = STR_INIT("")};
        enum err_kind kind = variable_value(b, node, &p, path, &value);
        if (kind)
            return kind;
        if (!value)
            value = &empty;
        value->key = node->key;
        value->next = node->next;
        value->origin = TREE_FROM_VARIABLE;
        *node = *value;
        return ERR_NONE;
    }
    enum err_kind kind = ERR_NONE;
    size_t index = 0;
    for (struct tree *it = node->first; it && !kind; it = it->next) {
        struct build_path place = {.up = path, .index = index++};
        if (node->type == TREE_OBJECT)
            place.key = (str){it->key.p ? it->key.p : "", it->key.n};
        kind = variables(b, it, &place);
    }
    return kind;
}

enum err_kind build_references(struct build *b)
{
    return variables(b, b->resolved, NULL);
}
