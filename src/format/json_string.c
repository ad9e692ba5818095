/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_string.h"

#include <string.h>

#include "format/utf8.h"

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static bool is_unicode_escape(str s)
{
    return s.n >= 6 && s.p[0] == '\\' && s.p[1] == 'u';
}

/* Decodes the escape at the start of `s`: bytes to `out`, their number to *made; gives the length
 * of the escape. RFC 8259, section 7. */
static size_t decode_escape(str s, char out[4], size_t *made)
{
    if (!is_unicode_escape(s)) {
        static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
        const char *at = strchr(names, s.p[1]);
        *made = 1;
        out[0] = at ? bytes[at - names] : s.p[1];
        return 2;
    }
    uint32_t c = hex4(s.p + 2);
    size_t used = 6;
    if (c >= 0xD800 && c <= 0xDFFF) {
        str second = str_skip(s, 6);
        uint32_t low = c < 0xDC00 && is_unicode_escape(second) ? hex4(second.p + 2) : 0;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            used = 12;
        } else {
            c = UTF8_REPLACEMENT;
        }
    }
    *made = utf8_encode(out, c);
    return used;
}

str json_string_decode(struct arena *out, str raw)
{
    if (str_find_char(raw, '\\') < 0)
        return raw;
    char *p = arena_bytes(out, raw.n); /* an escape is never shorter than what it stands for */
    if (!p)
        return (str){0};
    size_t n = 0;
    while (raw.n) {
        ptrdiff_t at = str_find_char(raw, '\\');
        size_t plain = at < 0 || raw.n < 2 ? raw.n : (size_t)at;
        memcpy(p + n, raw.p, plain);
        n += plain;
        raw = str_skip(raw, plain);
        if (raw.n) {
            char bytes[4];
            size_t made;
            raw = str_skip(raw, decode_escape(raw, bytes, &made));
            memcpy(p + n, bytes, made);
            n += made;
        }
    }
    arena_rewind(out, (size_t)(p - out->base) + n);
    return (str){p, n};
}

bool json_string_is(str raw, str expected)
{
    if (expected.n > raw.n)
        return false;
    if (str_find_char(raw, '\\') < 0)
        return str_eq(raw, expected);
    while (raw.n) {
        char bytes[4];
        size_t made = 1, used = 1;
        if (raw.p[0] == '\\' && raw.n >= 2)
            used = decode_escape(raw, bytes, &made);
        else
            bytes[0] = raw.p[0];
        if (!str_starts(expected, (str){bytes, made}))
            return false;
        raw = str_skip(raw, used);
        expected = str_skip(expected, made);
    }
    return expected.n == 0;
}
