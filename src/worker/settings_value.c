/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settings_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "format/duration.h"
#include "format/number.h"
#include "format/pyrepr.h"

#define SHOWN_MAX 60

static bool is_float(const struct tree *v)
{
    return v->type == TREE_NUMBER && pyrepr_is_float(v->text);
}

static bool is_secret(const struct setting *setting)
{
    return setting->type == SETTING_SECRET || setting->type == SETTING_HEADERS;
}

enum err_kind setting_refuse(struct setting_reader *r, const struct tree *given, const char *what)
{
    if (is_secret(r->setting))
        return err_set(r->e, ERR_INVALID, "the value %s", what);
    char other[SHOWN_MAX];
    struct buf b = buf_over(other, sizeof other);
    str shown = given->text;
    if (given->type == TREE_ARRAY || given->type == TREE_OBJECT) {
        shown = given->type == TREE_ARRAY ? STR("a list") : STR("a table");
    } else if (given->type != TREE_STRING) {
        pyrepr_str(&b, given);
        shown = buf_str(&b);
    }
    size_t n = shown.n < SHOWN_MAX ? shown.n : SHOWN_MAX;
    while (n < shown.n && n > 0 && (shown.p[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    return err_set(r->e, ERR_INVALID, "'%.*s%s' %s", (int)n, shown.n ? shown.p : "",
                   n < shown.n ? "..." : "", what);
}

/* -- numbers */

/* Digits with single underscores between them, copied without; the rest stays in *given. */
static bool take_digits(str *given, struct buf *out)
{
    size_t i = 0, n = 0;
    for (; i < given->n; i++) {
        char c = given->p[i];
        bool digit = c >= '0' && c <= '9';
        bool joint = c == '_' && n > 0 && given->p[i - 1] != '_' && i + 1 < given->n &&
                     given->p[i + 1] >= '0' && given->p[i + 1] <= '9';
        if (!digit && !joint)
            break;
        if (digit) {
            buf_byte(out, c);
            n++;
        }
    }
    *given = str_skip(*given, i);
    return n > 0;
}

bool setting_int_text(struct arena *out, str given, str *text)
{
    given = str_trim(given);
    struct buf b = buf_new(out, given.n + 2);
    bool minus = str_starts(given, STR("-"));
    if (minus || str_starts(given, STR("+")))
        given = str_skip(given, 1);
    buf_cstr(&b, minus ? "-" : "");
    if (!take_digits(&given, &b))
        return false;
    if (given.n > 1 && given.p[0] == '.')
        given = str_trim_chars(str_skip(given, 1), STR("0"));
    if (given.n || b.full)
        return false;
    str digits = str_skip(buf_str(&b), minus);
    while (digits.n > 1 && digits.p[0] == '0')
        digits = str_skip(digits, 1);
    if (minus && !str_eq(digits, STR("0"))) {
        char *sign =
            (char *)digits.p - 1; /* the buffer is ours: the minus moves up to its digits */
        *sign = '-';
        digits = (str){sign, digits.n + 1};
    }
    *text = digits;
    return true;
}

bool setting_float(str given, double *value)
{
    char plain[400];
    size_t n = 0;
    given = str_trim(given);
    if (given.n == 0 || given.n >= sizeof plain)
        return false;
    for (size_t i = 0; i < given.n; i++) {
        char c = given.p[i];
        bool joint = i > 0 && i + 1 < given.n && given.p[i - 1] != '_' && given.p[i + 1] != '_';
        if (c == '_' && joint)
            continue;
        if (!strchr("0123456789.+-eEinftyINFTYaA", c) || !c)
            return false;
        plain[n++] = c;
    }
    plain[n] = '\0';
    char *end;
    *value = strtod(plain, &end);
    return end != plain && !*end;
}

bool setting_int_of(struct arena *out, const struct tree *given, str *text)
{
    switch (given->type) {
    case TREE_STRING:
        return setting_int_text(out, given->text, text);
    case TREE_BOOL:
        *text = given->boolean ? STR("1") : STR("0");
        return true;
    case TREE_NUMBER:
        break;
    default:
        return false;
    }
    if (!pyrepr_is_float(given->text))
        return setting_int_text(out, given->text, text);
    double value;
    if (!setting_float(given->text, &value) || !(fabs(value) < 9e15) ||
        value != (double)(int64_t)value)
        return false;
    *text = str_printf(out, "%.0f", value == 0 ? 0.0 : value);
    return text->p != NULL;
}

bool setting_float_of(const struct tree *given, double *value)
{
    if (given->type == TREE_BOOL)
        *value = given->boolean;
    else if (given->type == TREE_STRING || given->type == TREE_NUMBER)
        return setting_float(given->text, value);
    return given->type == TREE_BOOL;
}

str setting_float_text(struct arena *out, double value, bool *null)
{
    char text[NUMBER_REPR_MAX];
    *null = !isfinite(value);
    if (*null)
        return isnan(value) ? STR("nan") : value < 0 ? STR("-inf") : STR("inf");
    size_t n = number_repr(text, value);
    return str_copy(out, (str){text, n});
}

static bool within(double value, str limit)
{
    bool at_most = str_starts(limit, STR("<=")), at_least = str_starts(limit, STR(">="));
    double bound;
    if (!setting_float(str_skip(limit, at_most || at_least ? 2 : 1), &bound))
        return false;
    if (isnan(value))
        return false;
    return at_most ? value <= bound : at_least ? value >= bound : value > bound;
}

enum err_kind setting_check_limits(struct setting_reader *r, str number)
{
    str rest = str_of(r->setting->limits), limit;
    double value;
    if (!rest.n)
        return ERR_NONE;
    if (!setting_float(number, &value))
        return err_set(r->e, ERR_INVALID, "'" STR_FMT "' is not a number", STR_ARG(number));
    while (rest.n) {
        str_cut(rest, ' ', &limit, &rest);
        if (!within(value, limit))
            return err_set(r->e, ERR_INVALID, STR_FMT " is out of range, it must be %s",
                           STR_ARG(number), r->setting->limits);
    }
    return ERR_NONE;
}

static enum err_kind read_int(struct setting_reader *r, const struct tree *given, str *text)
{
    if (!setting_int_of(r->out, given, text))
        return setting_refuse(r, given, "is not a whole number");
    return setting_check_limits(r, *text);
}

static enum err_kind read_float(struct setting_reader *r, const struct tree *given, str *text,
                                bool *null)
{
    double value;
    if (!setting_float_of(given, &value))
        return setting_refuse(r, given, "is not a number");
    *text = setting_float_text(r->out, value, null);
    return setting_check_limits(r, *text);
}

/* -- words */

static enum err_kind read_bool(struct setting_reader *r, const struct tree *given, str *text)
{
    static const str yes[] = {STR_INIT("true"), STR_INIT("t"),  STR_INIT("yes"),
                              STR_INIT("y"),    STR_INIT("on"), STR_INIT("1")};
    static const str no[] = {STR_INIT("false"), STR_INIT("f"),   STR_INIT("no"),
                             STR_INIT("n"),     STR_INIT("off"), STR_INIT("0")};
    str word = given->text;
    char digit[NUMBER_REPR_MAX];
    double value;
    if (given->type == TREE_BOOL)
        word = given->boolean ? STR("1") : STR("0");
    else if (is_float(given) && setting_float(given->text, &value) && (value == 0 || value == 1))
        word = (str){digit, (size_t)snprintf(digit, sizeof digit, "%d", value == 1)};
    else if (given->type != TREE_STRING && given->type != TREE_NUMBER)
        word = STR("");
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool on = str_eq_nocase(word, yes[i]);
        if (on || str_eq_nocase(word, no[i])) {
            *text = on ? STR("True") : STR("False");
            return ERR_NONE;
        }
    }
    return setting_refuse(r, given, "is neither true nor false");
}

static enum err_kind read_choice(struct setting_reader *r, const struct tree *given, str *text)
{
    str rest = str_of(r->setting->limits), choice;
    while (given->type == TREE_STRING && rest.n) {
        str_cut(rest, '|', &choice, &rest);
        if (str_eq(choice, given->text)) {
            *text = choice;
            return ERR_NONE;
        }
    }
    char what[128];
    snprintf(what, sizeof what, "is not one of %s", r->setting->limits);
    return setting_refuse(r, given, what);
}

static enum err_kind read_level(struct setting_reader *r, const struct tree *given, str *text)
{
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR,
                                            LOG_CRITICAL};
    for (size_t i = 0; given->type == TREE_STRING && i < ARRAY_LEN(levels); i++) {
        *text = str_of(log_level_name(levels[i]));
        if (str_eq_nocase(given->text, *text))
            return ERR_NONE;
    }
    return setting_refuse(r, given, "is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL");
}

/* -- paths */

/* As str(pathlib.Path(path)): no empty and no "." parts, "//" kept only as the very beginning. */
static str plain_path(struct arena *out, str path)
{
    struct buf b = buf_new(out, path.n + 2);
    bool rooted = str_starts(path, STR("/"));
    if (rooted)
        buf_cstr(&b, str_starts(path, STR("//")) && !str_starts(path, STR("///")) ? "//" : "/");
    size_t start = b.n;
    str part;
    while (path.n) {
        str_cut(path, '/', &part, &path);
        if (part.n == 0 || str_eq(part, STR(".")))
            continue;
        if (b.n > start)
            buf_byte(&b, '/');
        buf_put(&b, part);
    }
    if (b.n == 0)
        buf_byte(&b, '.');
    return buf_str(&b);
}

static enum err_kind read_path(struct setting_reader *r, const struct tree *given, str *text)
{
    str path = given->text;
    if (given->type != TREE_STRING)
        return setting_refuse(r, given, "is not a path");
    if (r->setting->type == SETTING_HOME && str_starts(path, STR("~"))) {
        if (path.n > 1 && path.p[1] != '/')
            return setting_refuse(r, given, "names another user's home; write the path out");
        path = str_printf(r->out, STR_FMT STR_FMT, STR_ARG(r->home), STR_ARG(str_skip(path, 1)));
    }
    if (r->setting->type == SETTING_PROFILES)
        path = str_replace(r->out, path, STR("$PREFECT_HOME"), r->prefect_home);
    *text = plain_path(r->out, path);
    return ERR_NONE;
}

/* -- durations */

/* A number of seconds to the nearest microsecond, or a duration in words. */
static bool duration_of(const struct tree *given, bool seconds, int64_t *us)
{
    double value;
    bool number = given->type == TREE_NUMBER || (seconds && given->type != TREE_NULL);
    if (number && setting_float_of(given, &value)) {
        if (!(fabs(value) < 9e12))
            return false;
        *us = (int64_t)(value * 1e6 + (value < 0 ? -0.5 : 0.5));
        return true;
    }
    return given->type == TREE_STRING && duration_parse(given->text, us);
}

static enum err_kind read_duration(struct setting_reader *r, const struct tree *given, str *text)
{
    int64_t us;
    if (!duration_of(given, r->setting->type == SETTING_SECONDS, &us))
        return setting_refuse(r, given, "is not a duration such as PT1H30M or 01:30:00");
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.6f", (double)us / 1e6);
    enum err_kind kind = setting_check_limits(r, str_of(seconds));
    struct buf b = buf_new(r->out, 64);
    duration_format(&b, us);
    *text = buf_str(&b);
    return kind;
}

/* -- any */

static bool holds_several(enum setting_type type)
{
    switch (type) {
    case SETTING_CODES:
    case SETTING_NAMES:
    case SETTING_PAIRS:
    case SETTING_HEADERS:
    case SETTING_DURATIONS:
    case SETTING_NUMBERS:
    case SETTING_DELAYS:
    case SETTING_VACUUM:
        return true;
    default:
        return false;
    }
}

bool setting_is_object(const struct setting *setting)
{
    return setting->type == SETTING_HEADERS || setting->type == SETTING_DURATIONS;
}

enum err_kind setting_decode(struct setting_reader *r, const struct tree **given)
{
    bool object = setting_is_object(r->setting);
    if ((*given)->type != TREE_STRING || !holds_several(r->setting->type) ||
        (!object && !r->decode_unions))
        return ERR_NONE;
    struct tree *value;
    struct err ignored;
    enum err_kind kind = tree_parse_json(r->out, r->scratch, (*given)->text, &value, &ignored);
    if (!kind)
        *given = value;
    else if (object)
        return setting_refuse(r, *given, "is not a JSON object");
    return ERR_NONE;
}

static enum err_kind read_any(struct setting_reader *r, const struct tree *given, str *text)
{
    struct arena scratch = r->scratch;
    struct buf b = buf_new(&scratch, SETTING_TEXT_MAX);
    pyrepr_str(&b, given);
    *text = str_copy(r->out, buf_str(&b));
    return b.full ? err_set(r->e, ERR_LIMIT, "the value is too long") : ERR_NONE;
}

enum err_kind setting_read(struct setting_reader *r, const struct tree *given, str *text,
                           bool *null)
{
    *null = false;
    switch (r->setting->type) {
    case SETTING_BOOL:
        return read_bool(r, given, text);
    case SETTING_INT:
        return read_int(r, given, text);
    case SETTING_FLOAT:
        return read_float(r, given, text, null);
    case SETTING_TEXT:
    case SETTING_SECRET:
        *text = given->text;
        return given->type == TREE_STRING ? ERR_NONE : setting_refuse(r, given, "is not a text");
    case SETTING_PATH:
    case SETTING_HOME:
    case SETTING_PROFILES:
        return read_path(r, given, text);
    case SETTING_LEVEL:
        return read_level(r, given, text);
    case SETTING_CHOICE:
        return read_choice(r, given, text);
    case SETTING_DURATION:
    case SETTING_SECONDS:
        return read_duration(r, given, text);
    case SETTING_ANY:
        return read_any(r, given, text);
    default:
        return setting_read_collection(r, given, text, null);
    }
}
