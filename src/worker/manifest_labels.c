/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "format/pyrepr.h"
#include "format/slug.h"
#include "worker/manifest_build.h"
#include "worker/manifest_versions.h"

/* Labels and annotations of Job and pod: made into what Kubernetes accepts. */

static bool put(struct build *b, struct tree *labels, const char *key, str value)
{
    return build_set(b, labels, key, tree_str(b->out, value), TREE_FROM_WORKER);
}

/* "2024-05-06T07:08:09.123456+00:00" */
static str updated(struct build *b)
{
    char text[TIME_TEXT_MAX];
    int64_t at_us;
    if (!time_parse_rfc3339(build_text(b->in->deployment, "updated"), &at_us))
        return (str){0};
    return str_copy(b->out, time_format_iso(at_us, text));
}

static bool put_deployment(struct build *b, struct tree *labels)
{
    const struct tree *deployment = b->in->deployment;
    if (!deployment)
        return true;
    str name = build_text(deployment, "name");
    str slug = slug_label_value(b->out, b->scratch, name), at = updated(b);
    return slug.p && put(b, labels, "prefect.io/deployment-id", build_text(deployment, "id")) &&
           put(b, labels, "prefect.io/deployment-name", name) &&
           (!at.n || put(b, labels, "prefect.io/deployment-updated", at)) &&
           put(b, labels, "app.kubernetes.io/name", slug);
}

static bool put_flow(struct build *b, struct tree *labels)
{
    const struct tree *flow = b->in->flow;
    if (!flow)
        return true;
    str name = build_text(flow, "name");
    str slug = slug_label_value(b->out, b->scratch, name);
    return slug.p && put(b, labels, "prefect.io/flow-id", build_text(flow, "id")) &&
           put(b, labels, "prefect.io/flow-name", name) &&
           put(b, labels, "app.kubernetes.io/name", slug);
}

static bool put_run_and_pool(struct build *b, struct tree *labels)
{
    const struct manifest_input *in = b->in;
    str version =
        slug_label_value(b->out, b->scratch,
                         in->server_major == 2 ? STR(MANIFEST_VERSION_2) : STR(MANIFEST_VERSION_3));
    return version.p && put(b, labels, "prefect.io/flow-run-id", build_text(in->flow_run, "id")) &&
           put(b, labels, "prefect.io/flow-run-name", build_text(in->flow_run, "name")) &&
           put(b, labels, "prefect.io/version", version) &&
           put(b, labels, "app.kubernetes.io/managed-by", STR("prefect")) &&
           put(b, labels, "app.kubernetes.io/part-of", STR("prefect")) &&
           put(b, labels, "app.kubernetes.io/version", version) &&
           put(b, labels, "prefect.io/work-pool-name", build_text(in->work_pool, "name")) &&
           put(b, labels, "prefect.io/work-pool-id", build_text(in->work_pool, "id")) &&
           (!in->config->name.n || put(b, labels, "prefect.io/worker-name", in->config->name));
}

enum err_kind build_labels(struct build *b)
{
    struct tree *labels = tree_object(b->out);
    if (!labels || !put_run_and_pool(b, labels) || !put_flow(b, labels) ||
        !put_deployment(b, labels))
        return build_full(b);
    for (const struct tree *it = b->labels->first; it; it = it->next)
        if (!tree_set(b->out, labels, it->key, tree_clone(b->out, it)))
            return build_full(b);
    b->labels = labels;
    return ERR_NONE;
}

/* -- into the manifest */

/* `base`, then `over` over it, by their keys as they are. */
static struct tree *join(struct build *b, const struct tree *base, const struct tree *over)
{
    struct tree *all = base ? tree_clone(b->out, base) : tree_object(b->out);
    for (const struct tree *it = over->first; all && it; it = it->next)
        if (!tree_set(b->out, all, it->key, tree_clone(b->out, it)))
            return NULL;
    return all;
}

