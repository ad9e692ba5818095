/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/manifest.h"

#include <stdarg.h>

#include "worker/manifest_build.h"

static enum err_kind run(struct build *b, build_pass *const *passes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum err_kind kind = passes[i](b);
        if (kind)
            return kind;
    }
    return ERR_NONE;
}

static struct build start(struct arena *out, struct arena scratch,
                          const struct manifest_input *input, struct manifest *manifest,
                          struct manifest_error *error)
{
    *manifest = (struct manifest){.job_timeout_s = -1, .pod_timeout_s = 60, .stream_output = true};
    error->exception = "ValueError";
    error->needed = (struct manifest_reference){0};
    error->needed_by = (str){0};
    return (struct build){
        .out = out, .scratch = scratch, .in = input, .m = manifest, .error = error};
}

enum err_kind manifest_build(struct arena *out, struct arena scratch,
                             const struct manifest_input *input, struct manifest *manifest,
                             struct manifest_error *error)
{
    /* In the order of the Python worker. */
    static build_pass *const passes[] = {
        build_variables,  /* job variables over defaults */
        build_values,     /* placeholders of values and of the worker's environment */
        build_blocks,     /* then block documents, in what came out */
        build_references, /* then variables of the API */
        build_validate,   /* types of the fields, skeleton of the Job */
        build_prepare,    /* environment, labels, image, arguments, names of this run */
        build_secrets,    /* credentials into Secrets */
        build_name,       /* metadata.name */
    };
    struct build b = start(out, scratch, input, manifest, error);
    return run(&b, passes, ARRAY_LEN(passes));
}

enum err_kind manifest_timeouts(struct arena *out, struct arena scratch,
                                const struct manifest_input *input, struct manifest *manifest,
                                struct manifest_error *error)
{
    static build_pass *const passes[] = {build_variables, build_values, build_timeouts};
    struct build b = start(out, scratch, input, manifest, error);
    return run(&b, passes, ARRAY_LEN(passes));
}

/* -- errors and warnings of the passes */

const struct build_path build_at_manifest = {.key = STR_INIT("job_manifest")};
const struct build_path build_at_metadata = {.up = &build_at_manifest, .key = STR_INIT("metadata")};
static const struct build_path at_spec = {.up = &build_at_manifest, .key = STR_INIT("spec")};
const struct build_path build_at_pod = {.up = &at_spec, .key = STR_INIT("template")};
static const struct build_path at_pod_spec = {.up = &build_at_pod, .key = STR_INIT("spec")};
static const struct build_path at_containers = {.up = &at_pod_spec, .key = STR_INIT("containers")};
const struct build_path build_at_container = {.up = &at_containers};

void build_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7F')
            *text = ' ';
}

static void set_text(struct build *b, const char *exception, const char *text)
{
    b->error->exception = exception;
    err_set(&b->error->err, ERR_INVALID, "%s", text);
    build_one_line(b->error->err.text);
}

enum err_kind build_fail(struct build *b, const char *exception, const char *format, ...)
{
    char memory[ERR_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory - 1);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    memory[text.n] = '\0';
    set_text(b, exception, memory);
    return ERR_INVALID;
}

enum err_kind build_full(struct build *b)
{
    b->error->exception = "MemoryError";
    return err_set(&b->error->err, ERR_LIMIT,
                   "the manifest does not fit: the template with its values takes more than %zu "
                   "bytes, or is nested deeper than %d levels",
                   b->out->cap, JSON_DEPTH_MAX);
}

void build_put_path(struct buf *out, const struct build_path *path)
{
    if (!path)
        return;
    build_put_path(out, path->up);
    if (path->key.p) {
        if (path->up)
            buf_byte(out, '.');
        buf_put(out, path->key);
    } else {
        buf_printf(out, "[%zu]", path->index);
    }
}

const char *build_origin(uint8_t origin)
{
    switch ((enum tree_origin)origin) {
    case TREE_FROM_NOWHERE:
    case TREE_FROM_TEMPLATE:
        return "the base job template";
    case TREE_FROM_DEFAULT:
        return "the template's default";
    case TREE_FROM_DEPLOYMENT:
        return "the deployment's job variables";
    case TREE_FROM_RUN:
        return "the flow run's job variables";
    case TREE_FROM_SETTING:
        return "a setting of the worker";
    case TREE_FROM_BLOCK:
        return "a block";
    case TREE_FROM_VARIABLE:
        return "a variable of the API";
    case TREE_FROM_WORKER:
        return "the worker";
    }
    return "";
}

/* What stands in the template at a path, or where the path leaves it. */
static const struct tree *template_at(const struct tree *v, const struct build_path *path)
{
    if (!path)
        return v;
    v = template_at(v, path->up);
    if (tree_is(v, TREE_STRING))
        return v;
    return path->key.p ? tree_get(v, path->key) : tree_at(v, path->index);
}

void build_put_sources(struct build *b, struct buf *text, const struct build_path *path)
{
    const struct tree *template = template_at(b->configuration, path);
    struct template_placeholder p;
    size_t at = 0;
    if (template && template->line)
        buf_printf(text, ", line %u", (unsigned)template->line);
    if (!tree_is(template, TREE_STRING))
        return;
    while (template_next(template->text, &at, &p)) {
        str key = template_first_key(p.name);
        const struct tree *value = p.kind == TEMPLATE_VALUE ? tree_get(b->variables, key) : NULL;
        buf_printf(text, "; it comes from placeholder " STR_FMT, STR_ARG(p.text));
        if (value)
            buf_printf(text, ", whose variable '" STR_FMT "' is given by %s", STR_ARG(key),
                       build_origin(value->origin));
    }
}

enum err_kind build_fail_at(struct build *b, const char *exception, const struct build_path *path,
                            const char *format, ...)
{
    char memory[ERR_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory - 1);
    va_list args;
    buf_cstr(&text, "job_configuration.");
    build_put_path(&text, path);
    buf_byte(&text, ' ');
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    build_put_sources(b, &text, path);
    memory[text.n] = '\0';
    set_text(b, exception, memory);
    return ERR_INVALID;
}

void build_warn(struct build *b, const char *format, ...)
{
    struct arena scratch = b->scratch;
    struct buf text = buf_new(&scratch, 4 * KIB);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_byte(&text, '\0');
    struct manifest_warning *warning = ARENA_NEW(b->out, struct manifest_warning);
    if (!warning || text.full)
        return;
    build_one_line(text.p);
    text.n--;
    warning->text = str_copy(b->out, buf_str(&text));
    struct manifest_warning **end = &b->m->warnings;
    while (*end)
        end = &(*end)->next;
    *end = warning;
}

str build_text(const struct tree *object, const char *member)
{
    return tree_text(tree_get(object, str_of(member)));
}

bool build_set(struct build *b, struct tree *object, const char *key, struct tree *value,
               enum tree_origin origin)
{
    tree_set_origin(value, origin);
    return tree_set(b->out, object, str_of(key), value);
}
