/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml_scan.h"

#include <string.h>

#include "format/number.h"
#include "format/utf8.h"

#define DIGITS "0123456789"

uint32_t toml_line(struct toml_scan *s)
{
    for (; s->counted < s->p; s->counted++)
        if (*s->counted == '\n') {
            s->line++;
            s->line_from = s->counted + 1;
        }
    return s->line;
}

enum err_kind toml_refuse(struct toml_scan *s, const char *wrong)
{
    uint32_t line = toml_line(s);
    long column = s->p >= s->line_from ? s->p - s->line_from + 1 : 1;
    return err_set(s->e, ERR_INVALID, "TOML at line %u, column %ld: %s", line, column, wrong);
}

enum err_kind toml_no_room(struct toml_scan *s)
{
    return err_set(s->e, ERR_LIMIT, "TOML at line %u does not fit into memory", toml_line(s));
}

static str rest(const struct toml_scan *s)
{
    return (str){s->p, (size_t)(s->end - s->p)};
}

bool toml_at(const struct toml_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

bool toml_take(struct toml_scan *s, const char *word)
{
    if (!str_starts(rest(s), str_of(word)))
        return false;
    s->p += strlen(word);
    return true;
}

void toml_skip_blanks(struct toml_scan *s)
{
    while (toml_at(s, ' ') || toml_at(s, '\t'))
        s->p++;
}

/* No text holds these, but a tab. */
static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

static enum err_kind skip_comment(struct toml_scan *s)
{
    if (!toml_at(s, '#'))
        return ERR_NONE;
    while (s->p < s->end && !is_control(*s->p))
        s->p++;
    if (s->p == s->end || *s->p == '\n' || str_starts(rest(s), STR("\r\n")))
        return ERR_NONE;
    return toml_refuse(s, "a control character in a comment");
}

enum err_kind toml_end_line(struct toml_scan *s)
{
    toml_skip_blanks(s);
    enum err_kind kind = skip_comment(s);
    if (kind || s->p == s->end || toml_take(s, "\n") || toml_take(s, "\r\n"))
        return kind;
    return toml_refuse(s, "the line should end here");
}

enum err_kind toml_skip_lines(struct toml_scan *s)
{
    for (;;) {
        toml_skip_blanks(s);
        enum err_kind kind = skip_comment(s);
        if (kind || !(toml_take(s, "\n") || toml_take(s, "\r\n")))
            return kind;
    }
}

/* \uXXXX and \UXXXXXXXX, behind the u. */
static enum err_kind unicode_escape(struct toml_scan *s, size_t digits, struct buf *text)
{
    unsigned __int128 c;
    char bytes[4];
    str hex = str_sub(rest(s), 0, digits);
    for (size_t i = 0; i < hex.n; i++)
        if (!hex.p[i] || !strchr(DIGITS "abcdefABCDEF", hex.p[i]))
            hex.n = 0;
    if (hex.n != digits || !number_from_digits(hex, 16, &c))
        return toml_refuse(s, "hexadecimal digits are due here");
    size_t n = c > 0x10FFFF ? 0 : utf8_encode(bytes, (uint32_t)c);
    if (!n)
        return toml_refuse(s, "there is no such character");
    s->p += digits;
    buf_put(text, (str){bytes, n});
    return ERR_NONE;
}

/* Behind a backslash at the end of a line: everything blank is left out. */
static bool skip_line_joint(struct toml_scan *s)
{
    const char *from = s->p;
    toml_skip_blanks(s);
    if (!toml_take(s, "\n") && !toml_take(s, "\r\n")) {
        s->p = from;
        return false;
    }
    do
        toml_skip_blanks(s);
    while (toml_take(s, "\n") || toml_take(s, "\r\n"));
    return true;
}

/* Behind the backslash. */
static enum err_kind escape(struct toml_scan *s, bool is_long, struct buf *text)
{
    static const char names[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
    if (is_long && skip_line_joint(s))
        return ERR_NONE;
    if (toml_take(s, "u"))
        return unicode_escape(s, 4, text);
    if (toml_take(s, "U"))
        return unicode_escape(s, 8, text);
    const char *at = s->p < s->end && *s->p ? strchr(names, *s->p) : NULL;
    if (!at)
        return toml_refuse(s, "an unknown escape (a backslash is written \\\\)");
    buf_byte(text, bytes[at - names]);
    s->p++;
    return ERR_NONE;
}

/* The text of a single line without escapes is a view. False where it is another. */
static bool take_view(struct toml_scan *s, char quote, str *text)
{
    const char *p = s->p;
    while (p < s->end && *p != quote && !is_control(*p) && (*p != '\\' || quote == '\''))
        p++;
    if (p == s->end || *p != quote)
        return false;
    *text = (str){s->p, (size_t)(p - s->p)};
    s->p = p + 1;
    return true;
}

/* At the end of a long form up to two quotes belong to the text: """a""""" is a"". */
static bool take_end(struct toml_scan *s, const char *quotes, struct buf *text)
{
    if (!toml_take(s, quotes))
        return false;
    bool is_long = strlen(quotes) == 3;
    for (int extra = 0; is_long && extra < 2 && toml_at(s, quotes[0]); extra++) {
        buf_byte(text, quotes[0]);
        s->p++;
    }
    return true;
}

enum err_kind toml_string(struct toml_scan *s, bool long_forms, str *result)
{
    char quote = *s->p;
    char quotes[4] = {quote, quote, quote, '\0'};
    bool is_long = long_forms && toml_take(s, quotes);
    if (!is_long) {
        quotes[1] = '\0';
        s->p++;
        if (take_view(s, quote, result))
            return ERR_NONE;
    } else if (!toml_take(s, "\n")) {
        toml_take(s, "\r\n");
    }
    /* What is left of the text is room enough, and given back but for what was used. */
    struct buf text = buf_new(s->out, (size_t)(s->end - s->p) + 1);
    if (!text.p)
        return toml_no_room(s);
    enum err_kind kind = ERR_NONE;
    while (!kind && !take_end(s, quotes, &text)) {
        if (s->p == s->end)
            kind = toml_refuse(s, "the text ends inside a string");
        else if (quote == '"' && toml_take(s, "\\"))
            kind = escape(s, is_long, &text);
        else if (is_long && (toml_take(s, "\n") || toml_take(s, "\r\n")))
            buf_byte(&text, '\n');
        else if (is_control(*s->p))
            kind = toml_refuse(s, *s->p == '\n' ? "the line ends inside a string"
                                                : "a control character in a string");
        else
            buf_byte(&text, *s->p++);
    }
    *result = buf_str(&text);
    arena_rewind(s->out, (size_t)(text.p - s->out->base) + text.n);
    return kind;
}
