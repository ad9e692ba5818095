/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree.h"

#include <string.h>

#include "format/tree_number.h"

static struct tree *node(struct arena *out, enum tree_type type)
{
    struct tree *v = ARENA_NEW(out, struct tree);
    if (v)
        v->type = (uint8_t)type;
    return v;
}

struct tree *tree_null(struct arena *out)
{
    return node(out, TREE_NULL);
}

struct tree *tree_bool(struct arena *out, bool value)
{
    struct tree *v = node(out, TREE_BOOL);
    if (v)
        v->boolean = value;
    return v;
}

struct tree *tree_i64(struct arena *out, int64_t value)
{
    str literal = str_printf(out, "%lld", (long long)value);
    return literal.p ? tree_number(out, literal) : NULL;
}

struct tree *tree_number(struct arena *out, str literal)
{
    struct tree *v = node(out, TREE_NUMBER);
    if (v)
        v->text = literal;
    return v;
}

struct tree *tree_str(struct arena *out, str text)
{
    struct tree *v = node(out, TREE_STRING);
    if (v)
        v->text = text;
    return v;
}

struct tree *tree_array(struct arena *out)
{
    return node(out, TREE_ARRAY);
}

struct tree *tree_object(struct arena *out)
{
    return node(out, TREE_OBJECT);
}

bool tree_is(const struct tree *v, enum tree_type type)
{
    return v && v->type == type;
}

bool tree_is_null(const struct tree *v)
{
    return !v || v->type == TREE_NULL;
}

str tree_text(const struct tree *v)
{
    return tree_is(v, TREE_STRING) ? v->text : (str){0};
}

bool tree_i64_value(const struct tree *v, int64_t *out)
{
    return tree_is(v, TREE_NUMBER) && str_to_i64(v->text, out);
}

struct tree *tree_get(const struct tree *object, str key)
{
    if (!tree_is(object, TREE_OBJECT))
        return NULL;
    for (struct tree *member = object->first; member; member = member->next)
        if (str_eq(member->key, key))
            return member;
    return NULL;
}

struct tree *tree_path(const struct tree *v, const char *dotted)
{
    str key, rest = str_of(dotted);
    struct tree *found;
    bool more;
    do {
        more = str_cut(rest, '.', &key, &rest);
        found = tree_get(v, key);
        v = found;
    } while (more && v);
    return found;
}

struct tree *tree_at(const struct tree *array, size_t index)
{
    if (!tree_is(array, TREE_ARRAY))
        return NULL;
    struct tree *element = array->first;
    while (element && index--)
        element = element->next;
    return element;
}

