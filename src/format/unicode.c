/* SPDX-License-Identifier: Apache-2.0 */
#include "format/unicode.h"

static bool in_table(const uint8_t *packed, size_t size, uint32_t c)
{
    bool inside = false;
    uint32_t edge = 0, distance = 0;
    for (size_t i = 0; i < size; i++) {
        distance = distance << 7 | (packed[i] & 127u);
        if (packed[i] & 128u)
            continue;
        edge += distance;
        if (c < edge)
            return inside;
        inside = !inside;
        distance = 0;
    }
    return inside;
}

bool unicode_is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '_';
    return in_table(unicode_words, unicode_words_size, c);
}

bool unicode_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool unicode_is_printable(uint32_t c)
{
    if (c < 0x80)
        return c >= 0x20 && c != 0x7F;
    return in_table(unicode_printable, unicode_printable_size, c);
}

int unicode_digit(uint32_t c)
{
    for (size_t i = 0; i < unicode_zeros_count; i++)
        if (c >= unicode_zeros[i] && c < unicode_zeros[i] + 10)
            return (int)(c - unicode_zeros[i]);
    return -1;
}
