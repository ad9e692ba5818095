/* SPDX-License-Identifier: Apache-2.0 */
#include "format/template.h"

#include <string.h>

#include "format/pyrepr.h"
#include "format/unicode.h"
#include "format/utf8.h"

/* -- finding placeholders */

static size_t skip_spaces(str text, size_t at)
{
    size_t n;
    while (at < text.n && unicode_is_space(utf8_first(str_skip(text, at), &n)))
        at += n;
    return at;
}

static size_t skip_name(str text, size_t at)
{
    while (at < text.n) {
        size_t n;
        uint32_t c = utf8_first(str_skip(text, at), &n);
        if (c == UTF8_BAD || !(unicode_is_word(c) || (c < 0x80 && strchr(".-[]$", (int)c))))
            break;
        at += n;
    }
    return at;
}

static enum template_kind kind_of(str name)
{
    if (str_starts(name, STR(TEMPLATE_BLOCK_PREFIX)))
        return TEMPLATE_BLOCK;
    if (str_starts(name, STR(TEMPLATE_VARIABLE_PREFIX)))
        return TEMPLATE_VARIABLE;
    return name.p[0] == '$' ? TEMPLATE_ENVIRONMENT : TEMPLATE_VALUE;
}

/* A placeholder that begins at `at`. */
static bool placeholder_at(str text, size_t at, struct template_placeholder *found)
{
    if (text.n - at < 5 || text.p[at] != '{' || text.p[at + 1] != '{')
        return false;
    size_t name = skip_spaces(text, at + 2);
    size_t name_end = skip_name(text, name);
    size_t end = skip_spaces(text, name_end);
    if (name_end == name || text.n - end < 2 || text.p[end] != '}' || text.p[end + 1] != '}')
        return false;
    found->text = str_sub(text, at, end + 2);
    found->name = str_sub(text, name, name_end);
    found->kind = kind_of(found->name);
    return true;
}

bool template_next(str text, size_t *at, struct template_placeholder *found)
{
    while (*at < text.n) {
        const char *brace = memchr(text.p + *at, '{', text.n - *at);
        if (!brace)
            break;
        *at = (size_t)(brace - text.p);
        if (placeholder_at(text, *at, found)) {
            *at += found->text.n;
            return true;
        }
        ++*at;
    }
    *at = text.n;
    return false;
}

bool template_whole(str text, struct template_placeholder *found)
{
    return text.n >= 5 && placeholder_at(text, 0, found) && found->text.n == text.n;
}

bool template_has_placeholder(const struct tree *v)
{
    if (!v)
        return false;
    struct template_placeholder found;
    size_t at = 0;
    if (v->type == TREE_STRING)
        return template_next(v->text, &at, &found);
    for (const struct tree *child = v->first; child; child = child->next)
        if (template_has_placeholder(child))
            return true;
    return false;
}

/* -- looking up values */

/* Takes the next part off *path and puts its text, without ']', into `part`. False after the last
 * one (which may be empty). `done` is the caller's. */
static bool next_part(str *path, bool *done, struct buf *part)
{
    if (*done)
        return false;
    buf_clear(part);
    size_t i = 0;
    while (i < path->n && path->p[i] != '.' && path->p[i] != '[') {
        if (path->p[i] != ']')
            buf_byte(part, path->p[i]);
        i++;
    }
    *done = i == path->n;
    *path = str_skip(*path, i + 1);
    return true;
}

str template_first_key(str name)
{
    size_t i = 0;
    while (i < name.n && name.p[i] != '.' && name.p[i] != '[')
        i++;
    return str_trim_chars(str_sub(name, 0, i), STR("]"));
}

static size_t count_characters(str text)
{
    size_t count = 0, n;
    for (; text.n; text = str_skip(text, n), count++)
        (void)utf8_first(text, &n);
    return count;
}

static const struct tree *character_at(const struct tree *v, size_t index, struct tree *character)
{
    size_t n;
    str text = v->text;
    for (size_t i = 0; text.n; text = str_skip(text, n), i++) {
        (void)utf8_first(text, &n);
        if (i == index) {
            *character = (struct tree){.type = TREE_STRING,
                                       .text = str_sub(text, 0, n),
                                       .origin = v->origin,
                                       .line = v->line,
                                       .secret = v->secret};
            return character;
        }
    }
    return NULL;
}

