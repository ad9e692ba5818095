/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml.h"

#include <string.h>

#include "format/toml_scan.h"
#include "format/utf8.h"

/* How a table or array came to be decides who may still add to it. */
enum made {
    BY_PATH,   /* [a.b] made a: a [a] of its own may follow */
    BY_HEADER, /* [a] or [[a]] */
    BY_KEY,    /* a.b = 1 made a: open until the next header */
    BY_VALUE,  /* a = { } or a = [ ]: complete */
};

struct table {
    struct tree tree; /* first, as children are held by it */
    enum made made;
    uint32_t section; /* BY_KEY: the header's number, from 1 */
};

struct toml {
    struct toml_scan scan;
    struct tree *root;
    struct tree *current; /* the table of the last header */
    uint32_t section;
    int header_depth;
    int depth; /* of values that are being read */
};

static struct table *as_table(struct tree *v)
{
    return v->type == TREE_OBJECT || v->type == TREE_ARRAY ? (struct table *)v : NULL;
}

static struct tree *new_table(struct toml *t, enum tree_type type, enum made made)
{
    struct table *table = ARENA_NEW(t->scan.out, struct table);
    if (!table)
        return NULL;
    table->tree.type = (uint8_t)type;
    table->tree.line = toml_line(&t->scan);
    table->made = made;
    table->section = t->section;
    return &table->tree;
}

static enum err_kind too_deep(struct toml *t)
{
    return err_set(t->scan.e, ERR_LIMIT, "TOML at line %u is nested more than %d deep",
                   toml_line(&t->scan), JSON_DEPTH_MAX);
}

/* One part of a key: bare or quoted. */
static enum err_kind read_part(struct toml *t, str *part)
{
    struct toml_scan *s = &t->scan;
    if (toml_at(s, '"') || toml_at(s, '\''))
        return toml_string(s, false, part);
    const char *from = s->p;
    while (s->p < s->end && ((*s->p >= 'a' && *s->p <= 'z') || (*s->p >= 'A' && *s->p <= 'Z') ||
                             (*s->p >= '0' && *s->p <= '9') || *s->p == '_' || *s->p == '-'))
        s->p++;
    *part = (str){from, (size_t)(s->p - from)};
    return part->n ? ERR_NONE : toml_refuse(s, "a key is due here");
}

struct key {
    str parts[JSON_DEPTH_MAX];
    int count;
};

static enum err_kind read_key(struct toml *t, struct key *key)
{
    struct toml_scan *s = &t->scan;
    key->count = 0;
    for (;;) {
        if (key->count == JSON_DEPTH_MAX)
            return too_deep(t);
        toml_skip_blanks(s);
        enum err_kind kind = read_part(t, &key->parts[key->count++]);
        if (kind)
            return kind;
        toml_skip_blanks(s);
        if (!toml_take(s, "."))
            return ERR_NONE;
    }
}

/* From a table to the one in it that a header's path names; made where it is missing. */
static enum err_kind descend_by_header(struct toml *t, struct tree **at, str part)
{
    struct tree *next = tree_get(*at, part);
    if (!next) {
        next = tree_add(*at, part, new_table(t, TREE_OBJECT, BY_PATH));
        *at = next;
        return next ? ERR_NONE : toml_no_room(&t->scan);
    }
    struct table *table = as_table(next);
    if (!table || table->made == BY_VALUE)
        return toml_refuse(&t->scan, "the key in front is no table that can be added to");
    *at = next->type == TREE_ARRAY ? next->last : next;
    return ERR_NONE;
}

/* The same for a.b.c = 1, of which only the part in front of the last makes tables. */
static enum err_kind descend_by_key(struct toml *t, struct tree **at, str part)
{
    struct tree *next = tree_get(*at, part);
    if (!next) {
        next = tree_add(*at, part, new_table(t, TREE_OBJECT, BY_KEY));
        *at = next;
        return next ? ERR_NONE : toml_no_room(&t->scan);
    }
    struct table *table = as_table(next);
    bool open = table &&
                (table->made == BY_PATH || (table->made == BY_KEY && table->section == t->section));
    if (!open)
        return toml_refuse(&t->scan, "the key in front is no table that can be added to");
    if (table->made == BY_PATH) {
        table->made = BY_KEY;
        table->section = t->section;
    }
    *at = next;
    return ERR_NONE;
}

static enum err_kind begin_table(struct toml *t, struct tree *parent, str name)
{
    struct tree *old = tree_get(parent, name);
    if (!old) {
        t->current = tree_add(parent, name, new_table(t, TREE_OBJECT, BY_HEADER));
        return t->current ? ERR_NONE : toml_no_room(&t->scan);
    }
    struct table *table = as_table(old);
    if (!table || old->type != TREE_OBJECT || table->made != BY_PATH)
        return toml_refuse(&t->scan, "this table was defined before");
    table->made = BY_HEADER;
    t->current = old;
    return ERR_NONE;
}

static enum err_kind begin_element(struct toml *t, struct tree *parent, str name)
{
    struct tree *array = tree_get(parent, name);
    if (array && (array->type != TREE_ARRAY || as_table(array)->made != BY_HEADER))
        return toml_refuse(&t->scan, "this key was defined before, as something else");
    if (!array)
        array = tree_add(parent, name, new_table(t, TREE_ARRAY, BY_HEADER));
    t->current = tree_append(array, new_table(t, TREE_OBJECT, BY_HEADER));
    return t->current ? ERR_NONE : toml_no_room(&t->scan);
}

