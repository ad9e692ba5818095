/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "format/pyrepr.h"
#include "format/unicode.h"
#include "format/utf8.h"
#include "format/yaml.h"
#include "worker/manifest_build.h"

/*
 * Types of the resolved configuration's fields. The Python worker validates with pydantic in its
 * lax mode: integers and booleans may be text, text may not be a number.
 */

#define AT(name) (&(struct build_path){.key = STR_INIT(name)})

static enum err_kind wrong_type(struct build *b, const struct build_path *path, const char *wanted,
                                const struct tree *value)
{
    return build_fail_at(b, "ValidationError", path, "must be %s, but is a %s", wanted,
                         pyrepr_type(value));
}

/* Text, or null where `optional`; absent or null leaves *text. */
static enum err_kind take_text(struct build *b, const char *name, bool optional, str *text)
{
    const struct tree *value = tree_get(b->resolved, str_of(name));
    if (!value || (optional && value->type == TREE_NULL))
        return ERR_NONE;
    struct build_path path = {.key = str_of(name)};
    if (value->type != TREE_STRING)
        return wrong_type(b, &path, optional ? "text or null" : "text", value);
    *text = value->text;
    return ERR_NONE;
}

/* An object of texts; an empty one where it is absent. */
static enum err_kind take_map(struct build *b, const char *name, struct tree **map)
{
    struct tree *value = tree_get(b->resolved, str_of(name));
    struct build_path path = {.key = str_of(name)};
    *map = value ? value : tree_object(b->out);
    if (!*map)
        return build_full(b);
    if (value && value->type != TREE_OBJECT)
        return wrong_type(b, &path, "an object of texts", value);
    for (const struct tree *it = (*map)->first; it; it = it->next) {
        struct build_path member = {.up = &path, .key = it->key};
        if (it->type != TREE_STRING)
            return wrong_type(b, &member, "text", it);
    }
    return ERR_NONE;
}

/* An object, whose values become text, or a list of objects. */
static enum err_kind take_env(struct build *b)
{
    struct tree *env = tree_get(b->resolved, STR("env"));
    b->env = env;
    if (!env)
        return ERR_NONE;
    if (env->type == TREE_ARRAY) {
        size_t index = 0;
        for (const struct tree *it = env->first; it; it = it->next, index++) {
            struct build_path member = {.up = AT("env"), .index = index};
            if (it->type != TREE_OBJECT)
                return wrong_type(b, &member, "an object with 'name'", it);
        }
        return ERR_NONE;
    }
    if (env->type != TREE_OBJECT)
        return build_fail_at(b, "AttributeError", AT("env"),
                             "must be an object or a list, but is a %s", pyrepr_type(env));
    struct arena scratch = b->scratch;
    struct buf text = buf_new(&scratch, TEMPLATE_TEXT_MAX);
    for (struct tree *it = env->first; it; it = it->next) {
        if (it->type == TREE_STRING || it->type == TREE_NULL)
            continue;
        buf_clear(&text);
        pyrepr_str(&text, it);
        str copy = text.full ? (str){0} : str_copy(b->out, buf_str(&text));
        if (!copy.p)
            return build_full(b);
        it->type = TREE_STRING;
        it->text = copy;
        it->first = it->last = NULL;
        it->count = 0;
    }
    return ERR_NONE;
}

/* -- numbers and booleans */

static str trim_blanks(str text)
{
    size_t n;
    while (text.n && unicode_is_space(utf8_first(text, &n)))
        text = str_skip(text, n);
    for (size_t keep = text.n; keep > 0;) {
        do {
            keep--;
        } while (keep > 0 && ((unsigned char)text.p[keep] & 0xC0) == 0x80);
        if (!unicode_is_space(utf8_first(str_skip(text, keep), &n)))
            break;
        text.n = keep;
    }
    return text;
}

/* "5", "+5", "1_000", "5.0", blanks around; ASCII digits only. */
static bool integer_of_text(str text, int64_t *out)
{
    text = trim_blanks(text);
    ptrdiff_t point = str_find_char(text, '.');
    if (point >= 0) {
        str zeros = str_skip(text, (size_t)point + 1);
        if (!zeros.n || str_trim_chars(zeros, STR("0")).n)
            return false;
        text.n = (size_t)point;
    }
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80 || text.p[i] <= ' ')
            return false;
    return pyrepr_int(text, out);
}

