/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include <string.h>

#include <yaml.h>

#include "format/json_check.h"
#include "format/tree_number.h"
#include "format/yaml_scalar.h"

#define CORE_TAG "tag:yaml.org,2002:"

/* A node that was named by &name. */
struct anchor {
    struct anchor *next;
    str name;
    struct tree *node;
    bool complete; /* not inside of itself */
};

/* A collection that is being read. */
struct frame {
    struct tree *node;
    struct tree *merged; /* members that << brings in; they come before its own */
    struct anchor *anchor;
    str key;
    uint32_t key_line;
    bool has_key; /* a mapping's key was read, its value is next */
    bool merging; /* that key is << */
};

struct reader {
    struct arena *out;
    struct err *e;
    yaml_event_t *event;
    struct frame frames[JSON_DEPTH_MAX];
    int depth;
    struct tree *root;
    struct anchor *anchors;
    uint32_t nodes, anchor_count;
    bool ended; /* a document was read */
};

/* ERR_INVALID at the event's place. */
static enum err_kind refuse(const struct reader *r, const char *wrong, str what)
{
    return err_set(r->e, ERR_INVALID, "YAML at line %zu, column %zu: %s" STR_FMT,
                   r->event->start_mark.line + 1, r->event->start_mark.column + 1, wrong,
                   STR_ARG(str_sub(what, 0, 100)));
}

static enum err_kind over_limit(const struct reader *r, const char *limit, size_t value)
{
    return err_set(r->e, ERR_LIMIT, "YAML at line %zu has more than %zu %s",
                   r->event->start_mark.line + 1, value, limit);
}

static enum err_kind no_room(const struct reader *r)
{
    return err_set(r->e, ERR_LIMIT, "YAML of %zu bytes does not fit into memory",
                   r->event->start_mark.index);
}

static struct frame *top(struct reader *r)
{
    return r->depth ? &r->frames[r->depth - 1] : NULL;
}

static bool key_is_due(struct reader *r)
{
    struct frame *f = top(r);
    return f && f->node->type == TREE_OBJECT && !f->has_key;
}

/* The nodes of a tree that stands `depth` deep count again, wherever an alias repeats them. */
static enum err_kind count_nodes(struct reader *r, const struct tree *v, int depth)
{
    if (depth > JSON_DEPTH_MAX || (depth == JSON_DEPTH_MAX && v->type >= TREE_ARRAY))
        return over_limit(r, "levels", JSON_DEPTH_MAX);
    if (++r->nodes > YAML_NODES_MAX)
        return over_limit(r, "values, with aliases expanded", YAML_NODES_MAX);
    enum err_kind kind = ERR_NONE;
    for (const struct tree *child = v->first; child && !kind; child = child->next)
        kind = count_nodes(r, child, depth + 1);
    return kind;
}

static enum err_kind copy(struct reader *r, const struct tree *v, struct tree **result)
{
    enum err_kind kind = count_nodes(r, v, r->depth);
    if (kind)
        return kind;
    *result = tree_clone(r->out, v);
    return *result ? ERR_NONE : no_room(r);
}

/* Adds the members of `from` to what the mapping inherits. */
static enum err_kind inherit_one(struct reader *r, struct frame *f, const struct tree *from)
{
    if (from->type != TREE_OBJECT)
        return refuse(r, "<< takes a mapping or a list of mappings", STR(""));
    for (const struct tree *member = from->first; member; member = member->next) {
        struct tree *mine;
        enum err_kind kind = copy(r, member, &mine);
        if (kind)
            return kind;
        tree_add(f->merged, member->key, mine);
    }
    return ERR_NONE;
}

/* The value of << was read. Of a list the first mapping wins, so it is added last. */
static enum err_kind inherit(struct reader *r, struct frame *f, const struct tree *from)
{
    f->merging = false;
    if (!f->merged)
        f->merged = tree_object(r->out);
    if (!f->merged)
        return no_room(r);
    if (from->type != TREE_ARRAY)
        return inherit_one(r, f, from);
    enum err_kind kind = ERR_NONE;
    for (size_t i = from->count; i-- > 0 && !kind;)
        kind = inherit_one(r, f, tree_at(from, i));
    return kind;
}

/* A scalar as a key: what Python's json module makes of it. */
static enum err_kind take_key(struct reader *r, struct frame *f, const struct tree *v)
{
    f->has_key = true;
    f->key_line = v->line;
    switch ((enum tree_type)v->type) {
    case TREE_STRING:
    case TREE_NUMBER:
        f->key = v->text;
        return ERR_NONE;
    case TREE_BOOL:
        f->key = v->boolean ? STR("true") : STR("false");
        return ERR_NONE;
    case TREE_NULL:
        f->key = STR("null");
        return ERR_NONE;
    default:
        return refuse(r, "a key must be text, a number or a truth value", STR(""));
    }
}

