/* SPDX-License-Identifier: Apache-2.0 */
#include "format/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/quantity.h"

struct parser {
    struct arena *out;
    const struct argument_syntax *syntax;
    struct arguments *result;
    str *operands;
    str *lists; /* one array of argc views for all lists of a line; each list is contiguous */
    int argc;
    char *const *argv;
    int at;
    struct err *e;
};

/* How an option was written: its dashes and name for messages, and what the form says. */
struct spelling {
    str shown;    /* "--pool", "-p" */
    str attached; /* text after = or after the letter */
    bool has_attached;
    bool negated; /* --no-flag */
    bool emptied; /* --empty-list */
    size_t index; /* of the option */
};

bool argument_flag_parse(str text, bool *out)
{
    static const str yes[] = {STR_INIT("true"), STR_INIT("t"), STR_INIT("yes"), STR_INIT("y"),
                              STR_INIT("1")};
    static const str no[] = {STR_INIT("false"), STR_INIT("f"), STR_INIT("no"), STR_INIT("n"),
                             STR_INIT("0")};
    text = str_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq_nocase(text, yes[i]) || str_eq_nocase(text, no[i])) {
            *out = str_eq_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

bool arguments_want_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* -- numbers */

/* Copies `text` without the underscores between digits, as Python's literals allow them. */
static bool without_underscores(str text, char *out, size_t out_size, size_t *n)
{
    *n = 0;
    if (text.n >= out_size)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '_') {
            bool inside = i > 0 && i + 1 < text.n && text.p[i - 1] != '_' && text.p[i + 1] != '_';
            if (!inside)
                return false;
            continue;
        }
        out[(*n)++] = text.p[i];
    }
    out[*n] = '\0';
    return *n > 0;
}

static int base_of(const char *digits)
{
    if (digits[0] != '0')
        return 10;
    switch (digits[1] | 0x20) {
    case 'x':
        return 16;
    case 'o':
        return 8;
    case 'b':
        return 2;
    default:
        return 10;
    }
}

static bool parse_digits(const char *digits, int base, bool minus, int64_t *out)
{
    uint64_t value = 0;
    if (!*digits)
        return false;
    for (; *digits; digits++) {
        int c = *digits | 0x20;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= base || value > (uint64_t)INT64_MAX / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    if (value > (uint64_t)INT64_MAX)
        return false;
    *out = minus ? -(int64_t)value : (int64_t)value;
    return true;
}

/* A fraction: rounded, half to even. */
static bool parse_fraction(const char *text, int64_t *out)
{
    if (strspn(text, "0123456789.eE+-") != strlen(text))
        return false;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value > -9e15 && value < 9e15))
        return false;
    int64_t whole = (int64_t)value;
    double rest = value - (double)whole;
    bool odd = whole % 2 != 0;
    if (rest > 0.5 || (rest == 0.5 && odd))
        whole++;
    else if (rest < -0.5 || (rest == -0.5 && odd))
        whole--;
    *out = whole;
    return true;
}

static bool parse_integer(str text, int64_t *out)
{
    char plain[64];
    size_t n;
    if (!without_underscores(str_trim(text), plain, sizeof plain, &n))
        return false;
    const char *digits = plain;
    bool minus = digits[0] == '-';
    if (minus || digits[0] == '+')
        digits++;
    int base = base_of(digits);
    if (base == 10 && memchr(plain, '.', n))
        return parse_fraction(plain, out);
    return parse_digits(base == 10 ? digits : digits + 2, base, minus, out);
}

/* "-5", "-0x10", "-1e5", "-inf": taken as a value although it begins with a dash. */
static bool is_number(str text)
{
    int64_t ignored;
    if (parse_integer(text, &ignored))
        return true;
    char plain[64];
    char *end;
    if (!str_to_cstr(text, plain, sizeof plain) || !plain[0])
        return false;
    strtod(plain, &end);
    return end != plain && !*end;
}

/* -- values */

static enum err_kind bad_value(struct parser *p, const struct spelling *s, str given,
                               const char *wanted)
{
    return err_set(p->e, ERR_INVALID, STR_FMT ": '" STR_FMT "' is not %s", STR_ARG(s->shown),
                   STR_ARG(given), wanted);
}

static bool same_choice(str given, str choice)
{
    if (given.n != choice.n)
        return false;
    for (size_t i = 0; i < given.n; i++) {
        char c = given.p[i] == '_' ? '-' : given.p[i];
        if (!str_eq_nocase((str){&c, 1}, str_sub(choice, i, i + 1)))
            return false;
    }
    return true;
}

