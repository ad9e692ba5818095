/* SPDX-License-Identifier: Apache-2.0 */
#include "format/shlex.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct splitter {
    const char *p, *end;
    char *word; /* where the next byte of the present word goes */
};

/* From after the opening quote to after the closing one. */
static bool take_quoted(struct splitter *s, char quote)
{
    while (s->p < s->end) {
        char c = *s->p++;
        if (c == quote)
            return true;
        /* Between double quotes a backslash escapes only itself and the quote. */
        if (c == '\\' && quote == '"') {
            if (s->p == s->end)
                return false;
            if (*s->p != '"' && *s->p != '\\')
                *s->word++ = '\\';
            c = *s->p++;
        }
        *s->word++ = c;
    }
    return false;
}

/* One word, up to a blank or the end. */
static enum err_kind take_word(struct splitter *s, struct err *e)
{
    while (s->p < s->end && !is_blank(*s->p)) {
        char c = *s->p++;
        if (c == '\'' || c == '"') {
            if (!take_quoted(s, c))
                return err_set(e, ERR_INVALID, "the quotation that begins with %c is not closed",
                               c);
            continue;
        }
        if (c == '\\') {
            if (s->p == s->end)
                return err_set(e, ERR_INVALID, "nothing follows the backslash at the end");
            c = *s->p++;
        }
        *s->word++ = c;
    }
    return ERR_NONE;
}

enum err_kind shlex_split(struct arena *out, str text, struct tree **words, struct err *e)
{
    struct tree *list = tree_array(out);
    char *bytes = arena_bytes(out, text.n);
    if (!list || !bytes)
        return err_set(e, ERR_LIMIT, "a command of %zu bytes does not fit", text.n);
    if (!text.n) {
        *words = list;
        return ERR_NONE;
    }
    struct splitter s = {.p = text.p, .end = text.p + text.n, .word = bytes};
    while (s.p < s.end) {
        if (is_blank(*s.p)) {
            s.p++;
            continue;
        }
        char *begin = s.word;
        enum err_kind kind = take_word(&s, e);
        if (kind)
            return kind;
        if (!tree_append(list, tree_str(out, (str){begin, (size_t)(s.word - begin)})))
            return err_set(e, ERR_LIMIT, "a command of too many words");
    }
    *words = list;
    return ERR_NONE;
}
