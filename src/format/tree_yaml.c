/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/number.h"
#include "format/tree.h"
#include "format/tree_number.h"
#include "format/utf8.h"
#include "format/yaml_scalar.h"

/* Longer keys cannot stand in front of their colon (YAML 1.1, section 9.3.1.2: 1024 characters). */
#define SIMPLE_KEY_MAX 1000

/* A character that stands for itself in every loader's reading; tab and line feed aside. */
static bool is_printable(uint32_t c)
{
    if (c == UTF8_BAD || c == 0xFEFF || c == 0x2028 || c == 0x2029)
        return false;
    return (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c != 0xFFFE && c != 0xFFFF);
}

static bool all_printable(str s, bool with_breaks)
{
    size_t n;
    for (size_t i = 0; i < s.n; i += n) {
        uint32_t c = utf8_first(str_skip(s, i), &n);
        if (!is_printable(c) && !(with_breaks && (c == '\n' || c == '\t')))
            return false;
    }
    return true;
}

static size_t digits_at(str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

/* What loaders of YAML 1.2 and of Kubernetes read as a number beyond YAML 1.1 (1e3, 0o17, 08, -.5,
 * with underscores anywhere), and dates, which some turn into times. Says yes to a little more. */
static bool is_number_elsewhere(str s)
{
    if (digits_at(s, 0) == 4 && s.n > 4 && s.p[4] == '-' && digits_at(s, 5))
        return true;
    size_t points = 0, digits = 0;
    char before = '\0';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '_')
            continue;
        const char *may = "0123456789abcdefABCDEFoOxX.";
        if (before == '\0' || before == 'e' || before == 'E')
            may = "0123456789.+-";
        else if (before == '+' || before == '-')
            may = "0123456789.";
        if (!c || !strchr(may, c))
            return false;
        points += c == '.';
        digits += c >= '0' && c <= '9';
        before = c;
    }
    return points <= 1 && digits > 0;
}

/* Would a loader read these bytes, unquoted, as this very string? */
static bool is_plain(str s)
{
    if (!s.n || !all_printable(s, false) || yaml_scalar_type(s) != YAML_TEXT ||
        is_number_elsewhere(s))
        return false;
    if (strchr("?:,[]{}#&*!|>'\"%@`=<~ ", s.p[0]) || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == ':')
        return false;
    if (s.p[0] == '-' && (s.n == 1 || s.p[1] == ' '))
        return false;
    if (str_starts(s, STR("---")) || str_starts(s, STR("...")) || str_has(s, STR(": ")) ||
        str_has(s, STR(" #")))
        return false;
    return !(s.n == 1 && strchr("yYnN", s.p[0]));
}

/* Can it stand as a literal block? Its indentation is found from its first line. */
static bool is_block(str s)
{
    return str_find_char(s, '\n') > 0 && s.p[0] != ' ' && s.p[0] != '\t' && all_printable(s, true);
}

static void put_quoted(struct buf *out, str s)
{
    static const char bytes[] = "\"\\\n\t\r\b\f", names[] = "\"\\ntrbf";
    size_t n;
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i += n) {
        uint32_t c = utf8_first(str_skip(s, i), &n);
        const char *at = c && c < 0x80 ? strchr(bytes, (int)c) : NULL;
        if (at)
            buf_put(out, (str){(char[]){'\\', names[at - bytes]}, 2});
        else if (is_printable(c))
            buf_put(out, str_sub(s, i, i + n));
        else if (c == UTF8_BAD)
            buf_cstr(out, "\xEF\xBF\xBD");
        else
            buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    }
    buf_byte(out, '"');
}

static void put_string(struct buf *out, str s)
{
    if (is_plain(s))
        buf_put(out, s);
    else
        put_quoted(out, s);
}

static void put_spaces(struct buf *out, int count)
{
    for (int i = 0; i < count; i++)
        buf_byte(out, ' ');
}

static void put_block(struct buf *out, str s, int indent)
{
    bool ends = s.p[s.n - 1] == '\n';
    bool ends_twice = ends && s.n > 1 && s.p[s.n - 2] == '\n';
    buf_cstr(out, ends_twice ? "|+" : ends ? "|" : "|-");
    str line, rest = ends ? str_sub(s, 0, s.n - 1) : s;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        buf_byte(out, '\n');
        if (line.n)
            put_spaces(out, indent);
        buf_put(out, line);
    }
}

/* YAML 1.1 wants a point in what has an exponent: 1e+16 is written 1.0e+16. */
static void put_number(struct buf *out, str literal)
{
    char memory[NUMBER_REPR_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    tree_number_write(&text, literal);
    str mantissa, exponent;
    if (!text.full && str_cut(buf_str(&text), 'e', &mantissa, &exponent) &&
        !str_has(mantissa, STR("."))) {
        buf_put(out, mantissa);
        buf_cstr(out, ".0e");
        buf_put(out, exponent);
    } else {
        tree_number_write(out, literal);
    }
}

static void put_value(struct buf *out, const struct tree *v, int indent, int depth);

/* The value of `key:` or of a dash, on the same line. */
static void put_scalar(struct buf *out, const struct tree *v, int indent)
{
    switch (v ? (enum tree_type)v->type : TREE_NULL) {
    case TREE_NULL:
        buf_cstr(out, "null");
        break;
    case TREE_BOOL:
        buf_cstr(out, v->boolean ? "true" : "false");
        break;
    case TREE_NUMBER:
        put_number(out, v->text);
        break;
    case TREE_STRING:
        if (indent > 0 && is_block(v->text))
            put_block(out, v->text, indent);
        else
            put_string(out, v->text);
        break;
    case TREE_ARRAY:
        buf_cstr(out, "[]");
        break;
    case TREE_OBJECT:
        buf_cstr(out, "{}");
        break;
    }
}

static void put_line(struct buf *out, int indent)
{
    buf_byte(out, '\n');
    put_spaces(out, indent);
}

/* Quoting makes a key at most six times as long. */
static bool is_simple_key(str key)
{
    return key.n <= SIMPLE_KEY_MAX / 6 || (key.n <= SIMPLE_KEY_MAX && is_plain(key));
}

/* The members or elements, each on its own line; the first is where the output stands. */
static void put_children(struct buf *out, const struct tree *v, int indent, int depth)
{
    for (const struct tree *child = v->first; child && !out->full; child = child->next) {
        if (child != v->first)
            put_line(out, indent);
        bool nested = child->first;
        if (v->type == TREE_ARRAY) {
            buf_cstr(out, "- ");
            put_value(out, child, indent + 2, depth + 1);
            continue;
        }
        if (!is_simple_key(child->key)) {
            buf_cstr(out, "? ");
            put_string(out, child->key);
            put_line(out, indent);
        } else {
            put_string(out, child->key);
        }
        buf_byte(out, ':');
        if (!nested) {
            buf_byte(out, ' ');
            put_scalar(out, child, indent + 2);
            continue;
        }
        int inner = child->type == TREE_ARRAY ? indent : indent + 2;
        put_line(out, inner);
        put_value(out, child, inner, depth + 1);
    }
}

static void put_value(struct buf *out, const struct tree *v, int indent, int depth)
{
    if (!v || !v->first)
        put_scalar(out, v, indent);
    else if (depth == JSON_DEPTH_MAX)
        out->full = true;
    else
        put_children(out, v, indent, depth);
}

void tree_write_yaml(struct buf *out, const struct tree *v)
{
    put_value(out, v, 0, 0);
    buf_byte(out, '\n');
}
