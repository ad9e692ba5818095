/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command/render.h"

/* The manifest for people: credentials masked, and where each value came from. */

#define MASK "********"

/* Plain values within a secret one. */
static void mask(struct tree *v, bool inherited)
{
    bool secret = inherited || v->secret;
    if (secret && v->type != TREE_OBJECT && v->type != TREE_ARRAY && v->type != TREE_NULL &&
        !(v->type == TREE_STRING && v->text.n == 0)) {
        v->type = TREE_STRING;
        v->text = STR(MASK);
    }
    for (struct tree *it = v->first; it; it = it->next)
        mask(it, secret);
}

/* Environment entries anywhere in the manifest: of side containers too. */
static void mark_environment(struct tree *v)
{
    str name = tree_text(tree_get(v, STR("name")));
    struct tree *value = tree_get(v, STR("value"));
    if (value && name.n && manifest_name_is_secret(name))
        value->secret = true;
    for (struct tree *it = v->first; it; it = it->next)
        mark_environment(it);
}

/* -- origins */

static const char *origin_name(uint8_t origin)
{
    switch ((enum tree_origin)origin) {
    case TREE_FROM_TEMPLATE:
        return "template";
    case TREE_FROM_DEFAULT:
        return "default";
    case TREE_FROM_DEPLOYMENT:
        return "deployment";
    case TREE_FROM_RUN:
        return "run";
    case TREE_FROM_SETTING:
        return "setting";
    case TREE_FROM_BLOCK:
        return "block";
    case TREE_FROM_VARIABLE:
        return "variable";
    case TREE_FROM_NOWHERE:
    case TREE_FROM_WORKER:
        return "worker";
    }
    return "worker";
}

/* A place in the manifest, as a chain on the stack. An entry that has a name shows it. */
struct step {
    const struct step *up;
    const struct tree *node;
    size_t index;
    bool element;
};

static bool is_simple(str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] == '.' || key.p[i] == '[' || key.p[i] == '/' || key.p[i] == ' ')
            return false;
    return key.n > 0;
}

static void put_place(struct buf *out, const struct step *step)
{
    if (!step)
        return;
    put_place(out, step->up);
    if (step->element) {
        str name = tree_text(tree_get(step->node, STR("name")));
        if (name.n)
            buf_printf(out, "[" STR_FMT "]", STR_ARG(name));
        else
            buf_printf(out, "[%zu]", step->index);
    } else if (is_simple(step->node->key)) {
        buf_printf(out, "%s" STR_FMT, step->up ? "." : "", STR_ARG(step->node->key));
    } else {
        buf_printf(out, "[\"" STR_FMT "\"]", STR_ARG(step->node->key));
    }
}

typedef void origin_fn(void *ctx, str place, const char *origin);

static void walk(struct render *r, const struct tree *v, const struct step *up, origin_fn *fn,
                 void *ctx)
{
    size_t index = 0;
    for (const struct tree *it = v->first; it; it = it->next) {
        struct step step = {up, it, index++, v->type == TREE_ARRAY};
        if (it->first) {
            walk(r, it, &step, fn, ctx);
            continue;
        }
        struct arena scratch = r->scratch;
        struct buf place = buf_new(&scratch, 8 * KIB);
        put_place(&place, &step);
        fn(ctx, buf_str(&place), origin_name(it->origin));
    }
}

static void put_comment(void *ctx, str place, const char *origin)
{
    struct buf *out = ctx;
    buf_printf(out, "# %-10s  ", origin);
    for (size_t i = 0; i < place.n; i++)
        buf_byte(out, (unsigned char)place.p[i] < ' ' ? '?' : place.p[i]);
    buf_byte(out, '\n');
}

static void put_member(void *ctx, str place, const char *origin)
{
    json_key(ctx, place);
    json_put_cstr(ctx, origin);
}

/* -- printing */

static void put_yaml(struct render *r, struct buf *out)
{
    tree_write_yaml(out, r->manifest.job);
    if (!r->explain)
        return;
    buf_cstr(out, "# Where each value came from:\n");
    walk(r, r->manifest.job, NULL, put_comment, out);
}

/* With --explain an object {"manifest", "origins"}: JSON has no comments. */
static void put_json(struct render *r, struct buf *out)
{
    if (!r->explain) {
        tree_write_json_pretty(out, r->manifest.job, 2);
        buf_byte(out, '\n');
        return;
    }
    struct json_writer w = json_writer(out);
    json_object_begin(&w);
    json_key(&w, STR("manifest"));
    tree_write_json(&w, r->manifest.job);
    json_key(&w, STR("origins"));
    json_object_begin(&w);
    walk(r, r->manifest.job, NULL, put_member, &w);
    json_object_end(&w);
    json_object_end(&w);
    buf_byte(out, '\n');
}

bool render_print(struct render *r)
{
    struct buf out = buf_new(r->arena, 4 * MANIFEST_MAX);
    mark_environment(r->manifest.job);
    if (!r->secrets)
        mask(r->manifest.job, false);
    if (r->json)
        put_json(r, &out);
    else
        put_yaml(r, &out);
    if (out.full)
        return false;
    fwrite(out.p, 1, out.n, stdout);
    return fflush(stdout) == 0 && !ferror(stdout);
}
