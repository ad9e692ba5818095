/* SPDX-License-Identifier: Apache-2.0 */
#include "format/arguments.h"

#include <string.h>

#include "base/limits.h"

#define HELP_INDENT 26
#define HELP_WIDTH 80

/* Puts words from the column HELP_INDENT on, folded. `column` is where the line stands. */
static void put_folded(struct buf *out, str text, size_t column)
{
    if (column + 2 > HELP_INDENT) {
        buf_byte(out, '\n');
        column = 0;
    }
    buf_printf(out, "%*s", (int)(HELP_INDENT - column), "");
    column = HELP_INDENT;
    str word;
    while (text.n) {
        str_cut(text, ' ', &word, &text);
        if (column > HELP_INDENT && column + 1 + word.n > HELP_WIDTH) {
            buf_printf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            buf_byte(out, ' ');
            column++;
        }
        buf_put(out, word);
        column += word.n;
    }
    buf_byte(out, '\n');
}

static void put_option(struct buf *out, const struct argument_option *option)
{
    size_t start = out->n;
    if (option->letter)
        buf_printf(out, "  -%c, ", option->letter);
    else
        buf_cstr(out, "      ");
    if (option->type == ARGUMENT_FLAG)
        buf_printf(out, "--[no-]%s", option->name);
    else
        buf_printf(out, "--%s %s", option->name, option->value);
    put_folded(out, str_of(option->help), out->n - start);
    if (option->type == ARGUMENT_CHOICE)
        put_folded(out, str_of(option->choices), 0);
}

void arguments_help(struct buf *out, const struct argument_syntax *syntax)
{
    static const struct argument_option help = {
        .name = "help", .letter = 'h', .type = ARGUMENT_TEXT, .value = "", .help = "print this"};
    for (size_t i = 0; i < syntax->option_count; i++)
        put_option(out, &syntax->options[i]);
    put_option(out, &help);
}

/* Edits (insert, delete, replace) that turn a into b; SIZE_MAX for a word of no reasonable length.
 */
static size_t distance(str a, str b)
{
    size_t row[ARGUMENT_NAME_MAX + 1];
    if (a.n > ARGUMENT_NAME_MAX || b.n > ARGUMENT_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

ptrdiff_t arguments_nearest(str word, const str *names, size_t count)
{
    ptrdiff_t nearest = -1;
    size_t limit = 1 + word.n / 4;
    if (word.n < 2)
        return -1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d <= limit) {
            nearest = (ptrdiff_t)i;
            limit = d - (d > 0);
            if (d == 0)
                break;
        }
    }
    return nearest;
}
