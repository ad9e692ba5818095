/* SPDX-License-Identifier: Apache-2.0 */
#include "format/number.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* "d.ddde+xx" with `digits` digits. */
static bool reads_back(char *text, size_t size, int digits, double value)
{
    snprintf(text, size, "%.*e", digits - 1, value);
    return strtod(text, NULL) == value;
}

/* The next longer decimal in its last digit. False where a carry would be needed beyond it. */
static bool bump(char *text, double value)
{
    char *last = strchr(text, 'e');
    ASSERT(last && last > text);
    if (*--last == '9')
        return false;
    ++*last;
    return strtod(text, NULL) == value;
}

/* Writes the shortest form of a positive number. 15 digits always survive the way through a normal
 * double, so there are no shorter ones than its trimmed 15; below DBL_MIN there may be. At a power
 * of two the gap below is half of that above, so the 16 digits that read back may be those above
 * the nearest. */
static void shortest(char *text, size_t size, double value)
{
    for (int digits = value < DBL_MIN ? 1 : 15; digits <= 17; digits++)
        if (reads_back(text, size, digits, value) || (digits == 16 && bump(text, value)))
            return;
}

/* 0.000ddd or ddd.ddd, the point behind exponent + 1 digits. */
static void put_plain(struct buf *out, str digits, int exponent)
{
    if (exponent < 0) {
        buf_cstr(out, "0.");
        buf_put(out, str_sub(STR("000"), 0, (size_t)(-exponent - 1)));
        buf_put(out, digits);
        return;
    }
    for (int i = 0; i < (int)digits.n || i <= exponent + 1; i++) {
        if (i == exponent + 1)
            buf_byte(out, '.');
        buf_byte(out, i < (int)digits.n ? digits.p[i] : '0');
    }
}

/* d.ddde+xx */
static void put_exponent(struct buf *out, str digits, int exponent)
{
    buf_byte(out, digits.p[0]);
    if (digits.n > 1)
        buf_byte(out, '.');
    buf_put(out, str_skip(digits, 1));
    buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

size_t number_repr(char memory[NUMBER_REPR_MAX], double value)
{
    struct buf out = buf_over(memory, NUMBER_REPR_MAX - 1);
    char text[40], digits[24];
    size_t n = 0;
    int64_t exponent = 0;
    if (__builtin_signbit(value))
        buf_byte(&out, '-');
    if (value == 0) {
        buf_cstr(&out, "0.0");
    } else {
        shortest(text, sizeof text, value < 0 ? -value : value);
        const char *c = text;
        for (; *c != 'e'; c++)
            if (*c != '.')
                digits[n++] = *c;
        while (n > 1 && digits[n - 1] == '0')
            n--;
        bool read = str_to_i64(str_of(c + 1), &exponent);
        ASSERT(read);
        (exponent < -4 || exponent >= 16 ? put_exponent : put_plain)(&out, (str){digits, n},
                                                                     (int)exponent);
    }
    ASSERT(!out.full);
    memory[out.n] = '\0';
    return out.n;
}

static int digit_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool number_from_digits(str digits, int base, unsigned __int128 *out)
{
    const unsigned __int128 limit = (unsigned __int128)-1 >> 1;
    unsigned __int128 value = 0, part;
    if (base == 60) {
        str group, rest = digits;
        for (bool more = true; more;) {
            more = str_cut(rest, ':', &group, &rest);
            if (!number_from_digits(group, 10, &part) || value > (limit - part) / 60)
                return false;
            value = value * 60 + part;
        }
    } else {
        for (size_t i = 0; i < digits.n; i++) {
            part = (unsigned)digit_value(digits.p[i]);
            if (value > (limit - part) / (unsigned)base)
                return false;
            value = value * (unsigned)base + part;
        }
    }
    *out = value;
    return digits.n > 0;
}

str number_decimal(struct arena *out, unsigned __int128 value, bool negative)
{
    char text[48], *p = text + sizeof text;
    negative = negative && value;
    do {
        *--p = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    if (negative)
        *--p = '-';
    return str_copy(out, (str){p, (size_t)(text + sizeof text - p)});
}
