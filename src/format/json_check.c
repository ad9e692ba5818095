/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_check.h"

#include <string.h>

#include "format/utf8.h"

/* What may come next. */
enum expect { FIRST_VALUE, VALUE, FIRST_KEY, KEY, COLON, NEXT };

struct scan {
    const unsigned char *p, *end;
    const char *wrong; /* what is wrong at p, once something is */
    enum expect expect;
    int depth;
    bool object[JSON_DEPTH_MAX]; /* of the containers that are open: is it an object? */
    bool too_deep;
};

static bool fail(struct scan *s, const char *wrong)
{
    s->wrong = wrong;
    return false;
}

static bool is_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool digits(struct scan *s)
{
    if (!is_digit(s))
        return fail(s, "a digit is missing");
    while (is_digit(s))
        s->p++;
    return true;
}

static bool number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    const unsigned char *first = s->p;
    if (!digits(s))
        return false;
    if (*first == '0' && s->p - first > 1) {
        s->p = first;
        return fail(s, "a number must not begin with 0");
    }
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!digits(s))
            return false;
    }
    return true;
}

static bool literal(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return fail(s, "an unknown word (true, false and null are known)");
    s->p += n;
    return true;
}

static bool is_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At a backslash. */
static bool escape(struct scan *s)
{
    size_t left = (size_t)(s->end - s->p);
    if (left < 2)
        return fail(s, "the text ends inside a string");
    if (s->p[1] == 'u') {
        if (left < 6 || !is_hex(s->p[2]) || !is_hex(s->p[3]) || !is_hex(s->p[4]) ||
            !is_hex(s->p[5]))
            return fail(s, "\\u needs four hexadecimal digits");
        s->p += 6;
        return true;
    }
    if (!s->p[1] || !strchr("\"\\/bfnrt", s->p[1]))
        return fail(s, "an unknown escape (a backslash is written \\\\)");
    s->p += 2;
    return true;
}

/* At the opening quote. */
static bool string(struct scan *s)
{
    s->p++;
    for (;;) {
        while (s->p < s->end && *s->p >= 0x20 && *s->p < 0x80 && *s->p != '"' && *s->p != '\\')
            s->p++;
        if (s->p == s->end)
            return fail(s, "the text ends inside a string");
        if (*s->p == '"') {
            s->p++;
            return true;
        }
        if (*s->p == '\\') {
            if (!escape(s))
                return false;
        } else if (*s->p < 0x20) {
            return fail(s, "a control character inside a string (a line break is written \\n)");
        } else {
            size_t n;
            if (utf8_first((str){(const char *)s->p, (size_t)(s->end - s->p)}, &n) == UTF8_BAD)
                return fail(s, "bytes that are not UTF-8");
            s->p += n;
        }
    }
}

static bool value(struct scan *s)
{
    switch (*s->p) {
    case '{':
    case '[':
        if (s->depth == JSON_DEPTH_MAX) {
            s->too_deep = true;
            return fail(s, "nested too deeply");
        }
        s->object[s->depth++] = *s->p == '{';
        s->expect = *s->p++ == '{' ? FIRST_KEY : FIRST_VALUE;
        return true;
    case '"':
        s->expect = NEXT;
        return string(s);
    case 't':
        s->expect = NEXT;
        return literal(s, "true");
    case 'f':
        s->expect = NEXT;
        return literal(s, "false");
    case 'n':
        s->expect = NEXT;
        return literal(s, "null");
    case '-':
    case '0' ... '9':
        s->expect = NEXT;
        return number(s);
    case 'N':
    case 'I':
        return fail(s, "NaN and Infinity are no JSON");
    case '\'':
        return fail(s, "a string stands in double quotes");
    default:
        if (s->end - s->p >= 3 && memcmp(s->p, "\xEF\xBB\xBF", 3) == 0)
            return fail(s, "a byte order mark must not stand here");
        return fail(s, "a value is due here");
    }
}

static bool close(struct scan *s)
{
    s->depth--;
    s->expect = NEXT;
    s->p++;
    return true;
}

/* After a value. */
static bool next(struct scan *s)
{
    if (s->depth == 0)
        return fail(s, "more text after the end of the document");
    bool object = s->object[s->depth - 1];
    if (*s->p == ',') {
        s->p++;
        s->expect = object ? KEY : VALUE;
        return true;
    }
    if (*s->p == (object ? '}' : ']'))
        return close(s);
    return fail(s, object ? "a comma or } is due here" : "a comma or ] is due here");
}

/* One piece; s->p stands at it. */
static bool step(struct scan *s, size_t *tokens)
{
    switch (s->expect) {
    case FIRST_VALUE:
        if (*s->p == ']')
            return close(s);
        /* fall through */
    case VALUE:
        ++*tokens;
        return value(s);
    case FIRST_KEY:
        if (*s->p == '}')
            return close(s);
        /* fall through */
    case KEY:
        if (*s->p != '"')
            return fail(s, "a key in double quotes is due here");
        ++*tokens;
        s->expect = COLON;
        return string(s);
    case COLON:
        if (*s->p != ':')
            return fail(s, "a colon is due here");
        s->p++;
        s->expect = VALUE;
        return true;
    default:
        return next(s);
    }
}

static enum err_kind report(const struct scan *s, str text, struct err *e)
{
    size_t at = (size_t)(s->p - (const unsigned char *)text.p), line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column++;
        if (text.p[i] == '\n')
            line++, column = 1;
    }
    if (s->too_deep)
        return err_set(e, ERR_LIMIT,
                       "JSON at line %zu, column %zu (byte %zu) is nested more than %d deep", line,
                       column, at, JSON_DEPTH_MAX);
    return err_set(e, ERR_INVALID, "invalid JSON at line %zu, column %zu (byte %zu): %s", line,
                   column, at, s->wrong);
}

enum err_kind json_check(str text, size_t *tokens, struct err *e)
{
    if (text.n > JSON_TEXT_MAX)
        return err_set(e, ERR_LIMIT, "JSON text of %zu bytes is larger than the limit of %zu",
                       text.n, JSON_TEXT_MAX);
    if (str_trim(text).n == 0)
        return err_set(e, ERR_INVALID, "invalid JSON: the text is empty");
    const unsigned char *p = (const unsigned char *)text.p;
    struct scan s = {.p = p, .end = p + text.n, .expect = VALUE};
    *tokens = 0;
    for (;;) {
        while (s.p < s.end && (*s.p == ' ' || *s.p == '\n' || *s.p == '\t' || *s.p == '\r'))
            s.p++;
        if (s.p == s.end)
            break;
        if (!step(&s, tokens))
            return report(&s, text, e);
    }
    if (s.depth == 0 && s.expect == NEXT)
        return ERR_NONE;
    s.wrong = "the text is cut: it ends inside an object or array";
    return report(&s, text, e);
}

bool json_is_number(str text)
{
    if (!text.n)
        return false;
    const unsigned char *p = (const unsigned char *)text.p;
    struct scan s = {.p = p, .end = p + text.n};
    return number(&s) && s.p == s.end;
}