static double f64_of(const struct tree *number)
{
    char text[64];
    (void)str_to_cstr(number->text, text, sizeof text);
    return strtod(text, NULL);
}

static bool integer_of(const struct tree *value, int64_t *out)
{
    if (value->type == TREE_BOOL) {
        *out = value->boolean;
        return true;
    }
    if (value->type == TREE_STRING)
        return integer_of_text(value->text, out);
    if (value->type != TREE_NUMBER)
        return false;
    if (!pyrepr_is_float(value->text))
        return pyrepr_int(value->text, out);
    double number = f64_of(value);
    if (!(number > -9.3e18 && number < 9.2e18) || number != (double)(int64_t)number)
        return false;
    *out = (int64_t)number;
    return true;
}

static enum err_kind take_integer(struct build *b, const char *name, bool optional, int64_t *out)
{
    const struct tree *value = tree_get(b->resolved, str_of(name));
    struct build_path path = {.key = str_of(name)};
    if (!value || (optional && value->type == TREE_NULL))
        return ERR_NONE;
    if (!integer_of(value, out))
        return build_fail_at(b, "ValidationError", &path, "must be a whole number%s",
                             optional ? " or null" : "");
    return ERR_NONE;
}

static bool boolean_of(const struct tree *value, bool *out)
{
    static const char *const words[] = {"0", "off", "f", "false", "n", "no",
                                        "1", "on",  "t", "true",  "y", "yes"};
    if (value->type == TREE_BOOL) {
        *out = value->boolean;
        return true;
    }
    if (value->type == TREE_NUMBER) {
        double number = f64_of(value);
        *out = number != 0;
        return number == 0 || number == 1;
    }
    for (size_t i = 0; value->type == TREE_STRING && i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(value->text, str_of(words[i]))) {
            *out = i >= ARRAY_LEN(words) / 2;
            return true;
        }
    }
    return false;
}

static enum err_kind take_boolean(struct build *b, const char *name, bool *out)
{
    const struct tree *value = tree_get(b->resolved, str_of(name));
    struct build_path path = {.key = str_of(name)};
    if (value && !boolean_of(value, out))
        return build_fail_at(b, "ValidationError", &path, "must be true or false");
    return ERR_NONE;
}

enum err_kind build_timeouts(struct build *b)
{
    struct manifest *m = b->m;
    int64_t job = -1;
    enum err_kind kind = take_integer(b, "job_watch_timeout_seconds", true, &job);
    if (!kind)
        kind = take_integer(b, "pod_watch_timeout_seconds", false, &m->pod_timeout_s);
    if (!kind)
        kind = take_boolean(b, "stream_output", &m->stream_output);
    m->job_timeout_s = job < 0 ? -1 : job;
    const struct tree *pod = tree_get(b->resolved, STR("pod_watch_timeout_seconds"));
    m->pod_timeout_enforced = pod && (pod->origin != TREE_FROM_DEFAULT || m->pod_timeout_s != 60);
    return kind;
}

/* -- cluster_config */

/* A kubeconfig as YAML text becomes the object that it is. */
static enum err_kind parse_config(struct build *b, struct tree *cluster, const struct tree *config)
{
    struct err e;
    struct tree *parsed;
    enum err_kind kind = yaml_parse(b->out, config->text, &parsed, &e);
    if (kind == ERR_LIMIT)
        return build_full(b);
    if (kind)
        return build_fail_at(b, "ParserError", AT("cluster_config"),
                             "has a 'config' that is no YAML: %s", e.text);
    tree_set_origin(parsed, (enum tree_origin)config->origin);
    return tree_set(b->out, cluster, STR("config"), parsed) ? ERR_NONE : build_full(b);
}

