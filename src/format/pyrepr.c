/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/number.h"
#include "format/unicode.h"
#include "format/utf8.h"

#define INT_DIGITS_MAX 4300 /* sys.int_info.default_max_str_digits: longer text is a ValueError */

bool pyrepr_is_float(str literal)
{
    for (size_t i = 0; i < literal.n; i++)
        if (literal.p[i] == '.' || literal.p[i] == 'e' || literal.p[i] == 'E')
            return true;
    return false;
}

/* strtod wants a terminator. The exact halfway point between two doubles has at most 767 digits;
 * of a literal longer than this the rest is not looked at. */
#define LITERAL_MAX 1100

static double literal_value(str literal)
{
    char text[LITERAL_MAX + 1];
    (void)str_to_cstr(literal, text, sizeof text);
    return strtod(text, NULL);
}

static void put_number(struct buf *out, str literal)
{
    if (!pyrepr_is_float(literal)) {
        buf_put(out, str_eq(literal, STR("-0")) ? STR("0") : literal);
        return;
    }
    double value = literal_value(literal);
    if (isinf(value)) {
        buf_cstr(out, value < 0 ? "-inf" : "inf");
        return;
    }
    char text[NUMBER_REPR_MAX];
    size_t n = number_repr(text, value);
    buf_put(out, (str){text, n});
}

static void put_escaped(struct buf *out, uint32_t c, str bytes, char quote)
{
    switch (c) {
    case '\n':
        buf_cstr(out, "\\n");
        return;
    case '\r':
        buf_cstr(out, "\\r");
        return;
    case '\t':
        buf_cstr(out, "\\t");
        return;
    case '\\':
        buf_cstr(out, "\\\\");
        return;
    default:
        break;
    }
    if (c == (unsigned char)quote) {
        buf_byte(out, '\\');
        buf_byte(out, quote);
    } else if (unicode_is_printable(c)) {
        buf_put(out, bytes);
    } else if (c < 0x100) {
        buf_printf(out, "\\x%02x", (unsigned)c);
    } else if (c < 0x10000) {
        buf_printf(out, "\\u%04x", (unsigned)c);
    } else {
        buf_printf(out, "\\U%08x", (unsigned)c);
    }
}

void pyrepr_quoted(struct buf *out, str text)
{
    bool single = str_find_char(text, '\'') >= 0, dual = str_find_char(text, '"') >= 0;
    char quote = single && !dual ? '"' : '\'';
    buf_byte(out, quote);
    while (text.n) {
        size_t n;
        uint32_t c = utf8_first(text, &n);
        put_escaped(out, c == UTF8_BAD ? UTF8_REPLACEMENT : c, str_sub(text, 0, n), quote);
        text = str_skip(text, n);
    }
    buf_byte(out, quote);
}

static void put_children(struct buf *out, const struct tree *value)
{
    bool object = value->type == TREE_OBJECT;
    buf_byte(out, object ? '{' : '[');
    for (const struct tree *child = value->first; child; child = child->next) {
        if (child != value->first)
            buf_cstr(out, ", ");
        if (object) {
            pyrepr_quoted(out, child->key);
            buf_cstr(out, ": ");
        }
        pyrepr_repr(out, child);
    }
    buf_byte(out, object ? '}' : ']');
}

void pyrepr_repr(struct buf *out, const struct tree *value)
{
    if (out->full)
        return;
    switch ((enum tree_type)value->type) {
    case TREE_NULL:
        buf_cstr(out, "None");
        break;
    case TREE_BOOL:
        buf_cstr(out, value->boolean ? "True" : "False");
        break;
    case TREE_NUMBER:
        put_number(out, value->text);
        break;
    case TREE_STRING:
        pyrepr_quoted(out, value->text);
        break;
    case TREE_ARRAY:
    case TREE_OBJECT:
        put_children(out, value);
        break;
    }
}

void pyrepr_str(struct buf *out, const struct tree *value)
{
    if (value->type == TREE_STRING)
        buf_put(out, value->text);
    else
        pyrepr_repr(out, value);
}

bool pyrepr_is_true(const struct tree *value)
{
    switch ((enum tree_type)value->type) {
    case TREE_NULL:
        return false;
    case TREE_BOOL:
        return value->boolean;
    case TREE_NUMBER:
        return literal_value(value->text) != 0;
    case TREE_STRING:
        return value->text.n > 0;
    case TREE_ARRAY:
    case TREE_OBJECT:
        return value->count > 0;
    }
    return false;
}

const char *pyrepr_type(const struct tree *value)
{
    switch ((enum tree_type)value->type) {
    case TREE_NULL:
        return "NoneType";
    case TREE_BOOL:
        return "bool";
    case TREE_NUMBER:
        return pyrepr_is_float(value->text) ? "float" : "int";
    case TREE_STRING:
        return "str";
    case TREE_ARRAY:
        return "list";
    case TREE_OBJECT:
        return "dict";
    }
    return "object";
}

/* -- int() */

static str skip_blanks(str text)
{
    size_t n;
    while (text.n && unicode_is_space(utf8_first(text, &n)))
        text = str_skip(text, n);
    return text;
}

static bool all_blank(str text)
{
    return skip_blanks(text).n == 0;
}

bool pyrepr_int(str text, int64_t *out)
{
    text = skip_blanks(text);
    bool negative = text.n && text.p[0] == '-';
    if (negative || (text.n && text.p[0] == '+'))
        text = str_skip(text, 1);
    uint64_t value = 0;
    size_t digits = 0;
    bool after_digit = false;
    while (text.n) {
        size_t n;
        uint32_t c = utf8_first(text, &n);
        if (c == '_' && after_digit) {
            after_digit = false;
        } else {
            int digit = unicode_digit(c);
            if (digit < 0)
                break;
            if (value < UINT64_MAX / 16)
                value = value * 10 + (unsigned)digit;
            digits++;
            after_digit = true;
        }
        text = str_skip(text, n);
    }
    if (!after_digit || digits > INT_DIGITS_MAX || !all_blank(text))
        return false;
    if (value > INT64_MAX)
        value = INT64_MAX;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}
