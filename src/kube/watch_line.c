/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch_line.h"

#include <string.h>

/* ---- a scanner that finds members without tokens ------------------------------------------- */

/* Reading position in text that a JSON encoder wrote. Anything unexpected makes it fail, and then
 * the checked reader decides. */
struct scanner {
    const char *p, *end;
};

static void skip_blanks(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

static bool skip_char(struct scanner *s, char c)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* A string without escapes is plain; others are passed over but give no view. */
static bool scan_string(struct scanner *s, str *text)
{
    if (!skip_char(s, '"'))
        return false;
    const char *from = s->p;
    bool plain = true;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\' && s->p + 1 < s->end) {
            plain = false;
            s->p++;
        }
        s->p++;
    }
    if (s->p == s->end)
        return false;
    *text = plain ? (str){from, (size_t)(s->p - from)} : (str){0};
    s->p++;
    return true;
}

/* Passes over one value of any type. */
static bool skip_value(struct scanner *s)
{
    int depth = 0;
    str ignored;
    skip_blanks(s);
    do {
        if (s->p == s->end)
            return false;
        switch (*s->p) {
        case '"':
            if (!scan_string(s, &ignored))
                return false;
            break;
        case '{':
        case '[':
            depth++;
            s->p++;
            break;
        case '}':
        case ']':
            depth--;
            s->p++;
            break;
        default:
            s->p++;
            if (depth == 0)
                while (s->p < s->end && !strchr(",}] \t\r", *s->p))
                    s->p++;
        }
    } while (depth > 0);
    return depth == 0;
}

/* The next "key": of an object whose brace is behind us; false at its end or at a surprise. */
static bool next_key(struct scanner *s, bool first, str *key)
{
    if (!first && !skip_char(s, ','))
        return false;
    return scan_string(s, key) && skip_char(s, ':');
}

/* metadata.resourceVersion of an object's text. Escaped keys or values: not found. */
static bool find_version(str object, str *version)
{
    struct scanner s = {object.p, object.p + object.n};
    str key;
    if (!skip_char(&s, '{'))
        return false;
    for (bool first = true; next_key(&s, first, &key); first = false) {
        if (!str_eq(key, STR("metadata"))) {
            if (!key.n || !skip_value(&s))
                return false;
            continue;
        }
        if (!skip_char(&s, '{'))
            return false;
        for (bool inner = true; next_key(&s, inner, &key); inner = false) {
            if (str_eq(key, STR("resourceVersion")))
                return scan_string(&s, version) && version->n;
            if (!key.n || !skip_value(&s))
                return false;
        }
        return false;
    }
    return false;
}

/* ---- the envelope -------------------------------------------------------------------------- */

static enum kube_line_type parse_type(str name)
{
    static const str names[] = {
        [KUBE_LINE_ADDED] = STR_INIT("ADDED"),     [KUBE_LINE_MODIFIED] = STR_INIT("MODIFIED"),
        [KUBE_LINE_DELETED] = STR_INIT("DELETED"), [KUBE_LINE_BOOKMARK] = STR_INIT("BOOKMARK"),
        [KUBE_LINE_ERROR] = STR_INIT("ERROR"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, names[i]))
            return (enum kube_line_type)i;
    return KUBE_LINE_OTHER;
}

/* The usual form, without a copy or a token. */
static bool scan_envelope(str line, str *type, str *object)
{
    struct scanner s = {line.p, line.p + line.n};
    str key;
    *type = *object = (str){0};
    if (!skip_char(&s, '{'))
        return false;
    for (bool first = true; next_key(&s, first, &key); first = false) {
        if (str_eq(key, STR("type"))) {
            if (type->n || !scan_string(&s, type))
                return false;
        } else {
            skip_blanks(&s);
            const char *from = s.p;
            if (!key.n || !skip_value(&s))
                return false;
            if (str_eq(key, STR("object"))) {
                if (object->n)
                    return false;
                *object = (str){from, (size_t)(s.p - from)};
            }
        }
    }
    if (!skip_char(&s, '}'))
        return false;
    skip_blanks(&s);
    return s.p == s.end && type->n && str_starts(*object, STR("{"));
}

static enum err_kind parse_envelope(struct arena *out, str line, struct kube_watch_line *read,
                                    str *type, struct err *e)
{
    struct json root;
    enum err_kind kind = json_parse(out, line, &root, e);
    if (kind)
        return err_prefix(e, "a line of the watch: ");
    struct json object = json_get(root, STR("object"));
    *type = json_str(out, json_get(root, STR("type")));
    if (!type->n || !json_is(object, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "a line of the watch has no type or no object");
    read->object = json_raw(object);
    read->resource_version = json_str(out, json_path(object, "metadata.resourceVersion"));
    return ERR_NONE;
}

static enum err_kind read_object(struct arena *out, struct kube_watch_line *read, struct err *e)
{
    struct json root;
    enum err_kind kind = json_parse(out, read->object, &root, e);
    if (kind)
        return err_prefix(e, "a line of the watch: ");
    read->resource_version = json_str(out, json_path(root, "metadata.resourceVersion"));
    if (read->type == KUBE_LINE_ERROR)
        kube_status_read(out, root, &read->status);
    struct json annotations = json_path(root, "metadata.annotations");
    read->initial_events_end =
        read->type == KUBE_LINE_BOOKMARK &&
        json_str_is(json_get(annotations, STR("k8s.io/initial-events-end")), STR("true"));
    return ERR_NONE;
}

enum err_kind kube_watch_line_read(struct arena *out, str line, struct kube_watch_line *read,
                                   struct err *e)
{
    *read = (struct kube_watch_line){.status = {.retry_s = -1}};
    str type;
    bool scanned = scan_envelope(line, &type, &read->object) &&
                   find_version(read->object, &read->resource_version);
    if (!scanned) {
        enum err_kind kind = parse_envelope(out, line, read, &type, e);
        if (kind)
            return kind;
    }
    read->type = parse_type(type);
    if (read->type == KUBE_LINE_BOOKMARK || read->type == KUBE_LINE_ERROR)
        return read_object(out, read, e);
    return ERR_NONE;
}
