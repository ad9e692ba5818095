/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/number.h"
#include "format/toml_scan.h"
#include "format/tree_number.h"

#define DIGITS "0123456789"

static size_t take_digits(str *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    *s = str_skip(*s, n);
    return n;
}

/* Digits of `set`, single underscores between them. */
static bool take_grouped(str *s, const char *set)
{
    size_t n = 0;
    bool digit = false;
    for (; n < s->n; n++) {
        bool underscore = s->p[n] == '_' && digit;
        if (!underscore && (!s->p[n] || !strchr(set, s->p[n])))
            break;
        digit = !underscore;
    }
    *s = str_skip(*s, n);
    return digit;
}

static bool take_char(str *s, const char *set)
{
    if (!s->n || !s->p[0] || !strchr(set, s->p[0]))
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* Two digits, at most `most`. */
static bool take_pair(str *s, int most)
{
    str pair = str_sub(*s, 0, 2);
    if (take_digits(&pair) != 2)
        return false;
    int value = (s->p[0] - '0') * 10 + s->p[1] - '0';
    *s = str_skip(*s, 2);
    return value <= most;
}

static bool take_time(str *s)
{
    if (!take_pair(s, 23) || !take_char(s, ":") || !take_pair(s, 59) || !take_char(s, ":") ||
        !take_pair(s, 59))
        return false;
    return !take_char(s, ".") || take_digits(s) > 0;
}

static bool take_date(str *s)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    str date = str_sub(*s, 0, 10), year = str_sub(*s, 0, 4), fields = str_skip(date, 4);
    int64_t y, m, d;
    if (date.n < 10 || !take_char(&fields, "-") || !take_pair(&fields, 12) ||
        !take_char(&fields, "-") || !take_pair(&fields, 31) || take_digits(&year) != 4)
        return false;
    if (!str_to_i64(str_sub(date, 0, 4), &y) || !str_to_i64(str_sub(date, 5, 7), &m) ||
        !str_to_i64(str_sub(date, 8, 10), &d) || y < 1 || m < 1 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    *s = str_skip(*s, 10);
    return d <= days[m - 1] + (leap && m == 2);
}

/* RFC 3339 with T, t or a blank; the offset, or the time, may be missing. */
static bool is_date_or_time(str s)
{
    str time = s;
    if (take_time(&time))
        return time.n == 0;
    if (!take_date(&s))
        return false;
    if (!s.n)
        return true;
    if (!take_char(&s, "Tt ") || !take_time(&s))
        return false;
    if (take_char(&s, "+-"))
        return take_pair(&s, 23) && take_char(&s, ":") && take_pair(&s, 59) && s.n == 0;
    take_char(&s, "Zz");
    return s.n == 0;
}

/* Without underscores and plus sign. */
static str canonical(struct arena *out, str token)
{
    str copy = str_copy(out, token);
    char *to = (char *)copy.p;
    for (size_t i = 0; copy.p && i < token.n; i++)
        if (token.p[i] != '_' && !(i == 0 && token.p[i] == '+'))
            *to++ = token.p[i];
    copy.n = (size_t)(to - copy.p);
    return copy;
}

/* With 0x, 0o or 0b in front. False where it is none; *v is NULL when `out` is full. */
static bool based_integer(struct arena *out, str token, struct tree **v)
{
    str s = str_skip(token, 2);
    int base = token.p[1] == 'x' ? 16 : token.p[1] == 'o' ? 8 : 2;
    const char *set = base == 16 ? DIGITS "abcdefABCDEF" : base == 8 ? "01234567" : "01";
    unsigned __int128 value;
    if (!take_grouped(&s, set) || s.n)
        return false;
    str digits = canonical(out, str_skip(token, 2));
    if (digits.p && !number_from_digits(digits, base, &value))
        return false;
    str literal = digits.p ? number_decimal(out, value, false) : digits;
    *v = literal.p ? tree_number(out, literal) : NULL;
    return true;
}

/* The decimal forms, after the sign: is it one, and one without point and exponent? */
static bool is_decimal(str s, bool *whole)
{
    *whole = true;
    bool zero = s.n && s.p[0] == '0';
    if (zero ? !take_char(&s, "0") : !take_grouped(&s, DIGITS))
        return false;
    if (take_char(&s, ".")) {
        *whole = false;
        if (!take_grouped(&s, DIGITS))
            return false;
    }
    if (take_char(&s, "eE")) {
        *whole = false;
        take_char(&s, "+-");
        if (!take_grouped(&s, DIGITS))
            return false;
    }
    return s.n == 0;
}

/* False where it is none; *v is NULL when `out` is full. */
static bool number(struct arena *out, str token, struct tree **v)
{
    if (token.n > 2 && token.p[0] == '0' && strchr("xob", token.p[1]))
        return based_integer(out, token, v);
    str s = token;
    bool negative = token.p[0] == '-', whole;
    take_char(&s, "+-");
    if (str_eq(s, STR("nan")) || str_eq(s, STR("inf"))) {
        *v = tree_str(out, negative && s.p[0] == 'i' ? token : s);
        return true;
    }
    if (!is_decimal(s, &whole))
        return false;
    str literal = canonical(out, token);
    double value;
    char text[NUMBER_REPR_MAX];
    if (whole && str_eq(literal, STR("-0")))
        literal = STR("0");
    if (!whole && literal.p) {
        if (!tree_number_f64(literal, &value)) {
            *v = tree_str(out, negative ? STR("-inf") : STR("inf"));
            return true;
        }
        literal = str_copy(out, (str){text, number_repr(text, value)});
    }
    *v = literal.p ? tree_number(out, literal) : NULL;
    return true;
}

enum err_kind toml_scalar(struct toml_scan *s, struct tree **v)
{
    static const char letters[] =
        DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_+-.:";
    size_t n = 0;
    str left = {s->p, (size_t)(s->end - s->p)};
    while (n < left.n && left.p[n] && strchr(letters, left.p[n]))
        n++;
    str token = str_sub(left, 0, n);
    if (n == 10 && is_date_or_time(token) && left.n > 12 && left.p[10] == ' ' &&
        left.p[11] >= '0' && left.p[11] <= '9') {
        n++;
        while (n < left.n && left.p[n] && strchr(letters, left.p[n]))
            n++;
        token = str_sub(left, 0, n);
    }
    if (!token.n)
        return toml_refuse(s, "a value is due here");
    if (str_eq(token, STR("true")) || str_eq(token, STR("false")))
        *v = tree_bool(s->out, token.n == 4);
    else if (is_date_or_time(token))
        *v = tree_str(s->out, token);
    else if (!number(s->out, token, v))
        return toml_refuse(s, "neither a number, a date nor true or false (text stands in quotes)");
    if (!*v)
        return toml_no_room(s);
    s->p += n;
    return ERR_NONE;
}
