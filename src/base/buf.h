/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * Capped output: a buffer is born with its maximum and never grows beyond it. Writing past the cap
 * keeps nothing of that write and sets `full`; later writes are ignored. So one check at the end
 * is enough.
 */

#include <stdarg.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    bool full;
};

/* A buffer of `cap` bytes from `out` (not touched until written). A full arena gives a buffer that
 * is full from the start. */
struct buf buf_new(struct arena *out, size_t cap);
/* Over memory of the caller. */
struct buf buf_over(char *memory, size_t size);

void buf_put(struct buf *b, str s);
void buf_byte(struct buf *b, char c);
void buf_cstr(struct buf *b, const char *terminated);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_clear(struct buf *b);
/* What was written; valid until the buffer is written again. */
str buf_str(const struct buf *b);

#endif