static void link_last(struct tree *parent, struct tree *child)
{
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static struct tree *before(const struct tree *parent, const struct tree *child)
{
    struct tree *previous = NULL;
    for (struct tree *at = parent->first; at != child; at = at->next) {
        ASSERT(at);
        previous = at;
    }
    return previous;
}

struct tree *tree_set(struct arena *out, struct tree *object, str key, struct tree *value)
{
    if (!object || !value)
        return NULL;
    ASSERT(object->type == TREE_OBJECT);
    struct tree *old = tree_get(object, key);
    if (old) {
        tree_replace(object, old, value);
        return value;
    }
    value->key = str_copy(out, key);
    if (!value->key.p)
        return NULL;
    link_last(object, value);
    return value;
}

struct tree *tree_append(struct tree *array, struct tree *value)
{
    if (!array || !value)
        return NULL;
    ASSERT(array->type == TREE_ARRAY);
    value->key = (str){0};
    link_last(array, value);
    return value;
}

struct tree *tree_add(struct tree *object, str key, struct tree *value)
{
    if (!object || !value)
        return NULL;
    ASSERT(object->type == TREE_OBJECT);
    value->key = key;
    link_last(object, value);
    return value;
}

void tree_replace(struct tree *parent, struct tree *old, struct tree *value)
{
    if (old == value)
        return;
    struct tree *previous = before(parent, old);
    value->key = old->key;
    value->next = old->next;
    if (previous)
        previous->next = value;
    else
        parent->first = value;
    if (parent->last == old)
        parent->last = value;
    old->next = NULL;
}

static void unlink_after(struct tree *parent, struct tree *previous, struct tree *child)
{
    if (previous)
        previous->next = child->next;
    else
        parent->first = child->next;
    if (parent->last == child)
        parent->last = previous;
    parent->count--;
    child->next = NULL;
}

void tree_unlink(struct tree *parent, struct tree *child)
{
    unlink_after(parent, before(parent, child), child);
}

bool tree_remove(struct tree *object, str key)
{
    struct tree *member = tree_get(object, key);
    if (member)
        tree_unlink(object, member);
    return member;
}

static struct tree *clone(struct arena *out, const struct tree *v, int depth)
{
    struct tree *copy = depth > JSON_DEPTH_MAX ? NULL : ARENA_NEW(out, struct tree);
    if (!copy)
        return NULL;
    *copy = *v;
    copy->next = copy->first = copy->last = NULL;
    copy->count = 0;
    for (const struct tree *child = v->first; child; child = child->next) {
        struct tree *its = clone(out, child, depth + 1);
        if (!its)
            return NULL;
        link_last(copy, its);
    }
    return copy;
}

struct tree *tree_clone(struct arena *out, const struct tree *v)
{
    return v ? clone(out, v, 0) : NULL;
}

static void set_origin(struct tree *v, enum tree_origin origin, int depth)
{
    v->origin = (uint8_t)origin;
    if (depth < JSON_DEPTH_MAX)
        for (struct tree *child = v->first; child; child = child->next)
            set_origin(child, origin, depth + 1);
}

void tree_set_origin(struct tree *v, enum tree_origin origin)
{
    if (v)
        set_origin(v, origin, 0);
}

static bool equal(const struct tree *a, const struct tree *b, int depth);

static bool equal_arrays(const struct tree *a, const struct tree *b, int depth)
{
    const struct tree *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!equal(x, y, depth + 1))
            return false;
    return !x && !y;
}

static bool equal_objects(const struct tree *a, const struct tree *b, int depth)
{
    if (a->count != b->count)
        return false;
    const struct tree *guess = b->first; /* usually the order is the same */
    for (const struct tree *x = a->first; x; x = x->next) {
        const struct tree *y = guess && str_eq(guess->key, x->key) ? guess : tree_get(b, x->key);
        if (!y || !equal(x, y, depth + 1))
            return false;
        guess = y->next;
    }
    return true;
}

static bool equal(const struct tree *a, const struct tree *b, int depth)
{
    if (a->type != b->type || depth > JSON_DEPTH_MAX)
        return false;
    switch ((enum tree_type)a->type) {
    case TREE_NULL:
        return true;
    case TREE_BOOL:
        return a->boolean == b->boolean;
    case TREE_NUMBER:
        return tree_number_eq(a->text, b->text);
    case TREE_STRING:
        return str_eq(a->text, b->text);
    case TREE_ARRAY:
        return equal_arrays(a, b, depth);
    case TREE_OBJECT:
        return equal_objects(a, b, depth);
    }
    return false;
}

bool tree_eq(const struct tree *a, const struct tree *b)
{
    return a && b ? equal(a, b, 0) : a == b;
}

/* Moves what `later` holds to where `first` stands, as a Python dict that is assigned twice. */
static void supersede(struct tree *first, const struct tree *later)
{
    struct tree *next = first->next;
    str key = first->key;
    *first = *later;
    first->next = next;
    first->key = key;
}

static size_t hash(str key, size_t seed)
{
    size_t h = seed;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001B3;
    return h ^ h >> 29;
}

bool tree_merge_duplicates(struct arena *out, struct tree *object)
{
    if (object->count < 2)
        return true;
    size_t mark = arena_mark(out), size = 8;
    while (size < object->count * (size_t)2)
        size *= 2;
    struct tree **table = ARENA_ARRAY(out, struct tree *, size);
    if (!table)
        return false;
    struct tree *previous = NULL;
    for (struct tree *at = object->first, *next; at; at = next) {
        next = at->next;
        size_t place = hash(at->key, (uintptr_t)table) & (size - 1);
        while (table[place] && !str_eq(table[place]->key, at->key))
            place = (place + 1) & (size - 1);
        if (table[place]) {
            unlink_after(object, previous, at);
            supersede(table[place], at);
        } else {
            table[place] = at;
            previous = at;
        }
    }
    arena_rewind(out, mark);
    return true;
}
