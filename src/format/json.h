/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

/*
 * Reading JSON (RFC 8259): jsmn's tokens behind checks that jsmn leaves out (depth, UTF-8, escapes
 * with surrogate pairs, number grammar, trailing text). Zero copy: a value is a view of the text,
 * which must stay alive as long as the document. Duplicate members: the last one counts, as in
 * Python's json module. Python's NaN and Infinity are refused.
 */

#include "base/arena.h"
#include "base/err.h"

enum json_type {
    JSON_ABSENT = 0, /* no such value; every accessor accepts it */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_doc; /* tokens; lives in the arena given to json_parse */

/* A value of a document; passed by value. The zero value is JSON_ABSENT. */
struct json {
    const struct json_doc *doc;
    int token;
};

/* Checks and tokenises the whole text. Tokens go to `out`; the views refer to `text`. ERR_INVALID
 * names the byte offset, ERR_LIMIT depth or size. */
enum err_kind json_parse(struct arena *out, str text, struct json *root, struct err *e) MUST_CHECK;

enum json_type json_type(struct json v);
bool json_is(struct json v, enum json_type type);
bool json_is_null(struct json v); /* null or absent */

/* Member of an object, element of an array; absent where there is none or v is something else.
 * `key` is compared decoded. */
struct json json_get(struct json object, str key);
struct json json_path(struct json v, const char *dotted); /* "metadata.labels": plain keys only */
struct json json_at(struct json array, size_t index);
size_t json_count(struct json v); /* elements or members; 0 for anything else */

/* Walks members or elements in order; earlier duplicates are walked too. `key` is absent for
 * arrays. */
struct json_iter {
    struct json value, key;
    int next, left;
    const struct json_doc *doc;
    bool object;
};
struct json_iter json_each(struct json v);
bool json_next(struct json_iter *it);

/* Text of a string, decoded: a view of the document where it has no escapes, else a copy in `out`.
 * Empty (p == NULL) for anything that is no string, or when `out` is full. Lone surrogates become
 * U+FFFD. */
str json_str(struct arena *out, struct json v);
bool json_str_is(struct json v, str expected);
/* The value's text as it stands in the document (a string with its quotes). */
str json_raw(struct json v);

/* False, and *out untouched, for another type or a number out of range. json_i64 accepts integers
 * only (1.0 is none). */
bool json_i64(struct json v, int64_t *out);
bool json_f64(struct json v, double *out);
bool json_bool(struct json v, bool *out);
int64_t json_i64_or(struct json v, int64_t otherwise);

/*
 * A long array read element by element as its text arrives: either the document itself is the
 * array, or it is an object and `member` names the array in it (the list of a Kubernetes reply).
 * Each element's text is handed over whole, valid during the call and not yet checked: json_parse
 * does that. The rest of the document is kept (capped), with an empty array in its place, and can
 * be parsed at the end. A document of another shape has no elements and is all rest.
 */
struct json_stream;
typedef enum err_kind json_element_fn(void *ctx, str element, struct err *e);
struct json_stream_options {
    str member;         /* empty: the document is the array */
    size_t element_max; /* cap of one element; a larger one is skipped and counted */
    size_t rest_max;    /* cap of what is kept of the rest */
    json_element_fn *on_element;
    void *ctx;
};
/* State and buffers from `out`. NULL when it is full. */
struct json_stream *json_stream_new(struct arena *out, const struct json_stream_options *options);
/* Takes the next bytes. Errors of on_element are passed on. */
enum err_kind json_stream_feed(struct json_stream *s, str bytes, struct err *e) MUST_CHECK;
/* At the end of the text: ERR_INVALID where it is cut or broken outside of the elements. *rest: the
 * document without its elements. */
enum err_kind json_stream_end(struct json_stream *s, str *rest, struct err *e) MUST_CHECK;
/* Elements that were over the cap. */
size_t json_stream_skipped(const struct json_stream *s);

#endif
