/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree.h"
#include "format/tree_number.h"

static enum err_kind no_room(struct err *e)
{
    return err_set(e, ERR_LIMIT, "a JSON document does not fit into memory");
}

static enum err_kind convert(struct arena *out, struct json v, struct tree **tree, struct err *e);

static enum err_kind convert_children(struct arena *out, struct json v, struct tree *parent,
                                      struct err *e)
{
    struct json_iter it = json_each(v);
    while (json_next(&it)) {
        struct tree *child;
        enum err_kind kind = convert(out, it.value, &child, e);
        if (kind)
            return kind;
        if (it.object) {
            str key = json_str(out, it.key);
            if (!key.p)
                return no_room(e);
            tree_add(parent, key, child);
        } else {
            tree_append(parent, child);
        }
    }
    if (it.object && !tree_merge_duplicates(out, parent))
        return no_room(e);
    return ERR_NONE;
}

static struct tree *convert_scalar(struct arena *out, struct json v, enum json_type type)
{
    bool flag = false;
    switch (type) {
    case JSON_BOOL:
        return json_bool(v, &flag) ? tree_bool(out, flag) : NULL;
    case JSON_NUMBER:
        return tree_number(out, json_raw(v));
    case JSON_STRING: {
        str text = json_str(out, v);
        return text.p ? tree_str(out, text) : NULL;
    }
    default:
        return tree_null(out);
    }
}

/* As deep as the document, which json_parse has capped. */
static enum err_kind convert(struct arena *out, struct json v, struct tree **tree, struct err *e)
{
    enum json_type type = json_type(v);
    double value;
    if (type == JSON_NUMBER && !tree_number_is_integer(json_raw(v)) &&
        !tree_number_f64(json_raw(v), &value))
        return err_set(e, ERR_INVALID, "the number " STR_FMT " is out of range",
                       STR_ARG(str_sub(json_raw(v), 0, 60)));
    if (type != JSON_OBJECT && type != JSON_ARRAY) {
        *tree = convert_scalar(out, v, type);
        return *tree ? ERR_NONE : no_room(e);
    }
    *tree = type == JSON_OBJECT ? tree_object(out) : tree_array(out);
    return *tree ? convert_children(out, v, *tree, e) : no_room(e);
}

enum err_kind tree_from_json(struct arena *out, struct json v, struct tree **tree, struct err *e)
{
    return convert(out, v, tree, e);
}

enum err_kind tree_parse_json(struct arena *out, struct arena scratch, str text, struct tree **tree,
                              struct err *e)
{
    ASSERT(scratch.base != out->base);
    struct json root;
    enum err_kind kind = json_parse(&scratch, text, &root, e);
    return kind ? kind : tree_from_json(out, root, tree, e);
}

static void write_number(struct json_writer *w, str literal)
{
    json_put_raw(w, STR(""));
    tree_number_write(w->out, literal);
}

void tree_write_json(struct json_writer *w, const struct tree *v)
{
    switch (v ? (enum tree_type)v->type : TREE_NULL) {
    case TREE_NULL:
        json_put_null(w);
        break;
    case TREE_BOOL:
        json_put_bool(w, v->boolean);
        break;
    case TREE_NUMBER:
        write_number(w, v->text);
        break;
    case TREE_STRING:
        json_put_str(w, v->text);
        break;
    case TREE_ARRAY:
        json_array_begin(w);
        for (const struct tree *child = v->first; child && !w->out->full; child = child->next)
            tree_write_json(w, child);
        json_array_end(w);
        break;
    case TREE_OBJECT:
        json_object_begin(w);
        for (const struct tree *child = v->first; child && !w->out->full; child = child->next) {
            json_key(w, child->key);
            tree_write_json(w, child);
        }
        json_object_end(w);
        break;
    }
}

static void line_break(struct buf *out, int spaces)
{
    buf_byte(out, '\n');
    for (int i = 0; i < spaces; i++)
        buf_byte(out, ' ');
}

static void write_pretty(struct buf *out, const struct tree *v, int indent, int depth)
{
    struct json_writer w = json_writer_python(out);
    if (!v || !v->first) {
        tree_write_json(&w, v);
        return;
    }
    if (depth == JSON_DEPTH_MAX)
        out->full = true;
    bool object = v->type == TREE_OBJECT;
    buf_byte(out, object ? '{' : '[');
    for (const struct tree *child = v->first; child && !out->full; child = child->next) {
        line_break(out, indent * (depth + 1));
        if (object) {
            json_put_str(&w, child->key);
            buf_cstr(out, ": ");
        }
        write_pretty(out, child, indent, depth + 1);
        if (child->next)
            buf_byte(out, ',');
    }
    line_break(out, indent * depth);
    buf_byte(out, object ? '}' : ']');
}

void tree_write_json_pretty(struct buf *out, const struct tree *v, int indent)
{
    write_pretty(out, v, indent, 0);
}
