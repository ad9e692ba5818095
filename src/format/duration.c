/* SPDX-License-Identifier: Apache-2.0 */
#include "format/duration.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define DIGITS_MAX 12

struct cursor {
    str rest;
    int64_t us;
};

static bool at(const struct cursor *c, char wanted)
{
    return c->rest.n > 0 && c->rest.p[0] == wanted;
}

static bool skip(struct cursor *c, char wanted)
{
    if (!at(c, wanted))
        return false;
    c->rest = str_skip(c->rest, 1);
    return true;
}

static bool at_digit(const struct cursor *c)
{
    return c->rest.n > 0 && c->rest.p[0] >= '0' && c->rest.p[0] <= '9';
}

/* Between `least` and `most` digits. */
static bool digits(struct cursor *c, size_t least, size_t most, int64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < most && at_digit(c)) {
        *out = *out * 10 + (c->rest.p[0] - '0');
        c->rest = str_skip(c->rest, 1);
        n++;
    }
    return n >= least && !at_digit(c);
}

/* Digits after a point or comma, as a part of one; none is an error. */
static bool fraction(struct cursor *c, double *out)
{
    double unit = 0.1;
    *out = 0;
    if (!at_digit(c))
        return false;
    while (at_digit(c)) {
        *out += unit * (c->rest.p[0] - '0');
        unit /= 10;
        c->rest = str_skip(c->rest, 1);
    }
    return true;
}

static bool add(struct cursor *c, int64_t count, double part, int64_t unit_us)
{
    int64_t whole, sum;
    double rest = part * (double)unit_us;
    if (__builtin_mul_overflow(count, unit_us, &whole) ||
        __builtin_add_overflow(whole, (int64_t)(rest + 0.5), &whole) ||
        __builtin_add_overflow(c->us, whole, &sum))
        return false;
    c->us = sum;
    return true;
}

static int64_t unit_of(char letter, bool time)
{
    switch (letter) {
    case 'Y':
        return time ? 0 : 365 * DAY_US;
    case 'M':
        return time ? 60 * SECOND_US : 30 * DAY_US;
    case 'W':
        return time ? 0 : 7 * DAY_US;
    case 'D':
        return time ? 0 : DAY_US;
    case 'H':
        return time ? 3600 * SECOND_US : 0;
    case 'S':
        return time ? SECOND_US : 0;
    default:
        return 0;
    }
}

/* What follows the P; only the last number may have a fraction. */
static bool parse_iso(struct cursor *c)
{
    bool time = false, done = false;
    if (c->rest.n == 0)
        return false;
    while (c->rest.n) {
        if (skip(c, 'T')) {
            if (time)
                return false;
            time = true;
            continue;
        }
        int64_t count;
        double part = 0;
        if (done || !digits(c, 1, DIGITS_MAX, &count))
            return false;
        if (skip(c, '.') || skip(c, ',')) {
            done = true;
            if (!fraction(c, &part))
                return false;
        }
        int64_t unit = c->rest.n ? unit_of(c->rest.p[0], time) : 0;
        if (!unit || !add(c, count, part, unit))
            return false;
        c->rest = str_skip(c->rest, 1);
    }
    return true;
}

/* H:MM[:SS[.ffffff]] to the end, at least five characters; what is below a microsecond is cut. */
static bool parse_clock(struct cursor *c)
{
    int64_t hour, minute, second = 0;
    double part = 0;
    if (c->rest.n < 5)
        return false;
    if (!digits(c, 1, DIGITS_MAX, &hour) || !skip(c, ':') || !digits(c, 2, 2, &minute) ||
        minute > 59)
        return false;
    if (skip(c, ':')) {
        if (!digits(c, 2, 2, &second) || second > 59)
            return false;
        if ((skip(c, '.') || skip(c, ',')) && !fraction(c, &part))
            return false;
    }
    return c->rest.n == 0 && add(c, hour, 0, 3600 * SECOND_US) &&
           add(c, minute, 0, 60 * SECOND_US) && add(c, second, 0, SECOND_US) &&
           add(c, (int64_t)(part * 1e6 + 1e-6), 0, 1);
}

/* "3d", "3 days", "3 day, 01:02:03" */
static bool parse_days(struct cursor *c)
{
    int64_t days;
    if (!digits(c, 1, DIGITS_MAX, &days))
        return false;
    skip(c, ' ');
    if ((!skip(c, 'd') && !skip(c, 'D')) || !add(c, days, 0, DAY_US))
        return false;
    if (skip(c, 'a')) {
        if (!skip(c, 'y'))
            return false;
        skip(c, 's');
    }
    skip(c, ',');
    return c->rest.n == 0 || (skip(c, ' ') && parse_clock(c));
}

bool duration_parse(str text, int64_t *out_us)
{
    struct cursor c = {.rest = text};
    bool minus = skip(&c, '-'), ok;
    if (!minus)
        skip(&c, '+');
    bool has_day = str_find_char(text, 'd') >= 0 || str_find_char(text, 'D') >= 0;
    if (skip(&c, 'P'))
        ok = text.n >= 3 && parse_iso(&c);
    else if (has_day)
        ok = parse_days(&c);
    else
        ok = parse_clock(&c);
    if (ok)
        *out_us = minus ? -c.us : c.us;
    return ok;
}

static void put_part(struct buf *out, int64_t count, char unit)
{
    if (count)
        buf_printf(out, "%lld%c", (long long)count, unit);
}

void duration_format(struct buf *out, int64_t us)
{
    uint64_t left = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    int64_t days = (int64_t)(left / (uint64_t)DAY_US);
    int64_t seconds = (int64_t)(left % (uint64_t)DAY_US) / SECOND_US;
    int64_t micros = (int64_t)(left % (uint64_t)SECOND_US);
    buf_cstr(out, us < 0 ? "-P" : "P");
    put_part(out, days / 365, 'Y');
    put_part(out, days % 365, 'D');
    if (seconds || micros || !days)
        buf_byte(out, 'T');
    put_part(out, seconds / 3600, 'H');
    put_part(out, seconds / 60 % 60, 'M');
    if (micros) {
        int width = 6;
        for (; micros % 10 == 0; micros /= 10)
            width--;
        buf_printf(out, "%lld.%0*lldS", (long long)(seconds % 60), width, (long long)micros);
    } else if (seconds % 60 || !left) {
        buf_printf(out, "%lldS", (long long)(seconds % 60));
    }
}