static enum err_kind take_choice(struct parser *p, const struct spelling *s, str given,
                                 const char *choices, struct argument_value *value)
{
    str rest = str_of(choices), choice;
    while (rest.n) {
        str_cut(rest, '|', &choice, &rest);
        if (same_choice(given, choice)) {
            value->text = choice;
            return ERR_NONE;
        }
    }
    return err_set(p->e, ERR_INVALID, STR_FMT ": '" STR_FMT "' is not one of %s", STR_ARG(s->shown),
                   STR_ARG(given), choices);
}

static enum err_kind take_value(struct parser *p, const struct spelling *s,
                                const struct argument_option *option, str given)
{
    struct argument_value *value = &p->result->values[s->index];
    uint64_t bytes;
    value->given = true;
    value->text = given;
    switch (option->type) {
    case ARGUMENT_FLAG:
    case ARGUMENT_TEXT:
        return ERR_NONE;
    case ARGUMENT_LIST:
        ((str *)value->list)[value->count++] = given;
        return ERR_NONE;
    case ARGUMENT_INTEGER:
        if (!parse_integer(given, &value->number))
            return bad_value(p, s, given, "a whole number");
        return ERR_NONE;
    case ARGUMENT_CHOICE:
        return take_choice(p, s, given, option->choices, value);
    case ARGUMENT_SIZE:
        if (!quantity_parse(given, &bytes) || bytes > INT64_MAX)
            return bad_value(p, s, given, "a size such as 8Mi or 500k");
        value->number = (int64_t)bytes;
        return ERR_NONE;
    }
    return err_set(p->e, ERR_INVALID, STR_FMT ": has no type", STR_ARG(s->shown));
}

/* The value of an option that has one: attached, or the next argument. */
static enum err_kind next_value(struct parser *p, const struct spelling *s, str *given)
{
    if (s->has_attached) {
        *given = s->attached;
        return ERR_NONE;
    }
    bool more = p->at < p->argc;
    str next = more ? str_of(p->argv[p->at]) : STR("");
    if (more && (!str_starts(next, STR("-")) || is_number(next))) {
        p->at++;
        *given = next;
        return ERR_NONE;
    }
    if (more && next.n > 1 && !str_eq(next, STR("--")))
        return err_set(p->e, ERR_INVALID,
                       STR_FMT
                       ": a value is missing (a value that begins with a dash is written " STR_FMT
                       "=" STR_FMT ")",
                       STR_ARG(s->shown), STR_ARG(s->shown), STR_ARG(next));
    return err_set(p->e, ERR_INVALID, STR_FMT ": a value is missing", STR_ARG(s->shown));
}

static enum err_kind take_flag(struct parser *p, const struct spelling *s)
{
    struct argument_value *value = &p->result->values[s->index];
    bool on = true;
    if (s->has_attached && !argument_flag_parse(s->attached, &on))
        return bad_value(p, s, s->attached, "true or false");
    value->given = true;
    value->on = on != s->negated;
    return ERR_NONE;
}

static enum err_kind take_option(struct parser *p, const struct spelling *s)
{
    const struct argument_option *option = &p->syntax->options[s->index];
    struct argument_value *value = &p->result->values[s->index];
    bool again_is_fine = option->type == ARGUMENT_LIST && !s->emptied && value->count > 0;
    if (value->given && !again_is_fine)
        return err_set(p->e, ERR_INVALID, STR_FMT ": given more than once", STR_ARG(s->shown));
    if (s->emptied) {
        if (s->has_attached)
            return err_set(p->e, ERR_INVALID, STR_FMT ": takes no value", STR_ARG(s->shown));
        value->given = true;
        return ERR_NONE;
    }
    if (option->type == ARGUMENT_FLAG)
        return take_flag(p, s);
    str given = {0};
    enum err_kind kind = next_value(p, s, &given);
    return kind ? kind : take_value(p, s, option, given);
}

/* -- options by name */

static bool same_name(str written, const char *name)
{
    if (written.n != strlen(name))
        return false;
    for (size_t i = 0; i < written.n; i++) {
        if (written.p[i] != name[i] && !(written.p[i] == '_' && name[i] == '-'))
            return false;
    }
    return true;
}

/* "no-" or "empty-" in front, in either spelling of the dash. */
static bool cut_prefix(str *written, const char *prefix)
{
    size_t n = strlen(prefix);
    if (written->n <= n || !same_name(str_sub(*written, 0, n), prefix))
        return false;
    *written = str_skip(*written, n);
    return true;
}

