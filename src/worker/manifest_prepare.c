/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "format/shlex.h"
#include "format/slug.h"
#include "worker/manifest_build.h"
#include "worker/manifest_versions.h"

/* The Job of one run: what the checked configuration becomes, step by step, in the order of the
 * Python worker. */

#define COMMAND "prefect flow-run execute"

/* Spec and first container. The skeleton has been checked, but a part may have counted as moved. */
static enum err_kind find_parts(struct build *b)
{
    b->spec = tree_get(b->job, STR("spec"));
    const struct tree *template = tree_get(b->spec, STR("template"));
    const struct tree *containers = tree_get(tree_get(template, STR("spec")), STR("containers"));
    b->container = tree_at(containers, 0);
    if (!containers)
        return build_fail_at(b, "KeyError", &build_at_manifest,
                             "has no spec.template.spec.containers");
    if (!tree_is(b->container, TREE_OBJECT))
        return build_fail_at(b, "AttributeError", &build_at_container, "must be an object");
    return ERR_NONE;
}

/* -- name: may refer to the run and its flow */

static enum err_kind resolve_name(struct build *b)
{
    struct template_placeholder p;
    size_t at = 0;
    if (b->name.n && template_next(b->name, &at, &p)) {
        struct template_context context = {.out = b->out,
                                           .scratch = b->scratch,
                                           .values = build_context(b),
                                           .environment = b->in->environment};
        struct tree text = {.type = TREE_STRING, .text = b->name};
        struct tree *name = context.values ? template_apply(&context, &text) : NULL;
        if (!context.values || context.full)
            return build_full(b);
        if (name && name->type != TREE_STRING && pyrepr_is_true(name))
            b->odd_name = name;
        if (name)
            b->name = tree_text(name);
    }
    if (!b->name.n)
        b->name = build_text(b->in->flow_run, "name");
    return ERR_NONE;
}

/* -- container */

static bool set_default_image(struct build *b)
{
    if (tree_get(b->container, STR("image")))
        return true;
    str image = b->in->server_major == 2 ? STR(MANIFEST_IMAGE(MANIFEST_VERSION_2))
                                         : STR(MANIFEST_IMAGE(MANIFEST_VERSION_3));
    return build_set(b, b->container, "image", tree_str(b->out, image), TREE_FROM_WORKER);
}

static enum err_kind set_arguments(struct build *b)
{
    struct build_path path = {.up = &build_at_container, .key = STR_INIT("args")};
    struct tree *args = tree_get(b->container, STR("args")), *words;
    struct err e;
    if (tree_is(args, TREE_ARRAY))
        return ERR_NONE;
    if (!tree_is_null(args) && args->type != TREE_STRING)
        return build_fail_at(b, "ValueError", &path,
                             "must be a command line or a list of words, but is a %s",
                             pyrepr_type(args));
    str line = tree_is_null(args) ? STR(COMMAND) : args->text;
    enum tree_origin origin =
        tree_is_null(args) ? TREE_FROM_WORKER : (enum tree_origin)args->origin;
    enum err_kind kind = shlex_split(b->out, line, &words, &e);
    if (kind == ERR_INVALID)
        return build_fail_at(b, "ValueError", &path, "can't be split into words: %s", e.text);
    if (kind || !build_set(b, b->container, "args", words, origin))
        return build_full(b);
    return ERR_NONE;
}

/* -- generateName */

static bool needs_name(const struct tree *given)
{
    return !given || !pyrepr_is_true(given) || template_has_placeholder(given) ||
           str_eq(tree_text(given), STR("-")) || str_eq(tree_text(given), STR("None-"));
}

static enum err_kind set_generate_name(struct build *b)
{
    struct tree *metadata = tree_get(b->job, STR("metadata"));
    if (!needs_name(tree_get(metadata, STR("generateName"))))
        return ERR_NONE;
    if (b->odd_name)
        return build_fail_at(b, "TypeError", &(struct build_path){.key = STR_INIT("name")},
                             "must resolve to text, but resolves to a %s",
                             pyrepr_type(b->odd_name));
    str slug = slug_name(b->out, b->scratch, b->name);
    if (!slug.p)
        return build_full(b);
    str prefix = str_printf(b->out, STR_FMT "-", STR_ARG(slug.n ? slug : STR("prefect-job")));
    if (!prefix.p ||
        !build_set(b, metadata, "generateName", tree_str(b->out, prefix), TREE_FROM_WORKER))
        return build_full(b);
    return ERR_NONE;
}

enum err_kind build_prepare(struct build *b)
{
    enum err_kind kind = find_parts(b);
    if (!kind)
        kind = build_labels(b);
    if (!kind)
        kind = resolve_name(b);
    if (!kind)
        kind = build_environment(b);
    if (!kind)
        kind = build_job_labels(b);
    if (!kind && !set_default_image(b))
        kind = build_full(b);
    if (!kind)
        kind = set_arguments(b);
    if (!kind)
        kind = set_generate_name(b);
    return kind ? kind : build_pod_labels(b);
}
