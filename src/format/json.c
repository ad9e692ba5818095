/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <stdlib.h>

/* Links to parents keep jsmn linear. They are needed while it runs; afterwards the same field
 * holds the index behind the token's subtree. */
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <jsmn.h>
#pragma GCC diagnostic pop

#include "format/json_check.h"
#include "format/json_string.h"

struct json_doc {
    str text;
    jsmntok_t *tokens;
};

/* Index of the token behind `token` and all that is in it. */
static int after(const struct json_doc *doc, int token)
{
    return doc->tokens[token].parent;
}

/* From the last to the first, so that those inside are known. */
static void link_tokens(struct json_doc *doc, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        int behind = i + 1;
        for (int child = 0; child < doc->tokens[i].size; child++)
            behind = after(doc, behind);
        doc->tokens[i].parent = behind;
    }
}

enum err_kind json_parse(struct arena *out, str text, struct json *root, struct err *e)
{
    size_t count;
    enum err_kind kind = json_check(text, &count, e);
    if (kind)
        return kind;
    struct json_doc *doc = ARENA_NEW(out, struct json_doc);
    jsmntok_t *tokens = ARENA_ARRAY(out, jsmntok_t, count);
    if (!doc || !tokens)
        return err_set(e, ERR_LIMIT, "JSON of %zu bytes with %zu values does not fit into memory",
                       text.n, count);
    *doc = (struct json_doc){text, tokens};
    jsmn_parser parser;
    jsmn_init(&parser);
    int made = jsmn_parse(&parser, text.p, text.n, tokens, (unsigned)count);
    ASSERT(made >= 0 && (size_t)made == count);
    link_tokens(doc, made);
    *root = (struct json){doc, 0};
    return ERR_NONE;
}

static const jsmntok_t *token_of(struct json v)
{
    return v.doc ? &v.doc->tokens[v.token] : NULL;
}

static str text_of(struct json v)
{
    const jsmntok_t *t = token_of(v);
    return t ? (str){v.doc->text.p + t->start, (size_t)(t->end - t->start)} : (str){0};
}

enum json_type json_type(struct json v)
{
    const jsmntok_t *t = token_of(v);
    if (!t)
        return JSON_ABSENT;
    switch (t->type) {
    case JSMN_OBJECT:
        return JSON_OBJECT;
    case JSMN_ARRAY:
        return JSON_ARRAY;
    case JSMN_STRING:
        return JSON_STRING;
    default:
        break;
    }
    switch (v.doc->text.p[t->start]) {
    case 'n':
        return JSON_NULL;
    case 't':
    case 'f':
        return JSON_BOOL;
    default:
        return JSON_NUMBER;
    }
}

bool json_is(struct json v, enum json_type type)
{
    return json_type(v) == type;
}

bool json_is_null(struct json v)
{
    return json_type(v) <= JSON_NULL;
}

size_t json_count(struct json v)
{
    const jsmntok_t *t = token_of(v);
    return t && (t->type == JSMN_OBJECT || t->type == JSMN_ARRAY) ? (size_t)t->size : 0;
}

struct json_iter json_each(struct json v)
{
    return (struct json_iter){.doc = v.doc,
                              .next = v.token + 1,
                              .left = (int)json_count(v),
                              .object = json_is(v, JSON_OBJECT)};
}

bool json_next(struct json_iter *it)
{
    if (it->left == 0)
        return false;
    it->left--;
    it->value = (struct json){it->doc, it->next};
    if (it->object) {
        it->key = it->value;
        it->value.token++;
    }
    it->next = after(it->doc, it->next);
    return true;
}

struct json json_get(struct json object, str key)
{
    struct json found = {0};
    if (!json_is(object, JSON_OBJECT))
        return found;
    struct json_iter it = json_each(object);
    while (json_next(&it))
        if (json_str_is(it.key, key))
            found = it.value;
    return found;
}

struct json json_path(struct json v, const char *dotted)
{
    str key, rest = str_of(dotted);
    bool more = true;
    while (more) {
        more = str_cut(rest, '.', &key, &rest);
        v = json_get(v, key);
    }
    return v;
}

struct json json_at(struct json array, size_t index)
{
    if (!json_is(array, JSON_ARRAY) || index >= json_count(array))
        return (struct json){0};
    int token = array.token + 1;
    while (index--)
        token = after(array.doc, token);
    return (struct json){array.doc, token};
}

str json_str(struct arena *out, struct json v)
{
    return json_is(v, JSON_STRING) ? json_string_decode(out, text_of(v)) : (str){0};
}

bool json_str_is(struct json v, str expected)
{
    return json_is(v, JSON_STRING) && json_string_is(text_of(v), expected);
}

str json_raw(struct json v)
{
    str s = text_of(v);
    return json_is(v, JSON_STRING) ? (str){s.p - 1, s.n + 2} : s;
}

bool json_i64(struct json v, int64_t *out)
{
    return json_is(v, JSON_NUMBER) && str_to_i64(text_of(v), out);
}

bool json_f64(struct json v, double *out)
{
    if (!json_is(v, JSON_NUMBER))
        return false;
    str s = text_of(v);
    char copy[512];
    /* A byte that cannot belong to a number ends it, unless it is the whole text. */
    if (s.p + s.n == v.doc->text.p + v.doc->text.n) {
        if (!str_to_cstr(s, copy, sizeof copy))
            return false;
        s.p = copy;
    }
    double value = strtod(s.p, NULL);
    if (value - value != 0)
        return false;
    *out = value;
    return true;
}

bool json_bool(struct json v, bool *out)
{
    if (!json_is(v, JSON_BOOL))
        return false;
    *out = text_of(v).p[0] == 't';
    return true;
}

int64_t json_i64_or(struct json v, int64_t otherwise)
{
    int64_t value;
    return json_i64(v, &value) ? value : otherwise;
}
