/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

struct buf buf_new(struct arena *out, size_t cap)
{
    char *p = arena_bytes(out, cap);
    return (struct buf){.p = p, .cap = p ? cap : 0, .full = !p};
}

struct buf buf_over(char *memory, size_t size)
{
    return (struct buf){.p = memory, .cap = size};
}

void buf_put(struct buf *b, str s)
{
    if (b->full || s.n > b->cap - b->n) {
        b->full = true;
        return;
    }
    if (s.n)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_byte(struct buf *b, char c)
{
    buf_put(b, (str){&c, 1});
}

void buf_cstr(struct buf *b, const char *terminated)
{
    buf_put(b, str_of(terminated));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    if (b->full)
        return;
    size_t left = b->cap - b->n;
    int n = vsnprintf(left ? b->p + b->n : NULL, left, format, args);
    /* vsnprintf wants room for its terminator too. */
    if (n < 0 || (size_t)n >= left)
        b->full = b->full || n != 0;
    else
        b->n += (size_t)n;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->full = b->cap == 0;
}

str buf_str(const struct buf *b)
{
    return (str){b->p, b->n};
}
