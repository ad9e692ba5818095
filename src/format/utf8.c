/* SPDX-License-Identifier: Apache-2.0 */
#include "format/utf8.h"

uint32_t utf8_first(str s, size_t *length)
{
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t c = p[0], smallest;
    size_t n;
    *length = 1;
    if (c < 0x80)
        return c;
    if (c >= 0xC2 && c <= 0xDF) {
        n = 2, smallest = 0x80, c &= 0x1F;
    } else if (c >= 0xE0 && c <= 0xEF) {
        n = 3, smallest = 0x800, c &= 0x0F;
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4, smallest = 0x10000, c &= 0x07;
    } else {
        return UTF8_BAD;
    }
    if (s.n < n)
        return UTF8_BAD;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return UTF8_BAD;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < smallest || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return UTF8_BAD;
    *length = n;
    return c;
}

size_t utf8_encode(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if ((c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF)
        return 0;
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

ptrdiff_t utf8_find_bad(str s)
{
    size_t n;
    for (size_t i = 0; i < s.n; i += n)
        if (utf8_first(str_skip(s, i), &n) == UTF8_BAD)
            return (ptrdiff_t)i;
    return -1;
}