/* The first half, before other fields are looked at: what Python raises from inside the block. */
static enum err_kind open_cluster(struct build *b)
{
    struct tree *cluster = tree_get(b->resolved, STR("cluster_config"));
    const struct tree *slug = tree_get(cluster, STR("block_type_slug"));
    if (slug && !str_eq(tree_text(slug), STR("kubernetes-cluster-config")))
        return build_fail_at(b, "UnknownBlockType", AT("cluster_config"),
                             "is a block of another type than kubernetes-cluster-config");
    struct tree *config = tree_get(cluster, STR("config"));
    return tree_is(config, TREE_STRING) ? parse_config(b, cluster, config) : ERR_NONE;
}

static enum err_kind take_cluster(struct build *b)
{
    struct tree *cluster = tree_get(b->resolved, STR("cluster_config"));
    if (tree_is_null(cluster))
        return ERR_NONE;
    if (cluster->type != TREE_OBJECT)
        return wrong_type(b, AT("cluster_config"), "an object or null", cluster);
    if (!tree_is(tree_get(cluster, STR("config")), TREE_OBJECT))
        return build_fail_at(b, "ValidationError", AT("cluster_config"),
                             "needs a 'config' that is a kubeconfig: an object, or YAML text");
    if (!tree_is(tree_get(cluster, STR("context_name")), TREE_STRING))
        return build_fail_at(b, "ValidationError", AT("cluster_config"),
                             "needs a 'context_name' that is text");
    b->m->cluster_config = cluster;
    return ERR_NONE;
}

/* -- the Job */

/* Adds the metadata that the Python worker adds before it checks the rest. */
static enum err_kind complete_metadata(struct build *b)
{
    struct tree *metadata = tree_get(b->job, STR("metadata"));
    if (!metadata) {
        metadata = tree_object(b->out);
        if (!build_set(b, b->job, "metadata", metadata, TREE_FROM_WORKER))
            return build_full(b);
    }
    if (metadata->type != TREE_OBJECT)
        return build_fail_at(b, "TypeError", AT("job_manifest"),
                             "must have metadata that is an object, but it is a %s",
                             pyrepr_type(metadata));
    bool done = true;
    if (!tree_get(metadata, STR("annotations")))
        done &= build_set(b, metadata, "annotations", tree_object(b->out), TREE_FROM_WORKER);
    if (!tree_get(metadata, STR("labels")))
        done &= build_set(b, metadata, "labels", tree_object(b->out), TREE_FROM_WORKER);
    if (!tree_get(metadata, STR("namespace"))) {
        const struct tree *given = tree_get(b->resolved, STR("namespace"));
        done &= build_set(b, metadata, "namespace", tree_str(b->out, b->namespace),
                          given ? (enum tree_origin)given->origin : TREE_FROM_WORKER);
    }
    return done ? ERR_NONE : build_full(b);
}

static enum err_kind take_job(struct build *b)
{
    b->job = tree_get(b->resolved, STR("job_manifest"));
    if (!b->job)
        return build_fail(b, "ValidationError",
                          "the base job template gives no job_configuration.job_manifest, the Job "
                          "to create");
    if (b->job->type != TREE_OBJECT)
        return wrong_type(b, AT("job_manifest"), "an object", b->job);
    enum err_kind kind = complete_metadata(b);
    return kind ? kind : build_check_skeleton(b);
}

enum err_kind build_validate(struct build *b)
{
    b->namespace = STR("default");
    if (b->resolved->type != TREE_OBJECT)
        return build_fail(b, "TypeError", "job_configuration resolves to a %s, not to an object",
                          pyrepr_type(b->resolved));
    enum err_kind kind = take_env(b);
    if (!kind)
        kind = open_cluster(b);
    if (!kind)
        kind = take_text(b, "command", true, &b->command);
    if (!kind)
        kind = take_map(b, "labels", &b->labels);
    if (!kind)
        kind = take_text(b, "name", true, &b->name);
    if (!kind)
        kind = take_map(b, "annotations", &b->annotations);
    if (!kind)
        kind = take_text(b, "namespace", false, &b->namespace);
    if (!kind)
        kind = take_cluster(b);
    if (!kind)
        kind = build_timeouts(b);
    if (!kind)
        kind = take_job(b);
    b->m->namespace = b->namespace;
    return kind;
}