/* A whole value was read: it goes where it belongs. */
static enum err_kind place(struct reader *r, struct tree *v)
{
    struct frame *f = top(r);
    if (!f) {
        r->root = v;
        return ERR_NONE;
    }
    ASSERT(f->node);
    if (f->node->type == TREE_ARRAY) {
        tree_append(f->node, v);
        return ERR_NONE;
    }
    if (!f->has_key)
        return take_key(r, f, v);
    f->has_key = false;
    if (f->merging)
        return inherit(r, f, v);
    v->line = f->key_line;
    tree_add(f->node, f->key, v);
    return ERR_NONE;
}

static enum err_kind add_anchor(struct reader *r, const yaml_char_t *name, struct tree *node,
                                struct anchor **result)
{
    *result = NULL;
    if (!name)
        return ERR_NONE;
    if (++r->anchor_count > YAML_ANCHORS_MAX)
        return over_limit(r, "anchors", YAML_ANCHORS_MAX);
    struct anchor *a = ARENA_NEW(r->out, struct anchor);
    str copied = a ? str_copy(r->out, str_of((const char *)name)) : (str){0};
    if (!copied.p)
        return no_room(r);
    *a = (struct anchor){.next = r->anchors, .name = copied, .node = node};
    r->anchors = *result = a;
    return ERR_NONE;
}

static enum err_kind new_node(struct reader *r, enum tree_type type, struct tree **result)
{
    if (++r->nodes > YAML_NODES_MAX)
        return over_limit(r, "values, with aliases expanded", YAML_NODES_MAX);
    struct tree *v = ARENA_NEW(r->out, struct tree);
    if (!v)
        return no_room(r);
    v->type = (uint8_t)type;
    v->line = (uint32_t)r->event->start_mark.line + 1;
    *result = v;
    return ERR_NONE;
}

static enum err_kind begin(struct reader *r, enum tree_type type, const yaml_char_t *tag,
                           const yaml_char_t *anchor)
{
    const char *core = type == TREE_OBJECT ? CORE_TAG "map" : CORE_TAG "seq";
    if (tag && strcmp((const char *)tag, core) != 0 && strcmp((const char *)tag, "!") != 0)
        return refuse(r, "unknown tag ", str_of((const char *)tag));
    if (key_is_due(r))
        return refuse(r, "a key must be text, a number or a truth value", STR(""));
    if (r->depth == JSON_DEPTH_MAX)
        return over_limit(r, "levels", JSON_DEPTH_MAX);
    struct frame *f = &r->frames[r->depth];
    *f = (struct frame){0};
    enum err_kind kind = new_node(r, type, &f->node);
    if (!kind)
        kind = add_anchor(r, anchor, f->node, &f->anchor);
    r->depth++;
    return kind;
}

static enum err_kind end(struct reader *r)
{
    struct frame *f = top(r);
    ASSERT(f && f->node); /* libyaml's ends match its starts */
    struct tree *v = f->node;
    if (f->merged && f->merged->first) {
        f->merged->last->next = v->first;
        v->first = f->merged->first;
        v->last = v->last ? v->last : f->merged->last;
        v->count += f->merged->count;
    }
    if (v->type == TREE_OBJECT && !tree_merge_duplicates(r->out, v))
        return no_room(r);
    if (f->anchor)
        f->anchor->complete = true;
    r->depth--;
    return place(r, v);
}

/* Fills a scalar from its text, by the type that its tag or its form says. */
static enum err_kind fill(struct reader *r, struct tree *v, enum yaml_scalar type, str text)
{
    switch (type) {
    case YAML_NULL:
        v->type = TREE_NULL;
        return ERR_NONE;
    case YAML_BOOL:
        v->type = TREE_BOOL;
        return yaml_scalar_bool(text, &v->boolean) ? ERR_NONE
                                                   : refuse(r, "neither true nor false: ", text);
    case YAML_INT:
    case YAML_FLOAT: {
        v->type = TREE_NUMBER;
        enum err_kind kind = yaml_scalar_number(r->out, text, &v->text, r->e);
        if (kind)
            err_prefix(r->e, "YAML at line %zu: ", r->event->start_mark.line + 1);
        return kind;
    }
    default:
        v->type = TREE_STRING;
        v->text = str_copy(r->out, text);
        return v->text.p ? ERR_NONE : no_room(r);
    }
}

