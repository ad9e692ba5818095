/* SPDX-License-Identifier: Apache-2.0 */
#include "format/quantity.h"

/* value = mantissa * 10^exponent * 2^shift */
struct suffix {
    str text;
    int exponent;
    int shift;
};

static const struct suffix suffixes[] = {
    {STR_INIT("n"), -9, 0},  {STR_INIT("u"), -6, 0},  {STR_INIT("m"), -3, 0},
    {STR_INIT(""), 0, 0},    {STR_INIT("k"), 3, 0},   {STR_INIT("M"), 6, 0},
    {STR_INIT("G"), 9, 0},   {STR_INIT("T"), 12, 0},  {STR_INIT("P"), 15, 0},
    {STR_INIT("E"), 18, 0},  {STR_INIT("Ki"), 0, 10}, {STR_INIT("Mi"), 0, 20},
    {STR_INIT("Gi"), 0, 30}, {STR_INIT("Ti"), 0, 40}, {STR_INIT("Pi"), 0, 50},
    {STR_INIT("Ei"), 0, 60},
};

#define DIGITS_MAX 24

typedef unsigned __int128 wide;

/* Digits of "12.34" into *mantissa, with *exponent moved by the digits after the point. */
static bool parse_mantissa(str *text, wide *mantissa, int *exponent)
{
    size_t digits = 0;
    bool point = false;
    size_t i = 0;
    for (; i < text->n; i++) {
        char c = text->p[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (++digits > DIGITS_MAX)
            return false;
        *mantissa = *mantissa * 10 + (wide)(c - '0');
        *exponent -= point;
    }
    *text = str_skip(*text, i);
    return digits > 0;
}

static bool parse_suffix(str text, int *exponent, int *shift)
{
    if (text.n > 1 && (text.p[0] | 0x20) == 'e' && text.p[1] != 'i') {
        int64_t power;
        if (!str_to_i64(str_skip(text, 1), &power) || power < -30 || power > 30)
            return false;
        *exponent += (int)power;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (str_eq(text, suffixes[i].text)) {
            *exponent += suffixes[i].exponent;
            *shift = suffixes[i].shift;
            return true;
        }
    }
    return false;
}

bool quantity_parse(str text, uint64_t *out)
{
    wide value = 0;
    int exponent = 0, shift = 0;
    if (str_starts(text, STR("+")))
        text = str_skip(text, 1);
    if (!parse_mantissa(&text, &value, &exponent) || !parse_suffix(text, &exponent, &shift))
        return false;
    /* Shifts and powers that can only overflow are caught before the multiplication wraps. */
    while (shift > 0) {
        if (value >> 120)
            return false;
        int step = shift > 6 ? 6 : shift;
        value <<= step;
        shift -= step;
    }
    while (exponent > 0) {
        if (value >> 123)
            return false;
        value *= 10;
        exponent--;
    }
    bool rest = false;
    for (; exponent < 0; exponent++) {
        rest = rest || value % 10 != 0;
        value /= 10;
    }
    value += rest;
    if (value > UINT64_MAX)
        return false;
    *out = (uint64_t)value;
    return true;
}
