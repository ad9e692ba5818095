/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_JSON_WRITE_H
#define FORMAT_JSON_WRITE_H

/*
 * Writing JSON into a capped buffer, value after value; commas, colons and quotes are put by the
 * writer. Wrong nesting is a programmer's error. A full buffer shows in `out->full`; nesting beyond
 * JSON_DEPTH_MAX sets it too.
 */

#include "base/buf.h"
#include "base/limits.h"

struct json_writer {
    struct buf *out;
    int depth;
    bool spaced;                         /* ", " and ": " as Python's json.dumps; else compact */
    bool ascii;                          /* non-ASCII as \uXXXX, as Python's json.dumps */
    bool need_comma[JSON_DEPTH_MAX + 1]; /* by depth */
    bool object[JSON_DEPTH_MAX + 1];
    bool after_key;
};

struct json_writer json_writer(struct buf *out);        /* compact, UTF-8 kept */
struct json_writer json_writer_python(struct buf *out); /* the bytes of json.dumps(value) */

void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, str key);

/* Invalid UTF-8 in a string becomes U+FFFD. */
void json_put_str(struct json_writer *w, str value);
void json_put_cstr(struct json_writer *w, const char *value); /* NULL is null */
/* At most JSON_PRINTF_MAX bytes; a longer text counts as a full buffer. */
void json_put_printf(struct json_writer *w, const char *format, ...) PRINTF_LIKE(2, 3);
void json_put_i64(struct json_writer *w, int64_t value);
void json_put_f64(struct json_writer *w, double value); /* as Python's repr; null for inf and nan */
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, str json_text); /* text that is JSON already */

/* Key and value in one call. */
void json_member_str(struct json_writer *w, const char *key, str value);
void json_member_cstr(struct json_writer *w, const char *key, const char *value);
void json_member_i64(struct json_writer *w, const char *key, int64_t value);
void json_member_bool(struct json_writer *w, const char *key, bool value);
void json_member_null(struct json_writer *w, const char *key);
void json_member_raw(struct json_writer *w, const char *key, str json_text);

#endif
