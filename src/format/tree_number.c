/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree_number.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/number.h"

/* No double has more digits that matter than these; the rest only rounds. */
#define LITERAL_MAX 1200

bool tree_number_is_integer(str s)
{
    return str_find_char(s, '.') < 0 && str_find_char(s, 'e') < 0 && str_find_char(s, 'E') < 0;
}

bool tree_number_f64(str literal, double *out)
{
    char text[LITERAL_MAX];
    if (!str_to_cstr(literal, text, sizeof text))
        return false;
    double value = strtod(text, NULL);
    if (value - value != 0)
        return false;
    *out = value;
    return true;
}

static str integer(str s)
{
    return str_eq(s, STR("-0")) ? STR("0") : s;
}

bool tree_number_eq(str a, str b)
{
    if (str_eq(a, b))
        return true;
    bool whole_a = tree_number_is_integer(a), whole_b = tree_number_is_integer(b);
    if (whole_a && whole_b)
        return str_eq(integer(a), integer(b));
    double x, y;
    if (!whole_a && !whole_b)
        return tree_number_f64(a, &x) && tree_number_f64(b, &y) && x == y;
    /* An integer and a double are compared exactly, by the digits of the double. */
    if (!tree_number_f64(whole_a ? b : a, &x) || x != (double)__builtin_trunc(x))
        return false;
    char digits[320];
    int n = snprintf(digits, sizeof digits, "%.0f", x);
    return str_eq(integer(whole_a ? a : b), integer((str){digits, (size_t)n}));
}

void tree_number_write(struct buf *out, str literal)
{
    char text[NUMBER_REPR_MAX];
    double value;
    if (tree_number_is_integer(literal))
        buf_put(out, integer(literal));
    else if (tree_number_f64(literal, &value))
        buf_put(out, (str){text, number_repr(text, value)});
    else
        buf_put(out, literal);
}