/* Keys made legal and, if asked for, values. Keys that become the same: the later value wins. */
static enum err_kind slugs(struct build *b, const struct tree *all, bool values,
                           const struct build_path *holder, struct tree **result)
{
    struct build_path labels = {.up = holder, .key = STR_INIT("labels")};
    struct tree *legal = tree_object(b->out);
    if (!all || !legal)
        return build_full(b);
    legal->origin = all->origin;
    for (const struct tree *it = all->first; it; it = it->next) {
        struct tree *value = tree_clone(b->out, it);
        str key = slug_label_key(b->out, b->scratch, it->key);
        if (values && it->type != TREE_STRING)
            return build_fail_at(b, "TypeError",
                                 &(struct build_path){.up = &labels, .key = it->key},
                                 "must be text, but is a %s", pyrepr_type(it));
        if (values && value)
            value->text = slug_label_value(b->out, b->scratch, it->text);
        if (!key.p || !value || (values && !value->text.p) || !tree_set(b->out, legal, key, value))
            return build_full(b);
    }
    *result = legal;
    return ERR_NONE;
}

/* The first half: labels and annotations of the Job, from the manifest's and ours. */
enum err_kind build_job_labels(struct build *b)
{
    struct tree *metadata = tree_get(b->job, STR("metadata")), *result;
    const struct tree *labels = tree_get(metadata, STR("labels"));
    enum err_kind kind = slugs(b, join(b, labels, b->labels), true, &build_at_metadata, &result);
    if (!kind && !tree_set(b->out, metadata, STR("labels"), result))
        return build_full(b);
    const struct tree *annotations = tree_get(metadata, STR("annotations"));
    if (!kind)
        kind = slugs(b, join(b, annotations, b->annotations), false, &build_at_metadata, &result);
    if (!kind && !tree_set(b->out, metadata, STR("annotations"), result))
        return build_full(b);
    b->m->flow_run_label =
        tree_text(tree_get(tree_get(metadata, STR("labels")), STR("prefect.io/flow-run-id")));
    return kind;
}

static const struct build_path at_pod_metadata = {.up = &build_at_pod, .key = STR_INIT("metadata")};

static enum err_kind not_an_object(struct build *b, const char *exception, const char *member,
                                   const struct tree *value)
{
    struct build_path path = {.up = &at_pod_metadata, .key = str_of(member)};
    return build_fail_at(b, exception, member ? &path : &at_pod_metadata,
                         "must be an object, but is a %s", pyrepr_type(value));
}

/* The second half, near the end: the pod gets our labels (not the manifest's Job labels), and the
 * Job's annotations where there are any. */
enum err_kind build_pod_labels(struct build *b)
{
    struct tree *template = tree_get(b->spec, STR("template"));
    struct tree *metadata = tree_get(template, STR("metadata")), *result;
    if (!metadata) {
        metadata = tree_object(b->out);
        if (!build_set(b, template, "metadata", metadata, TREE_FROM_WORKER))
            return build_full(b);
    }
    if (metadata->type != TREE_OBJECT)
        return not_an_object(b, "AttributeError", NULL, metadata);
    const struct tree *labels = tree_get(metadata, STR("labels"));
    if (labels && labels->type != TREE_OBJECT)
        return not_an_object(b, "TypeError", "labels", labels);
    enum err_kind kind = slugs(b, join(b, labels, b->labels), true, &at_pod_metadata, &result);
    if (kind)
        return kind;
    if (!tree_set(b->out, metadata, STR("labels"), result))
        return build_full(b);
    const struct tree *ours = tree_path(b->job, "metadata.annotations");
    if (!ours->count)
        return ERR_NONE;
    const struct tree *annotations = tree_get(metadata, STR("annotations"));
    if (annotations && annotations->type != TREE_OBJECT)
        return not_an_object(b, "TypeError", "annotations", annotations);
    return tree_set(b->out, metadata, STR("annotations"), join(b, annotations, ours))
               ? ERR_NONE
               : build_full(b);
}