static const struct tree *step_index(const struct tree *v, int64_t index, struct tree *character)
{
    bool array = v->type == TREE_ARRAY;
    if (!array && v->type != TREE_STRING)
        return NULL;
    int64_t count = (int64_t)(array ? v->count : count_characters(v->text));
    if (index < 0 && index >= -count)
        index += count;
    if (index < 0 || index >= count)
        return NULL;
    return array ? tree_at(v, (size_t)index) : character_at(v, (size_t)index, character);
}

const struct tree *template_lookup(const struct tree *values, str path, struct tree *character)
{
    char memory[TEMPLATE_NAME_MAX];
    struct buf part = buf_over(memory, sizeof memory);
    const struct tree *v = values;
    bool done = false;
    while (v && next_part(&path, &done, &part)) {
        if (part.full)
            return NULL;
        int64_t index;
        if (pyrepr_int(buf_str(&part), &index)) {
            v = step_index(v, index, character);
        } else {
            v = tree_is(v, TREE_OBJECT) ? tree_get(v, buf_str(&part)) : NULL;
        }
    }
    return v;
}

bool template_environment(const char *const *environment, str name, str *value)
{
    for (; environment && *environment; environment++) {
        str key, rest;
        if (str_cut(str_of(*environment), '=', &key, &rest) && str_eq(key, name)) {
            *value = rest;
            return true;
        }
    }
    return false;
}

/* -- filling in */

static struct tree *keep(struct template_context *c, struct tree *v)
{
    if (!v)
        c->full = true;
    return v;
}

static str without_dollars(str name)
{
    while (name.n && name.p[0] == '$')
        name = str_skip(name, 1);
    return name;
}

/* Text with its placeholders embedded; those of later passes stay. */
static struct tree *embed(struct template_context *c, const struct tree *template)
{
    struct arena scratch = c->scratch;
    struct buf text = buf_new(&scratch, TEMPLATE_TEXT_MAX);
    struct template_placeholder p;
    size_t at = 0, copied = 0;
    uint8_t origin = template->origin;
    bool secret = template->secret;
    while (template_next(template->text, &at, &p)) {
        if (p.kind != TEMPLATE_VALUE && p.kind != TEMPLATE_ENVIRONMENT)
            continue;
        buf_put(&text, str_sub(template->text, copied, at - p.text.n));
        copied = at;
        struct tree character;
        str variable;
        const struct tree *value = NULL;
        if (p.kind == TEMPLATE_VALUE)
            value = template_lookup(c->values, p.name, &character);
        else if (template_environment(c->environment, without_dollars(p.name), &variable))
            buf_put(&text, variable);
        if (value) {
            pyrepr_str(&text, value);
            origin = value->origin;
            secret |= value->secret;
        }
    }
    buf_put(&text, str_skip(template->text, copied));
    str copy = text.full ? (str){0} : str_copy(c->out, buf_str(&text));
    struct tree *v = copy.p ? tree_str(c->out, copy) : NULL;
    if (v) {
        v->origin = origin;
        v->line = template->line;
        v->secret = secret;
    }
    return keep(c, v);
}

static struct tree *apply_text(struct template_context *c, const struct tree *template)
{
    struct template_placeholder p;
    size_t at = 0;
    if (!template_next(template->text, &at, &p))
        return keep(c, tree_clone(c->out, template));
    if (p.text.n != template->text.n || p.kind != TEMPLATE_VALUE)
        return embed(c, template);
    struct tree character;
    const struct tree *value = template_lookup(c->values, p.name, &character);
    return value ? keep(c, tree_clone(c->out, value)) : NULL;
}

static struct tree *apply_children(struct template_context *c, const struct tree *template)
{
    bool object = template->type == TREE_OBJECT;
    struct tree *copy = keep(c, object ? tree_object(c->out) : tree_array(c->out));
    if (!copy)
        return NULL;
    copy->origin = template->origin;
    copy->line = template->line;
    for (const struct tree *child = template->first; child && !c->full; child = child->next) {
        struct tree *value = template_apply(c, child);
        if (!value)
            continue;
        keep(c, object ? tree_add(copy, child->key, value) : tree_append(copy, value));
    }
    return copy;
}

struct tree *template_apply(struct template_context *c, const struct tree *template)
{
    switch ((enum tree_type) template->type) {
    case TREE_STRING:
        return apply_text(c, template);
    case TREE_ARRAY:
    case TREE_OBJECT:
        return apply_children(c, template);
    case TREE_NULL:
    case TREE_BOOL:
    case TREE_NUMBER:
        break;
    }
    return keep(c, tree_clone(c->out, template));
}
