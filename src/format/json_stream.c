/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "format/json.h"
#include "format/json_check.h"
#include "format/json_string.h"

/* Where the reader stands. */
enum place {
    OUTSIDE, /* in what is kept: in front of, around or behind the array */
    FIRST,   /* in the array, in front of its first element or its end */
    DUE,     /* in the array, behind a comma */
    INSIDE,  /* in an element */
    BEHIND,  /* behind an element */
};

struct json_stream {
    struct json_stream_options options;
    struct buf element; /* what earlier bytes held of the element */
    struct buf rest;
    enum place place;
    enum err_kind failed; /* of an earlier feed */
    size_t offset;        /* of this feed's first byte in the document */
    size_t skipped;
    size_t depth;    /* outside: brackets that are open around this place */
    size_t nested;   /* in an element: brackets that are open in it */
    size_t key_from; /* in rest: behind the last opening quote */
    bool quoted;     /* inside a string */
    bool escaped;    /* behind a backslash in it */
    bool object;     /* the document is an object, and a member of it is looked for */
    bool key_due;    /* the next string is a key of it */
    bool array_due;  /* a bracket here begins the array */
    bool scalar;     /* the element is a number or a word */
};

struct json_stream *json_stream_new(struct arena *out, const struct json_stream_options *options)
{
    struct json_stream *s = ARENA_NEW(out, struct json_stream);
    if (!s)
        return NULL;
    s->options = *options;
    s->element = buf_new(out, options->element_max);
    s->rest = buf_new(out, options->rest_max);
    s->array_due = options->member.n == 0;
    return s->element.p && s->rest.p ? s : NULL;
}

size_t json_stream_skipped(const struct json_stream *s)
{
    return s->skipped;
}

static enum err_kind broken(const struct json_stream *s, size_t at, const char *wrong,
                            struct err *e)
{
    return err_set(e, ERR_INVALID, "invalid JSON at byte %zu: %s", s->offset + at, wrong);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* One byte of a string; true when it was its closing quote. */
static bool string_ends(struct json_stream *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '"') {
        s->quoted = false;
        return true;
    }
    return false;
}

/* One byte around the array. What is kept is checked as a whole at the end, so all that matters
 * here is to find the place where the array begins. */
static void outside(struct json_stream *s, char c)
{
    buf_byte(&s->rest, c);
    if (s->quoted) {
        if (string_ends(s, c) && s->key_due && !s->rest.full) {
            str key = str_sub(buf_str(&s->rest), s->key_from, s->rest.n - 1);
            s->array_due = json_string_is(key, s->options.member);
            s->key_due = false;
        }
        return;
    }
    if (is_blank(c) || c == ':')
        return;
    bool array_due = s->array_due;
    s->array_due = false;
    switch (c) {
    case '"':
        s->quoted = true;
        s->key_from = s->rest.n;
        break;
    case '[':
    case '{':
        if (c == '[' && array_due)
            s->place = FIRST;
        else if (s->depth++ == 0)
            s->object = s->key_due = c == '{' && s->options.member.n;
        break;
    case ']':
    case '}':
        if (s->depth)
            s->depth--;
        break;
    case ',':
        s->key_due = s->object && s->depth == 1;
        break;
    default:
        break;
    }
}

/* Reads on in an element, from `at`; gives the place behind what belongs to it. */
static size_t scan_element(struct json_stream *s, str bytes, size_t at, bool *whole)
{
    for (; at < bytes.n; at++) {
        char c = bytes.p[at];
        if (s->quoted) {
            *whole = string_ends(s, c) && s->nested == 0;
        } else if (s->scalar) {
            if (is_blank(c) || c == ',' || c == ']') {
                *whole = true;
                return at;
            }
        } else if (c == '"') {
            s->quoted = true;
        } else if (c == '{' || c == '[') {
            s->nested++;
        } else if (c == '}' || c == ']') {
            *whole = --s->nested == 0;
        }
        if (*whole)
            return at + 1;
    }
    return at;
}

/* The next piece of an element: kept until the rest comes, or handed over. One that is all in
 * these bytes is never copied. */
static enum err_kind take_element(struct json_stream *s, str bytes, size_t *at, struct err *e)
{
    bool whole = false;
    size_t end = scan_element(s, bytes, *at, &whole);
    str piece = str_sub(bytes, *at, end), element = piece;
    *at = end;
    if (s->element.n || s->element.full || !whole) {
        buf_put(&s->element, piece);
        element = buf_str(&s->element);
    }
    if (!whole)
        return ERR_NONE;
    bool too_large = s->element.full || element.n > s->options.element_max;
    s->place = BEHIND;
    s->element.n = 0;
    s->element.full = false;
    if (too_large) {
        s->skipped++;
        return ERR_NONE;
    }
    return s->options.on_element(s->options.ctx, element, e);
}

/* One byte of the array that is in no element. */
static enum err_kind between(struct json_stream *s, str bytes, size_t *at, struct err *e)
{
    char c = bytes.p[*at];
    if (is_blank(c)) {
        ++*at;
    } else if (c == ']' && s->place != DUE) {
        ++*at;
        s->place = OUTSIDE;
        buf_byte(&s->rest, c);
    } else if (s->place == BEHIND) {
        if (c != ',')
            return broken(s, *at, "a comma or ] is due here", e);
        ++*at;
        s->place = DUE;
    } else {
        if (!c || !strchr("\"{[-0123456789tfn", c))
            return broken(s, *at, "a value is due here", e);
        s->place = INSIDE;
        s->scalar = c != '"' && c != '{' && c != '[';
    }
    return ERR_NONE;
}

enum err_kind json_stream_feed(struct json_stream *s, str bytes, struct err *e)
{
    if (s->failed)
        return err_set(e, s->failed, "the reading of this JSON has failed before");
    for (size_t at = 0; at < bytes.n && !s->failed;) {
        if (s->place == INSIDE)
            s->failed = take_element(s, bytes, &at, e);
        else if (s->place == OUTSIDE)
            outside(s, bytes.p[at++]);
        else
            s->failed = between(s, bytes, &at, e);
        if (!s->failed && s->rest.full)
            s->failed = err_set(e, ERR_LIMIT,
                                "JSON around the array \"" STR_FMT
                                "\" is larger than the limit of %zu bytes",
                                STR_ARG(s->options.member), s->options.rest_max);
    }
    s->offset += bytes.n;
    return s->failed;
}

enum err_kind json_stream_end(struct json_stream *s, str *rest, struct err *e)
{
    if (s->failed)
        return err_set(e, s->failed, "the reading of this JSON has failed before");
    if (s->place != OUTSIDE)
        return broken(s, 0, "the text is cut: it ends inside an array", e);
    size_t tokens;
    enum err_kind kind = json_check(buf_str(&s->rest), &tokens, e);
    if (kind) {
        err_prefix(e, "around the array \"" STR_FMT "\": ", STR_ARG(s->options.member));
        return kind;
    }
    *rest = buf_str(&s->rest);
    return ERR_NONE;
}
