/* SPDX-License-Identifier: Apache-2.0 */

/* A base job template (the first line, JSON) and a run's job variables (the second): a Job with a
 * name that fits, or one sentence; the same again when it is asked again. */

#include "fuzz.h"
#include "worker/manifest.h"
#include "worker/template_check.h"

static struct arena perm, arena, scratch;
static struct config config;

static void configure(void)
{
    static char home[] = "HOME=/nonexistent";
    static char *const environment[] = {home, NULL};
    struct settings_sources sources = {.environment = environment, .folder = STR("/nonexistent")};
    const struct settings *settings;
    struct err e;
    fuzz_arena(&perm, 16 * MIB);
    ASSERT(settings_load(&perm, scratch, &sources, &settings, &e) == ERR_NONE);
    ASSERT(config_load_settings(&perm, scratch, settings, &config, &e) == ERR_NONE);
    config.name = STR("fuzz");
    config.store_env_as_secret = true;
}

static struct tree *object(const char *id, const char *member, struct tree *value)
{
    struct tree *v = tree_object(&arena);
    tree_set(&arena, v, STR("id"), tree_str(&arena, str_of(id)));
    tree_set(&arena, v, STR("name"), tree_str(&arena, STR("some name")));
    return tree_set(&arena, v, str_of(member), value) ? v : NULL;
}

/* Every reference is answered, by a value that is no use to most. */
static enum err_kind build(struct manifest_input *input, struct manifest *m,
                           struct manifest_error *error)
{
    struct manifest_value *known = NULL;
    for (int i = 0; i < 8; i++) {
        input->values = known;
        enum err_kind kind = manifest_build(&arena, scratch, input, m, error);
        if (kind != ERR_MISSING)
            return kind;
        struct manifest_value *value = ARENA_NEW(&arena, struct manifest_value);
        if (!value)
            return ERR_LIMIT;
        *value = (struct manifest_value){.reference = error->needed, .next = known};
        value->value = i % 3 == 2 ? NULL : tree_object(&arena);
        if (value->value)
            tree_set(&arena, value->value, STR("value"), tree_str(&arena, STR("v")));
        known = value;
    }
    return ERR_LIMIT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size}, first, rest;
    struct tree *template, *variables;
    struct template_fault *faults;
    struct manifest m;
    struct manifest_error error;
    struct err e;
    fuzz_arena(&arena, 64 * MIB);
    fuzz_arena(&scratch, 64 * MIB);
    if (!config.settings)
        configure();
    str_cut(text, '\n', &first, &rest);
    if (tree_parse_json(&arena, scratch, first, &template, &e) != ERR_NONE)
        return 0;
    if (tree_parse_json(&arena, scratch, rest, &variables, &e) != ERR_NONE)
        variables = tree_object(&arena);
    enum err_kind checked = template_check(&arena, scratch, template, &faults, &e);
    ASSERT(checked == ERR_NONE || checked == ERR_LIMIT);

    struct manifest_input input = {.config = &config, .server_major = 3};
    input.flow_run = object("11111111-1111-1111-1111-111111111111", "job_variables", variables);
    input.work_pool = object("44444444-4444-4444-4444-444444444444", "base_job_template", template);
    enum err_kind kind = build(&input, &m, &error);
    if (kind) {
        ASSERT(kind == ERR_INVALID || kind == ERR_LIMIT);
        ASSERT(error.err.text[0] && error.exception);
        return 0;
    }
    str name = tree_text(tree_path(m.job, "metadata.name"));
    ASSERT(m.own_name || (name.n && name.n <= KUBE_NAME_MAX));
    ASSERT(m.env_secret_name.n <= KUBE_NAME_MAX);
    struct manifest again;
    ASSERT(build(&input, &again, &error) == ERR_NONE && tree_eq(m.job, again.job));
    return 0;
}