static bool find_long(const struct argument_syntax *syntax, str written, struct spelling *s)
{
    str positive = written, filled = written;
    bool negated = cut_prefix(&positive, "no-"), emptied = cut_prefix(&filled, "empty-");
    for (size_t i = 0; i < syntax->option_count; i++) {
        const struct argument_option *option = &syntax->options[i];
        s->index = i;
        s->negated = negated && option->type == ARGUMENT_FLAG && same_name(positive, option->name);
        s->emptied = emptied && option->type == ARGUMENT_LIST && same_name(filled, option->name);
        if (s->negated || s->emptied || same_name(written, option->name))
            return true;
    }
    return false;
}

static enum err_kind unknown(struct parser *p, str shown)
{
    str names[ARGUMENT_OPTIONS_MAX];
    for (size_t i = 0; i < p->syntax->option_count; i++)
        names[i] = str_of(p->syntax->options[i].name);
    ptrdiff_t near = arguments_nearest(str_skip(shown, 2), names, p->syntax->option_count);
    if (near < 0)
        return err_set(p->e, ERR_INVALID, STR_FMT ": there is no such option", STR_ARG(shown));
    return err_set(p->e, ERR_INVALID,
                   STR_FMT ": there is no such option; did you mean --" STR_FMT "?", STR_ARG(shown),
                   STR_ARG(names[near]));
}

static enum err_kind parse_long(struct parser *p, str argument)
{
    struct spelling s = {0};
    s.has_attached = str_cut(argument, '=', &s.shown, &s.attached);
    if (!find_long(p->syntax, str_skip(s.shown, 2), &s))
        return unknown(p, s.shown);
    return take_option(p, &s);
}

/* -n VALUE, -nVALUE, -n=VALUE. */
static enum err_kind parse_short(struct parser *p, str argument)
{
    struct spelling s = {.shown = str_sub(argument, 0, 2)};
    for (size_t i = 0; argument.n > 1 && i < p->syntax->option_count; i++) {
        if (p->syntax->options[i].letter != argument.p[1])
            continue;
        s.index = i;
        s.attached = str_skip(argument, 2);
        s.has_attached = s.attached.n > 0;
        if (str_starts(s.attached, STR("=")))
            s.attached = str_skip(s.attached, 1);
        return take_option(p, &s);
    }
    return unknown(p, argument);
}

static enum err_kind parse_operand(struct parser *p, str argument)
{
    if (p->result->operand_count >= p->syntax->operands_max)
        return err_set(
            p->e, ERR_INVALID, "'" STR_FMT "': an argument too many%s", STR_ARG(argument),
            p->at > 1 && p->argv[p->at - 2][0] == '-' ? " (a flag takes its value as --flag=false)"
                                                      : "");
    p->operands[p->result->operand_count++] = argument;
    return ERR_NONE;
}

static enum err_kind parse_all(struct parser *p)
{
    bool operands_only = false;
    enum err_kind kind = ERR_NONE;
    while (!kind && p->at < p->argc) {
        str argument = str_of(p->argv[p->at++]);
        if (operands_only)
            kind = parse_operand(p, argument);
        else if (str_eq(argument, STR("--")))
            operands_only = true;
        else if (str_starts(argument, STR("--")))
            kind = parse_long(p, argument);
        else if (str_starts(argument, STR("-")) && !is_number(argument))
            kind = parse_short(p, argument);
        else
            kind = parse_operand(p, argument);
    }
    return kind;
}

enum err_kind arguments_parse(struct arena *out, const struct argument_syntax *syntax, int argc,
                              char *const *argv, struct arguments *arguments, struct err *e)
{
    ASSERT(syntax->option_count <= ARGUMENT_OPTIONS_MAX);
    size_t most = (size_t)argc;
    struct parser p = {
        .out = out, .syntax = syntax, .result = arguments, .argc = argc, .argv = argv, .e = e};
    *arguments = (struct arguments){0};
    arguments->values = ARENA_ARRAY(out, struct argument_value, syntax->option_count + 1);
    p.operands = ARENA_ARRAY(out, str, most + 1);
    if (!arguments->values || !p.operands)
        return err_set(e, ERR_LIMIT, "the command line is too long");
    for (size_t i = 0; i < syntax->option_count; i++) {
        if (syntax->options[i].type != ARGUMENT_LIST)
            continue;
        str *list = ARENA_ARRAY(out, str, most + 1);
        if (!list)
            return err_set(e, ERR_LIMIT, "the command line is too long");
        arguments->values[i].list = list;
    }
    arguments->operands = p.operands;
    return parse_all(&p);
}
