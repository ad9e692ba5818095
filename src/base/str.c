/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

str str_of(const char *terminated)
{
    return terminated ? (str){terminated, strlen(terminated)} : (str){0};
}

bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool str_eq_nocase(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i]))
            return false;
    return true;
}

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

bool str_has(str s, str needle)
{
    return str_find(s, needle) >= 0;
}

ptrdiff_t str_find(str s, str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    const char *hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit ? hit - s.p : -1;
}

ptrdiff_t str_find_char(str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? hit - s.p : -1;
}

ptrdiff_t str_rfind_char(str s, char c)
{
    const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;
    return hit ? hit - s.p : -1;
}

str str_sub(str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from >= to)
        return (str){0};
    return (str){s.p + from, to - from};
}

str str_skip(str s, size_t n)
{
    return str_sub(s, n, s.n);
}

str str_trim(str s)
{
    return str_trim_chars(s, STR(" \t\r\n\v\f"));
}

str str_trim_chars(str s, str chars)
{
    while (s.n && str_find_char(chars, s.p[0]) >= 0)
        s = str_skip(s, 1);
    while (s.n && str_find_char(chars, s.p[s.n - 1]) >= 0)
        s.n--;
    return s;
}

str str_whole(str s)
{
    size_t tail = 0; /* bytes of the last character */
    while (tail < s.n && tail < 4 && ((unsigned char)s.p[s.n - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == s.n || tail == 4)
        return s; /* not UTF-8 anyway */
    unsigned char lead = (unsigned char)s.p[s.n - 1 - tail];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return tail + 1 < want ? str_sub(s, 0, s.n - 1 - tail) : s;
}

bool str_cut(str s, char sep, str *head, str *tail)
{
    ptrdiff_t at = str_find_char(s, sep);
    if (at < 0) {
        *head = s;
        *tail = (str){0};
        return false;
    }
    *head = str_sub(s, 0, (size_t)at);
    *tail = str_skip(s, (size_t)at + 1);
    return true;
}

bool str_to_i64(str s, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    if (s.n == 0)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = s.p[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false; /* counted downwards, so that the smallest number fits */
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

str str_copy(struct arena *out, str s)
{
    char *p = arena_bytes(out, s.n + 1);
    if (!p)
        return (str){0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (str){p, s.n};
}

str str_replace(struct arena *out, str s, str what, str with)
{
    ptrdiff_t at;
    size_t size = s.n, from = 0;
    for (; (at = str_find(str_skip(s, from), what)) >= 0; from += (size_t)at + what.n)
        size += with.n;
    struct buf b = buf_new(out, size + 1);
    for (; (at = str_find(s, what)) >= 0; s = str_skip(s, (size_t)at + what.n)) {
        buf_put(&b, str_sub(s, 0, (size_t)at));
        buf_put(&b, with);
    }
    buf_put(&b, s);
    buf_byte(&b, '\0');
    return b.full ? (str){0} : (str){b.p, b.n - 1};
}

str str_printf(struct arena *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    str result = {0};
    char *p = n >= 0 ? arena_bytes(out, (size_t)n + 1) : NULL;
    if (p) {
        vsnprintf(p, (size_t)n + 1, format, again);
        result = (str){p, (size_t)n};
    }
    va_end(again);
    return result;
}

bool str_to_cstr(str s, char *out, size_t out_size)
{
    size_t n = s.n < out_size ? s.n : out_size - 1;
    if (n)
        memcpy(out, s.p, n);
    out[n] = '\0';
    return n == s.n;
}