/* The type that a tag asks for. The line break of a block scalar is no part of a number. */
static enum err_kind tagged_type(const struct reader *r, str tag, str *text, enum yaml_scalar *type)
{
    str number = str_trim(*text);
    enum yaml_scalar form = yaml_scalar_type(number);
    if (str_eq(tag, STR(CORE_TAG "str")) || str_eq(tag, STR(CORE_TAG "timestamp"))) {
        *type = YAML_TEXT;
    } else if (str_eq(tag, STR(CORE_TAG "null"))) {
        *type = YAML_NULL;
    } else if (str_eq(tag, STR(CORE_TAG "bool"))) {
        *type = YAML_BOOL;
    } else if (str_eq(tag, STR(CORE_TAG "int"))) {
        *type = YAML_INT;
        if (form != YAML_INT)
            return refuse(r, "not an integer: ", *text);
        *text = number;
    } else if (str_eq(tag, STR(CORE_TAG "float"))) {
        *type = YAML_FLOAT;
        if (form != YAML_INT && form != YAML_FLOAT && !json_is_number(number))
            return refuse(r, "not a number: ", *text);
        *text = number;
    } else {
        return refuse(r, "unknown tag ", tag);
    }
    return ERR_NONE;
}

static enum err_kind scalar(struct reader *r)
{
    str text = {(const char *)r->event->data.scalar.value, r->event->data.scalar.length};
    str tag = str_of((const char *)r->event->data.scalar.tag);
    bool by_form = r->event->data.scalar.plain_implicit;
    if (str_eq(tag, STR("!")))
        tag = (str){0};
    struct frame *f = top(r);
    if (key_is_due(r) &&
        ((by_form && str_eq(text, STR("<<"))) || str_eq(tag, STR(CORE_TAG "merge")))) {
        f->has_key = f->merging = true;
        return ERR_NONE;
    }
    enum yaml_scalar type = by_form ? yaml_scalar_type(text) : YAML_TEXT;
    enum err_kind kind = tag.n ? tagged_type(r, tag, &text, &type) : ERR_NONE;
    struct tree *v;
    struct anchor *anchor;
    if (!kind)
        kind = new_node(r, TREE_STRING, &v);
    if (!kind)
        kind = fill(r, v, type, text);
    if (!kind && tag.n && type == YAML_FLOAT && tree_number_is_integer(v->text)) {
        v->text = str_printf(r->out, STR_FMT ".0", STR_ARG(v->text));
        kind = v->text.p ? ERR_NONE : no_room(r);
    }
    if (!kind)
        kind = add_anchor(r, r->event->data.scalar.anchor, v, &anchor);
    if (kind)
        return kind;
    if (anchor)
        anchor->complete = true;
    return place(r, v);
}

static enum err_kind alias(struct reader *r)
{
    str name = str_of((const char *)r->event->data.alias.anchor);
    struct anchor *a = r->anchors;
    while (a && !str_eq(a->name, name))
        a = a->next;
    if (!a)
        return refuse(r, "there is no anchor named ", name);
    if (!a->complete)
        return refuse(r, "a value that contains itself: *", name);
    struct tree *v;
    enum err_kind kind = copy(r, a->node, &v);
    if (kind)
        return kind;
    v->line = (uint32_t)r->event->start_mark.line + 1;
    return place(r, v);
}

static enum err_kind take_event(struct reader *r)
{
    yaml_event_t *event = r->event;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->ended)
            return refuse(r, "a second document begins; only one is allowed", STR(""));
        r->ended = true;
        return ERR_NONE;
    case YAML_MAPPING_START_EVENT:
        return begin(r, TREE_OBJECT, event->data.mapping_start.tag,
                     event->data.mapping_start.anchor);
    case YAML_SEQUENCE_START_EVENT:
        return begin(r, TREE_ARRAY, event->data.sequence_start.tag,
                     event->data.sequence_start.anchor);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return end(r);
    case YAML_SCALAR_EVENT:
        return scalar(r);
    case YAML_ALIAS_EVENT:
        return alias(r);
    default:
        return ERR_NONE;
    }
}

static enum err_kind parser_error(const yaml_parser_t *p, struct err *e)
{
    switch (p->error) {
    case YAML_MEMORY_ERROR:
        return err_set(e, ERR_LIMIT, "YAML needs more memory than --memory-budget allows");
    case YAML_READER_ERROR:
        return err_set(e, ERR_INVALID, "YAML at line %zu, byte %zu is not valid text: %s",
                       p->mark.line + 1, p->problem_offset, p->problem);
    default:
        return err_set(e, ERR_INVALID, "YAML at line %zu, column %zu: %s", p->problem_mark.line + 1,
                       p->problem_mark.column + 1, p->problem ? p->problem : "cannot be read");
    }
}

enum err_kind yaml_parse(struct arena *out, str text, struct tree **tree, struct err *e)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct reader r = {.out = out, .e = e, .event = &event};
    if (!yaml_parser_initialize(&parser)) {
        yaml_parser_delete(&parser);
        return err_set(e, ERR_LIMIT, "YAML needs more memory than --memory-budget allows");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    enum err_kind kind = ERR_NONE;
    for (bool more = true; more && !kind;) {
        if (!yaml_parser_parse(&parser, &event)) {
            kind = parser_error(&parser, e);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        kind = take_event(&r);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (kind)
        return kind;
    *tree = r.root ? r.root : tree_null(out);
    return *tree ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for a YAML document");
}
