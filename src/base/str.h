/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

/*
 * A view of bytes that somebody else keeps alive: pointer and length, not terminated. Passed by
 * value; the zero value is the empty string. Whoever stores a str names its arena in a comment.
 */

#include "base/base.h"

struct arena;

typedef struct str {
    const char *p;
    size_t n;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    } /* for static tables */
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

/* View of a terminated string; NULL gives the empty view. */
str str_of(const char *terminated);

bool str_eq(str a, str b);
bool str_eq_nocase(str a, str b); /* ASCII only */
int str_cmp(str a, str b);        /* bytes, as memcmp; a prefix comes first */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_has(str s, str needle);

/* Offset of the first (last) occurrence, or -1. */
ptrdiff_t str_find(str s, str needle);
ptrdiff_t str_find_char(str s, char c);
ptrdiff_t str_rfind_char(str s, char c);

/* Bytes from..to (half open), clamped to s. */
str str_sub(str s, size_t from, size_t to);
str str_skip(str s, size_t n);
str str_trim(str s);                  /* white space of ASCII at both ends */
str str_trim_chars(str s, str chars); /* any of these bytes at both ends */

/* Without the first bytes of a UTF-8 character at its end whose last ones were cut off. */
str str_whole(str s);

/* Splits at the first `sep`: *head before it, *tail after it. Without one: head = s, tail empty,
 * and false. */
bool str_cut(str s, char sep, str *head, str *tail);

/* Whole string as a decimal number with optional sign; false leaves *out alone. */
bool str_to_i64(str s, int64_t *out);

/* Copies into `out`; a zero byte follows, so `.p` is a C string. A full arena gives p == NULL. */
str str_copy(struct arena *out, str s);
/* A copy in which each `what` (not empty) is replaced. */
str str_replace(struct arena *out, str s, str what, str with);
/* As str_copy, but formatted. */
str str_printf(struct arena *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* Copies into a fixed array and terminates; false (and a cut copy) where it does not fit. */
bool str_to_cstr(str s, char *out, size_t out_size);

#endif
