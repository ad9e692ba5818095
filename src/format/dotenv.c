/* SPDX-License-Identifier: Apache-2.0 */
#include "format/dotenv.h"

#include <string.h>

#include "format/utf8.h"

struct dotenv {
    struct arena *out;
    struct err *e;
    str text; /* all of it */
    str rest;
    size_t counted; /* lines are counted up to this offset */
    uint32_t line;  /* 1-based, there */
    struct tree *values;
    dotenv_environ_fn *environ_value;
    void *ctx;
};

/* Only counts on, as every place is behind the last. */
static uint32_t line_of(struct dotenv *d)
{
    for (size_t end = d->text.n - d->rest.n; d->counted < end; d->counted++) {
        char c = d->text.p[d->counted];
        bool pair = c == '\r' && d->counted + 1 < d->text.n && d->text.p[d->counted + 1] == '\n';
        d->line += c == '\n' || (c == '\r' && !pair);
    }
    return d->line;
}

static enum err_kind refuse(struct dotenv *d, const char *wrong)
{
    return err_set(d->e, ERR_INVALID, "line %u: %s", line_of(d), wrong);
}

static enum err_kind no_room(struct dotenv *d)
{
    return err_set(d->e, ERR_LIMIT, "line %u: a value is too large", line_of(d));
}

static bool is_break(str s)
{
    return s.n && (s.p[0] == '\n' || s.p[0] == '\r');
}

/* Length of the white space character (of Unicode, as Python's \s) at the front, or 0. */
static size_t space(str s)
{
    size_t n;
    uint32_t c = s.n ? utf8_first(s, &n) : UTF8_BAD;
    bool is = (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
              c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
              c == 0x202F || c == 0x205F || c == 0x3000;
    return is ? n : 0;
}

/* White space, but no line breaks unless `breaks`; gives its length. */
static size_t skip_space(struct dotenv *d, bool breaks)
{
    size_t before = d->rest.n, n;
    while ((breaks || !is_break(d->rest)) && (n = space(d->rest)) > 0)
        d->rest = str_skip(d->rest, n);
    return before - d->rest.n;
}

static bool at(const struct dotenv *d, char c)
{
    return d->rest.n && d->rest.p[0] == c;
}

/* Takes bytes up to one of `stops`. */
static str take_until(struct dotenv *d, const char *stops)
{
    size_t n = 0;
    while (n < d->rest.n && !(d->rest.p[n] && strchr(stops, d->rest.p[n])))
        n++;
    str taken = {d->rest.p, n};
    d->rest = str_skip(d->rest, n);
    return taken;
}

static enum err_kind read_key(struct dotenv *d, str *key)
{
    if (str_starts(d->rest, STR("export"))) {
        struct dotenv behind = *d;
        behind.rest = str_skip(d->rest, 6);
        if (skip_space(&behind, false))
            d->rest = behind.rest;
    }
    if (at(d, '\'')) {
        struct dotenv quoted = *d;
        quoted.rest = str_skip(d->rest, 1);
        *key = take_until(&quoted, "'");
        if (!key->n || !at(&quoted, '\''))
            return refuse(d, "the quote in front of the name has no end");
        d->rest = str_skip(quoted.rest, 1);
        return ERR_NONE;
    }
    size_t n = 0;
    while (n < d->rest.n && d->rest.p[n] != '=' && d->rest.p[n] != '#' &&
           !space(str_skip(d->rest, n)))
        n++;
    *key = str_sub(d->rest, 0, n);
    d->rest = str_skip(d->rest, n);
    return n ? ERR_NONE : refuse(d, "a name is due in front of =");
}

/* At a quote. Line breaks of any kind become line feeds, as Python reads text files. */
static enum err_kind read_quoted(struct dotenv *d, str *value)
{
    char quote = d->rest.p[0];
    const char *names = quote == '"' ? "\\'\"abfnrtv" : "\\'";
    const char *bytes = quote == '"' ? "\\'\"\a\b\f\n\r\t\v" : "\\'";
    size_t n = 1;
    while (n < d->rest.n && d->rest.p[n] != quote)
        n += d->rest.p[n] == '\\' ? 2 : 1;
    if (n >= d->rest.n)
        return refuse(d, "the quote in front of the value has no end");
    str raw = str_sub(d->rest, 1, n);
    struct buf text = buf_new(d->out, raw.n);
    if (!text.p)
        return no_room(d);
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        const char *escaped =
            c == '\\' && i + 1 < raw.n && raw.p[i + 1] ? strchr(names, raw.p[i + 1]) : NULL;
        if (escaped) {
            c = bytes[escaped - names];
            i++;
        } else if (c == '\r') {
            c = '\n';
            i += i + 1 < raw.n && raw.p[i + 1] == '\n';
        }
        buf_byte(&text, c);
    }
    *value = buf_str(&text);
    d->rest = str_skip(d->rest, n + 1);
    return ERR_NONE;
}