/* At a bracket. */
static enum err_kind read_header(struct toml *t)
{
    struct toml_scan *s = &t->scan;
    struct key key;
    bool array = toml_take(s, "[[");
    if (!array)
        toml_take(s, "[");
    enum err_kind kind = read_key(t, &key);
    if (!kind && !toml_take(s, array ? "]]" : "]"))
        kind = toml_refuse(s, array ? "]] is due here" : "] is due here");
    t->section++;
    t->header_depth = key.count + 1;
    struct tree *at = t->root;
    for (int i = 0; i + 1 < key.count && !kind; i++) {
        kind = descend_by_header(t, &at, key.parts[i]);
        t->header_depth += !kind && at->key.p == NULL; /* in an array of tables */
    }
    if (!kind && t->header_depth + array > JSON_DEPTH_MAX)
        kind = too_deep(t);
    if (kind)
        return kind;
    t->header_depth += array;
    return array ? begin_element(t, at, key.parts[key.count - 1])
                 : begin_table(t, at, key.parts[key.count - 1]);
}

static enum err_kind read_value(struct toml *t, struct tree **v);

/* key = value, into a table. */
static enum err_kind read_pair(struct toml *t, struct tree *table)
{
    struct toml_scan *s = &t->scan;
    struct key key;
    enum err_kind kind = read_key(t, &key);
    uint32_t line = toml_line(s);
    if (!kind && !toml_take(s, "="))
        kind = toml_refuse(s, "= is due here");
    if (!kind)
        toml_skip_blanks(s);
    for (int i = 0; i + 1 < key.count && !kind; i++)
        kind = descend_by_key(t, &table, key.parts[i]);
    if (!kind && tree_get(table, key.parts[key.count - 1]))
        kind = toml_refuse(s, "the key in front was defined before");
    struct tree *v = NULL;
    t->depth += key.count;
    if (!kind)
        kind = read_value(t, &v);
    t->depth -= key.count;
    if (kind)
        return kind;
    v->line = line;
    tree_add(table, key.parts[key.count - 1], v);
    return ERR_NONE;
}

/* At the opening bracket. */
static enum err_kind read_array(struct toml *t, struct tree **v)
{
    struct toml_scan *s = &t->scan;
    struct tree *array = *v = new_table(t, TREE_ARRAY, BY_VALUE);
    if (!array)
        return toml_no_room(s);
    s->p++;
    for (;;) {
        enum err_kind kind = toml_skip_lines(s);
        if (kind || toml_take(s, "]"))
            return kind;
        struct tree *element = NULL;
        kind = read_value(t, &element);
        if (!kind)
            kind = toml_skip_lines(s);
        if (kind)
            return kind;
        tree_append(array, element);
        if (!toml_take(s, ",") && !toml_at(s, ']'))
            return toml_refuse(s, "a comma or ] is due here");
    }
}

/* At the opening brace: one line, and no comma at its end. */
static enum err_kind read_inline_table(struct toml *t, struct tree **v)
{
    struct toml_scan *s = &t->scan;
    struct tree *table = *v = new_table(t, TREE_OBJECT, BY_VALUE);
    if (!table)
        return toml_no_room(s);
    s->p++;
    toml_skip_blanks(s);
    if (toml_take(s, "}"))
        return ERR_NONE;
    for (;;) {
        enum err_kind kind = read_pair(t, table);
        if (kind)
            return kind;
        toml_skip_blanks(s);
        if (toml_take(s, "}"))
            return ERR_NONE;
        if (!toml_take(s, ","))
            return toml_refuse(s, "a comma or } is due here, on the same line");
    }
}

static enum err_kind read_value(struct toml *t, struct tree **v)
{
    struct toml_scan *s = &t->scan;
    if (t->header_depth + t->depth >= JSON_DEPTH_MAX)
        return too_deep(t);
    enum err_kind kind;
    uint32_t line = toml_line(s);
    t->depth++;
    if (toml_at(s, '[')) {
        kind = read_array(t, v);
    } else if (toml_at(s, '{')) {
        kind = read_inline_table(t, v);
    } else if (toml_at(s, '"') || toml_at(s, '\'')) {
        str text;
        kind = toml_string(s, true, &text);
        *v = tree_str(s->out, text);
        kind = kind || *v ? kind : toml_no_room(s);
    } else {
        kind = toml_scalar(s, v);
    }
    t->depth--;
    if (*v)
        (*v)->line = line;
    return kind;
}

enum err_kind toml_parse(struct arena *out, str text, struct tree **tree, struct err *e)
{
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = str_skip(text, 3);
    if (!text.n)
        text = STR("");
    struct toml t = {.scan = {.out = out, .e = e, .p = text.p, .end = text.p + text.n, .line = 1}};
    struct toml_scan *s = &t.scan;
    s->counted = s->line_from = text.p;
    ptrdiff_t bad = utf8_find_bad(text);
    if (bad >= 0) {
        s->p += bad;
        return toml_refuse(s, "bytes that are not UTF-8");
    }
    t.root = t.current = new_table(&t, TREE_OBJECT, BY_HEADER);
    if (!t.root)
        return toml_no_room(s);
    for (;;) {
        enum err_kind kind = toml_skip_lines(s);
        if (!kind && s->p == s->end)
            break;
        if (!kind)
            kind = toml_at(s, '[') ? read_header(&t) : read_pair(&t, t.current);
        if (!kind)
            kind = toml_end_line(s);
        if (kind)
            return kind;
    }
    *tree = t.root;
    return ERR_NONE;
}
