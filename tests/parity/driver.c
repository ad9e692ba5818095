/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders many cases quickly: reads one case a line, writes one result a line, both JSON. A case:
 *     {"work_pool", "flow_run", "deployment", "flow", "worker_name", "worker_id", "server_major",
 *      "blocks": {"TYPE/NAME": data}, "blocks_by_id": {ID: data}, "variables": {NAME: value},
 *      "environment": {NAME: value}}
 * environment is the worker's own: settings come from it, and {{ $NAME }}. What blocks and
 * variables do not give does not exist. Result:
 *     {"manifest", "namespace", "cluster_config", "job_timeout", "pod_timeout", "stream_output",
 *      "warnings", "env_secret", "api_key_secret", "api_key_value"}
 * or {"error", "exception"}. For the empty case {}: the default base job template.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "worker/manifest.h"

#define ARENA_SIZE (64 * MIB)
#define ENVIRONMENT_MAX 512
#define LINE_MAX_BYTES (16 * MIB)

static struct arena out, scratch;

static const char **environment_of(const struct tree *given)
{
    const char **list = arena_must(&out, sizeof(char *) * ENVIRONMENT_MAX);
    size_t n = 0;
    for (const struct tree *it = given ? given->first : NULL; it && n < ENVIRONMENT_MAX - 1;
         it = it->next)
        list[n++] =
            str_printf(&out, STR_FMT "=" STR_FMT, STR_ARG(it->key), STR_ARG(tree_text(it))).p;
    list[n] = NULL;
    return list;
}

static enum err_kind configure(const struct tree *given, const char **environment,
                               struct config *config, struct err *e)
{
    struct settings_sources sources = {.environment = (char *const *)environment,
                                       .folder = STR("/nonexistent")};
    const struct settings *settings;
    enum err_kind kind = settings_load(&out, scratch, &sources, &settings, e);
    if (kind)
        return kind;
    str name = str_copy(&out, tree_text(tree_get(given, STR("worker_name"))));
    static char pool_option[] = "--pool=parity";
    char *argv[] = {pool_option, (char *)str_printf(&out, "--name=" STR_FMT, STR_ARG(name)).p,
                    NULL};
    struct config_arguments arguments = {.argc = 2, .argv = argv};
    return config_load(&out, scratch, &arguments, settings, config, e);
}

static struct manifest_value *answer(const struct tree *given,
                                     const struct manifest_reference *wanted,
                                     struct manifest_value *next)
{
    static const char *const members[] = {
        [MANIFEST_BLOCK] = "blocks",
        [MANIFEST_BLOCK_BY_ID] = "blocks_by_id",
        [MANIFEST_VARIABLE] = "variables",
    };
    str key = wanted->name;
    if (wanted->kind == MANIFEST_BLOCK)
        key = str_printf(&out, STR_FMT "/" STR_FMT, STR_ARG(wanted->type_slug),
                         STR_ARG(wanted->name));
    struct manifest_value *value = arena_must(&out, sizeof *value);
    value->reference = *wanted;
    value->value = tree_get(tree_get(given, str_of(members[wanted->kind])), key);
    value->next = next;
    return value;
}

static const struct tree *present(const struct tree *given, const char *name)
{
    const struct tree *v = tree_get(given, str_of(name));
    return tree_is_null(v) ? NULL : v;
}

static enum err_kind render(const struct tree *given, struct manifest *manifest,
                            struct manifest_error *error)
{
    struct config config;
    const char **environment = environment_of(tree_get(given, STR("environment")));
    enum err_kind kind = configure(given, environment, &config, &error->err);
    error->exception = "settings";
    int64_t major = 3;
    (void)tree_i64_value(tree_get(given, STR("server_major")), &major);
    struct manifest_input input = {
        .work_pool = present(given, "work_pool"),
        .flow_run = present(given, "flow_run"),
        .deployment = present(given, "deployment"),
        .flow = present(given, "flow"),
        .config = &config,
        .worker_id = tree_text(tree_get(given, STR("worker_id"))),
        .server_major = (int)major,
        .environment = environment,
    };
    while (!kind) {
        kind = manifest_build(&out, scratch, &input, manifest, error);
        if (kind != ERR_MISSING)
            return kind;
        input.values = answer(given, &error->needed, (struct manifest_value *)input.values);
        kind = ERR_NONE;
    }
    return kind;
}

static void put_tree(struct json_writer *w, const char *key, const struct tree *v)
{
    json_key(w, str_of(key));
    tree_write_json(w, v);
}

static void put_manifest(struct json_writer *w, const struct manifest *m)
{
    put_tree(w, "manifest", m->job);
    put_tree(w, "cluster_config", m->cluster_config);
    put_tree(w, "env_secret", m->env_secret);
    json_member_str(w, "namespace", m->namespace);
    json_member_str(w, "name_prefix", m->name_prefix);
    json_member_bool(w, "own_name", m->own_name);
    json_member_i64(w, "job_timeout", m->job_timeout_s);
    json_member_i64(w, "pod_timeout", m->pod_timeout_s);
    json_member_bool(w, "stream_output", m->stream_output);
    json_member_str(w, "api_key_secret", m->api_key_secret_name);
    json_member_str(w, "api_key_value", m->api_key_value);
    json_key(w, STR("warnings"));
    json_array_begin(w);
    for (const struct manifest_warning *it = m->warnings; it; it = it->next)
        json_put_str(w, it->text);
    json_array_end(w);
}

static void put_line(str text)
{
    fwrite(text.p, 1, text.n, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

/* On one line, as everything else. */
static void put_default(void)
{
    struct tree *template;
    struct err e;
    struct buf text = buf_new(&out, 64 * KIB);
    struct json_writer w = json_writer(&text);
    if (tree_parse_json(&out, scratch, manifest_default_template(), &template, &e) == ERR_NONE)
        tree_write_json(&w, template);
    put_line(buf_str(&text));
}

static void one(str line)
{
    struct tree *given;
    struct manifest manifest;
    struct manifest_error error = {.exception = "input"};
    enum err_kind kind = tree_parse_json(&out, scratch, line, &given, &error.err);
    if (!kind && given->count)
        kind = render(given, &manifest, &error);
    if (!kind && !given->count) {
        put_default();
        return;
    }
    struct buf text = buf_new(&scratch, ARENA_SIZE / 2);
    struct json_writer w = json_writer(&text);
    json_object_begin(&w);
    if (kind) {
        json_member_cstr(&w, "error", error.err.text);
        json_member_cstr(&w, "exception", error.exception);
    } else {
        put_manifest(&w, &manifest);
    }
    json_object_end(&w);
    put_line(text.full ? STR("{\"error\":\"full\",\"exception\":\"MemoryError\"}")
                       : buf_str(&text));
}

int main(void)
{
    arena_reserve(&out, "out", ARENA_SIZE);
    arena_reserve(&scratch, "scratch", ARENA_SIZE);
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        one(str_of(line));
        arena_reset(&out);
        arena_reset(&scratch);
    }
    return 0;
}