/* To the end of the line, or to white space with a # behind it. */
static str read_unquoted(struct dotenv *d)
{
    str value = take_until(d, "\r\n"), s = value;
    while (s.n) {
        str from = s;
        size_t n, blanks = 0;
        while ((n = space(s)) > 0) {
            s = str_skip(s, n);
            blanks += n;
        }
        if (blanks && (!s.n || s.p[0] == '#'))
            return str_sub(value, 0, value.n - from.n);
        s = str_skip(s, blanks ? 0 : 1);
    }
    return value;
}

/* ${NAME} or ${NAME:-default} at the front: its length, or 0. */
static size_t reference(str s, str *name, str *otherwise)
{
    str inner, behind;
    if (!str_starts(s, STR("${")) || !str_cut(str_skip(s, 2), '}', &inner, &behind))
        return 0;
    *otherwise = (str){0};
    ptrdiff_t colon = str_find_char(inner, ':');
    if (colon >= 0 && (size_t)colon + 1 < inner.n && inner.p[colon + 1] == '-') {
        *name = str_sub(inner, 0, (size_t)colon);
        *otherwise = str_skip(inner, (size_t)colon + 2);
    } else if (colon >= 0) {
        return 0;
    } else {
        *name = inner;
    }
    return inner.n + 3;
}

static enum err_kind expand(struct dotenv *d, str raw, str *value)
{
    *value = raw;
    if (!str_has(raw, STR("${")))
        return ERR_NONE;
    struct buf text = buf_new(d->out, DOTENV_VALUE_MAX);
    for (size_t i = 0; i < raw.n;) {
        str name, found;
        size_t n = reference(str_skip(raw, i), &name, &found);
        if (n) {
            const struct tree *line = tree_get(d->values, name);
            str outside = !line && d->environ_value ? d->environ_value(d->ctx, name) : (str){0};
            if (line)
                found = tree_text(line);
            else if (outside.p)
                found = outside;
        } else {
            found = str_sub(raw, i, i + 1);
            n = 1;
        }
        buf_put(&text, found);
        i += n;
    }
    if (text.full)
        return no_room(d);
    *value = buf_str(&text);
    arena_rewind(d->out, (size_t)(text.p - d->out->base) + text.n);
    return ERR_NONE;
}

/* Behind the =. */
static enum err_kind read_value(struct dotenv *d, struct tree **v)
{
    str raw = {"", 0};
    enum err_kind kind = ERR_NONE;
    bool blanks = skip_space(d, false) > 0;
    if (blanks && at(d, '#'))
        raw = (str){"", 0};
    else if (at(d, '"') || at(d, '\''))
        kind = read_quoted(d, &raw);
    else
        raw = read_unquoted(d);
    if (!kind)
        kind = expand(d, raw, &raw);
    if (kind)
        return kind;
    *v = tree_str(d->out, raw.p ? raw : STR(""));
    return *v ? ERR_NONE : no_room(d);
}

static enum err_kind end_line(struct dotenv *d)
{
    skip_space(d, false);
    if (at(d, '#'))
        take_until(d, "\r\n");
    if (d->rest.n && !is_break(d->rest))
        return refuse(d, "NAME=value is expected, and nothing behind a quoted value");
    return ERR_NONE;
}

static enum err_kind read_line(struct dotenv *d)
{
    str key;
    struct tree *v = NULL;
    uint32_t line = line_of(d);
    if (at(d, '#')) {
        take_until(d, "\r\n");
        return ERR_NONE;
    }
    enum err_kind kind = read_key(d, &key);
    if (kind)
        return kind;
    skip_space(d, false);
    if (at(d, '=')) {
        d->rest = str_skip(d->rest, 1);
        kind = read_value(d, &v);
    } else {
        v = tree_null(d->out);
    }
    if (!kind)
        kind = end_line(d);
    if (kind)
        return kind;
    if (!tree_set(d->out, d->values, key, v))
        return no_room(d);
    v->line = line;
    return ERR_NONE;
}

enum err_kind dotenv_parse(struct arena *out, str text, dotenv_environ_fn *environ_value, void *ctx,
                           struct tree **tree, struct err *e)
{
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = str_skip(text, 3);
    struct dotenv d = {.out = out,
                       .e = e,
                       .text = text,
                       .rest = text,
                       .line = 1,
                       .values = tree_object(out),
                       .environ_value = environ_value,
                       .ctx = ctx};
    if (!d.values)
        return no_room(&d);
    ptrdiff_t bad = utf8_find_bad(text);
    if (bad >= 0) {
        d.rest = str_skip(text, (size_t)bad);
        return refuse(&d, "bytes that are not UTF-8");
    }
    for (skip_space(&d, true); d.rest.n; skip_space(&d, true)) {
        enum err_kind kind = read_line(&d);
        if (kind)
            return kind;
    }
    *tree = d.values;
    return ERR_NONE;
}
