/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/template_check.h"

#include <stdarg.h>

#include "worker/template_check_parts.h"

static void put_path(struct buf *out, const struct check_path *path)
{
    if (!path)
        return;
    put_path(out, path->up);
    if (!path->key.p)
        buf_printf(out, "[%zu]", path->index);
    else
        buf_printf(out, "%s" STR_FMT, path->up ? "." : "", STR_ARG(path->key));
}

/* Keys and placeholders may have line breaks. */
static void one_line(struct buf *text)
{
    for (size_t i = 0; i < text->n; i++)
        if ((unsigned char)text->p[i] < ' ')
            text->p[i] = ' ';
}

static void add(struct check *c, const struct check_path *path, const struct tree *node,
                bool warning, const char *format, va_list args)
{
    struct arena scratch = c->scratch;
    struct buf place = buf_new(&scratch, 8 * KIB), text = buf_new(&scratch, 8 * KIB);
    struct template_fault *fault = ARENA_NEW(c->out, struct template_fault);
    put_path(&place, path);
    buf_vprintf(&text, format, args);
    one_line(&place);
    one_line(&text);
    if (!fault || ++c->count > TEMPLATE_FAULTS_MAX) {
        c->full = true;
        return;
    }
    *fault = (struct template_fault){.path = str_copy(c->out, buf_str(&place)),
                                     .text = str_copy(c->out, buf_str(&text)),
                                     .line = node ? node->line : 0,
                                     .warning = warning};
    c->full |= !fault->path.p || !fault->text.p;
    struct template_fault **at = &c->first;
    while (*at && (*at)->line <= fault->line)
        at = &(*at)->next;
    fault->next = *at;
    *at = fault;
}

void check_fault(struct check *c, const struct check_path *path, const struct tree *node,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, path, node, false, format, args);
    va_end(args);
}

void check_warning(struct check *c, const struct check_path *path, const struct tree *node,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, path, node, true, format, args);
    va_end(args);
}

const struct tree *check_known(const struct check *c, const struct tree *node)
{
    struct template_placeholder p;
    size_t at = 0;
    if (!tree_is(node, TREE_STRING) || !template_next(node->text, &at, &p))
        return node;
    if (p.text.n != node->text.n || p.kind != TEMPLATE_VALUE)
        return NULL;
    const struct tree *value = tree_get(tree_get(c->properties, p.name), STR("default"));
    return tree_is_null(value) ? NULL : value;
}

/* A member that has to be an object; false where the rest can't be looked at. */
static bool take_object(struct check *c, const struct tree *holder, const char *name,
                        const char *what, const struct tree **object)
{
    struct check_path path = {.key = str_of(name)};
    *object = tree_get(holder, str_of(name));
    if (tree_is(*object, TREE_OBJECT))
        return true;
    check_fault(c, &path, *object ? *object : holder, "%s: %s",
                *object ? "is no object" : "is missing", what);
    return false;
}

enum err_kind template_check(struct arena *out, struct arena scratch, const struct tree *template,
                             struct template_fault **faults, struct err *e)
{
    struct check c = {.out = out, .scratch = scratch};
    const struct tree *variables;
    bool whole =
        take_object(&c, template, "job_configuration",
                    "it holds the worker's fields and the Job's manifest", &c.configuration);
    if (take_object(&c, template, "variables", "it holds the JSON schema of the variables",
                    &variables)) {
        c.properties = tree_get(variables, STR("properties"));
        check_schema(&c);
    }
    if (whole) {
        check_texts(&c);
        check_job(&c);
    }
    *faults = c.first;
    if (c.full)
        return err_set(e, ERR_LIMIT, "there are more than %d faults, or the template is too large",
                       TEMPLATE_FAULTS_MAX);
    return ERR_NONE;
}
