/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml_scalar.h"

#include <stdlib.h>
#include <string.h>

#include "format/number.h"

#define DIGITS "0123456789"

static bool is_one_of(str s, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(s, str_of(words[i])))
            return true;
    return false;
}

static const char *const yes_words[] = {"yes",  "Yes", "YES", "true", "True",
                                        "TRUE", "on",  "On",  "ON"};
static const char *const no_words[] = {"no",    "No",  "NO",  "false", "False",
                                       "FALSE", "off", "Off", "OFF"};
static const char *const null_words[] = {"", "~", "null", "Null", "NULL"};

/* Takes the bytes at the front that are in `set`; gives their number. */
static size_t take(str *s, const char *set)
{
    size_t n = 0;
    while (n < s->n && s->p[n] && strchr(set, s->p[n]))
        n++;
    *s = str_skip(*s, n);
    return n;
}

static bool take_word(str *s, const char *word)
{
    if (!str_starts(*s, str_of(word)))
        return false;
    *s = str_skip(*s, strlen(word));
    return true;
}

static bool take_sign(str *s)
{
    return take_word(s, "-") || take_word(s, "+");
}

/* (:[0-5]?[0-9])+ */
static bool take_sixties(str *s)
{
    size_t groups = 0;
    for (; take_word(s, ":"); groups++) {
        str group = *s;
        size_t n = take(s, DIGITS);
        if (n == 0 || n > 2 || (n == 2 && group.p[0] > '5'))
            return false;
    }
    return groups > 0;
}

static bool is_int(str s)
{
    take_sign(&s);
    if (take_word(&s, "0b"))
        return take(&s, "01_") && s.n == 0;
    if (take_word(&s, "0x"))
        return take(&s, "0123456789abcdefABCDEF_") && s.n == 0;
    if (take_word(&s, "0")) {
        take(&s, "01234567_");
        return s.n == 0;
    }
    if (!s.n || s.p[0] == '_' || !take(&s, DIGITS "_"))
        return false;
    return s.n == 0 || (take_sixties(&s) && s.n == 0);
}

/* ([eE][-+][0-9]+)? and the end */
static bool exponent_ends(str s)
{
    return s.n == 0 || (take(&s, "eE") == 1 && take_sign(&s) && take(&s, DIGITS) && s.n == 0);
}

static bool is_float(str s)
{
    if (is_one_of(s, (const char *const[]){".nan", ".NaN", ".NAN"}, 3))
        return true;
    bool sign = take_sign(&s);
    if (is_one_of(s, (const char *const[]){".inf", ".Inf", ".INF"}, 3))
        return true;
    if (take_word(&s, "."))
        return !sign && s.n && s.p[0] != '_' && take(&s, DIGITS "_") && exponent_ends(s);
    if (!s.n || s.p[0] == '_' || !take(&s, DIGITS "_"))
        return false;
    bool sixties = s.n && s.p[0] == ':';
    if ((sixties && !take_sixties(&s)) || !take_word(&s, "."))
        return false;
    take(&s, DIGITS "_");
    return sixties ? s.n == 0 : exponent_ends(s);
}

enum yaml_scalar yaml_scalar_type(str s)
{
    if (is_one_of(s, null_words, ARRAY_LEN(null_words)))
        return YAML_NULL;
    if (is_one_of(s, yes_words, ARRAY_LEN(yes_words)) ||
        is_one_of(s, no_words, ARRAY_LEN(no_words)))
        return YAML_BOOL;
    if (is_int(s))
        return YAML_INT;
    return is_float(s) ? YAML_FLOAT : YAML_TEXT;
}

bool yaml_scalar_bool(str text, bool *out)
{
    for (size_t i = 0; i < ARRAY_LEN(yes_words); i++) {
        bool yes = str_eq_nocase(text, str_of(yes_words[i]));
        if (yes || str_eq_nocase(text, str_of(no_words[i]))) {
            *out = yes;
            return true;
        }
    }
    return false;
}

/* `s` without underscores. */
static enum err_kind int_literal(struct arena *out, str s, str *literal, struct err *e)
{
    str all = s;
    bool negative = s.p[0] == '-';
    int base = 10;
    take_sign(&s);
    if (take_word(&s, "0b"))
        base = 2;
    else if (take_word(&s, "0x"))
        base = 16;
    else if (s.n > 1 && s.p[0] == '0')
        base = 8;
    else if (str_find_char(s, ':') >= 0)
        base = 60;
    if (base == 10) {
        *literal = str_eq(s, STR("0")) || !negative ? s : all;
        return ERR_NONE;
    }
    unsigned __int128 value;
    if (!number_from_digits(s, base, &value))
        return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is too large, or has no digits",
                       STR_ARG(str_sub(all, 0, 60)));
    *literal = number_decimal(out, value, negative);
    return literal->p ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for a number");
}

/* `text` is terminated. Groups are added up from the last to the first, as PyYAML does. */
static double float_value(const char *text)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!strchr(digits, ':'))
        return strtod(text, NULL);
    double value = 0, base = 1;
    for (const char *end = text + strlen(text); end > digits; base *= 60) {
        const char *group = end;
        while (group > digits && group[-1] != ':')
            group--;
        value += strtod(group, NULL) * base;
        end = group > digits ? group - 1 : group;
    }
    return *text == '-' ? -value : value;
}

static enum err_kind float_literal(struct arena *out, str s, str *literal, struct err *e)
{
    double value = float_value(s.p);
    str digits = s;
    take_sign(&digits);
    bool named = digits.n > 1 && digits.p[0] == '.' && strchr("iInN", digits.p[1]);
    if (named || value - value != 0)
        return err_set(e, ERR_INVALID, "the number \"" STR_FMT "\" is none that JSON can hold",
                       STR_ARG(str_sub(s, 0, 60)));
    char text[NUMBER_REPR_MAX];
    *literal = str_copy(out, (str){text, number_repr(text, value)});
    return literal->p ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for a number");
}

enum err_kind yaml_scalar_number(struct arena *out, str text, str *literal, struct err *e)
{
    char *p = arena_bytes(out, text.n + 1);
    if (!p)
        return err_set(e, ERR_LIMIT, "no room for a number");
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '_')
            p[n++] = text.p[i];
    p[n] = '\0';
    if (yaml_scalar_type(text) == YAML_INT)
        return int_literal(out, (str){p, n}, literal, e);
    return float_literal(out, (str){p, n}, literal, e);
}
