/* SPDX-License-Identifier: Apache-2.0 */
#include "format/slug.h"

#include <string.h>

#include "format/slug_entities.h"
#include "format/slug_table.h"
#include "format/utf8.h"

#define NAME_MAX_BYTES 45 /* leaves room for the suffix of a generated name */
#define LABEL_MAX_BYTES 63
#define PREFIX_MAX_BYTES 253

#define OTHER '\x7F' /* any character that is not ASCII: never allowed, so DEL can stand for it */

/* -- into ASCII */

#define MARKS_MAX 32 /* marks on one letter that are put in order; more stay as they come */

struct speller {
    struct buf *out;
    uint32_t marks[MARKS_MAX];
    size_t count;
};

static void spell(struct speller *s, uint32_t c)
{
    char spelling[SLUG_SPELLING_MAX];
    size_t n = slug_spell(c, spelling);
    buf_put(s->out, (str){spelling, n});
}

static void flush_marks(struct speller *s)
{
    for (size_t i = 0; i < s->count; i++)
        spell(s, s->marks[i]);
    s->count = 0;
}

/* Takes a decomposed character; marks that combine wait to be sorted by their class (stable). */
static void take(struct speller *s, uint32_t c)
{
    uint8_t class = c < 0x300 ? 0 : slug_combining_class(c);
    if (!class || s->count == MARKS_MAX)
        flush_marks(s);
    if (!class) {
        spell(s, c);
        return;
    }
    size_t at = s->count++;
    for (; at > 0 && slug_combining_class(s->marks[at - 1]) > class; at--)
        s->marks[at] = s->marks[at - 1];
    s->marks[at] = c;
}

/* Runs of apostrophes become dashes, then NFKD, then the spelling of each character. */
static void to_ascii(struct buf *out, str text)
{
    struct speller s = {.out = out};
    uint32_t parts[SLUG_DECOMPOSITION_MAX];
    bool quote = false;
    while (text.n) {
        size_t n;
        uint32_t c = utf8_first(text, &n);
        text = str_skip(text, n);
        if (c == '\'' && quote)
            continue;
        quote = c == '\'';
        size_t count = c < 0x80 ? 0 : slug_decompose(c, parts);
        for (size_t i = 0; i < count; i++)
            take(&s, parts[i]);
        if (!count)
            take(&s, quote ? '-' : c);
    }
    flush_marks(&s);
}

/* The second NFKD, after entities: of what is not ASCII only the ASCII in it still matters. */
static void fold(struct buf *out, str text, bool lower)
{
    uint32_t parts[SLUG_DECOMPOSITION_MAX];
    while (text.n) {
        size_t n;
        parts[0] = utf8_first(text, &n);
        text = str_skip(text, n);
        size_t count = parts[0] < 0x80 ? 1 : slug_decompose(parts[0], parts);
        for (size_t i = 0; i < (count ? count : 1); i++) {
            char c = parts[i] < 0x80 ? (char)parts[i] : OTHER;
            buf_byte(out, lower && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
        }
    }
}

/* -- what is allowed */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_allowed(char c, const char *also)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr(also, c));
}

/* Drops apostrophes, and commas between digits; what is not allowed becomes one dash a run. */
static void reduce(struct buf *out, str text, const char *also)
{
    char before = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\'')
            continue;
        size_t next = i + 1;
        while (next < text.n && text.p[next] == '\'')
            next++;
        bool in_number = c == ',' && is_digit(before) && next < text.n && is_digit(text.p[next]);
        before = c;
        if (in_number)
            continue;
        if (!is_allowed(c, also))
            c = '-';
        if (c != '-' || !out->n || out->p[out->n - 1] != '-')
            buf_byte(out, c);
    }
}

static str slugify(struct arena *out, struct arena scratch, str text, bool lower, size_t max,
                   const char *also)
{
    size_t cap = SLUG_CAP(text.n);
    struct buf a = buf_new(&scratch, cap), b = buf_new(&scratch, cap);
    to_ascii(&a, text);
    if (memchr(a.p ? a.p : "", '&', a.n)) {
        slug_entities_named(&b, buf_str(&a));
        buf_clear(&a);
        slug_entities_numeric(&a, buf_str(&b), 10);
        buf_clear(&b);
        slug_entities_numeric(&b, buf_str(&a), 16);
        buf_clear(&a);
        buf_put(&a, buf_str(&b));
    }
    bool full = a.full || b.full;
    buf_clear(&b);
    fold(&b, buf_str(&a), lower);
    buf_clear(&a);
    reduce(&a, buf_str(&b), also);
    if (full || a.full || b.full)
        return (str){0};
    str slug = str_trim_chars(buf_str(&a), STR("-"));
    if (max && slug.n >= max)
        slug = str_trim_chars(str_sub(slug, 0, max), STR("-"));
    return str_copy(out, slug);
}

str slug_name(struct arena *out, struct arena scratch, str text)
{
    return slugify(out, scratch, text, true, NAME_MAX_BYTES, "-");
}

str slug_plain(struct arena *out, struct arena scratch, str text)
{
    return slugify(out, scratch, text, true, 0, "-");
}

/* A part of a label: begins and ends with a letter or digit, or stays as it was. */
static str label_part(struct arena *out, struct arena scratch, str text, size_t max,
                      const char *also)
{
    str slug = slugify(out, scratch, text, false, max, also);
    if (!slug.p)
        return slug;
    slug = str_trim_chars(slug, STR("_-."));
    return slug.n ? slug : (str){text.p ? text.p : "", text.n};
}

str slug_label_value(struct arena *out, struct arena scratch, str text)
{
    return label_part(out, scratch, text, LABEL_MAX_BYTES, "-_.");
}

str slug_label_key(struct arena *out, struct arena scratch, str text)
{
    str prefix, name;
    if (!str_cut(text, '/', &prefix, &name))
        return slug_label_value(out, scratch, text);
    name = slug_label_value(out, scratch, name);
    if (!prefix.n || !name.p)
        return name;
    prefix = label_part(out, scratch, prefix, PREFIX_MAX_BYTES, "-.");
    if (!prefix.p)
        return prefix;
    struct buf key = buf_new(out, prefix.n + 1 + name.n);
    buf_put(&key, prefix);
    buf_byte(&key, '/');
    buf_put(&key, name);
    return key.full ? (str){0} : buf_str(&key);
}
