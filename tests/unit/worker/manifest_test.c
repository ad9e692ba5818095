/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

/* What the golden cases (tests/golden/manifest) don't say: how the caller and manifest_build work
 * together, warnings, origins, names, limits. */

#define RUN_ID "11111111-1111-1111-1111-111111111111"

static struct arena arena, scratch;
static struct manifest manifest;
static struct manifest_error error;
static struct manifest_input input;
static struct config config;

static struct tree *parse(const char *json)
{
    struct tree *v;
    struct err e;
    if (tree_parse_json(&arena, scratch, str_of(json), &v, &e) != ERR_NONE)
        fail_msg("%s: %s", e.text, json);
    return v;
}

/* A minimal template whose container has `member`, with `properties` as the schema's. */
static struct tree *pool(const char *member, const char *properties)
{
    return parse(
        str_printf(&arena,
                   "{\"id\":\"44444444-4444-4444-4444-444444444444\",\"name\":\"my pool\","
                   "\"base_job_template\":{\"job_configuration\":{\"env\":\"{{ env }}\","
                   "\"labels\":\"{{ labels }}\",\"name\":\"{{ name }}\",\"namespace\":\"ns\","
                   "\"pod_watch_timeout_seconds\":\"{{ pod }}\",\"job_manifest\":{"
                   "\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"generateName\":"
                   "\"{{ name }}-\"},\"spec\":{\"template\":{\"spec\":{\"parallelism\":1,"
                   "\"completions\":1,\"restartPolicy\":\"Never\",\"containers\":[{\"name\":"
                   "\"prefect-job\",%s}]}}}}},\"variables\":{\"properties\":{%s}}}}",
                   member, properties)
            .p);
}

static struct tree *flow_run(const char *variables)
{
    return parse(str_printf(&arena,
                            "{\"id\":\"" RUN_ID "\",\"name\":\"otter\",\"flow_id\":null,"
                            "\"job_variables\":%s}",
                            variables)
                     .p);
}

static void take_settings(char *const *environment)
{
    struct settings_sources sources = {.environment = environment, .folder = STR("/nonexistent")};
    const struct settings *settings;
    struct err e;
    if (settings_load(&arena, scratch, &sources, &settings, &e) != ERR_NONE ||
        config_load_settings(&arena, scratch, settings, &config, &e) != ERR_NONE)
        fail_msg("%s", e.text);
    config.name = STR("Worker A");
    config.name_given = true;
}

static int fresh(void **state)
{
    (void)state;
    static char home[] = "HOME=/nonexistent";
    static char *const environment[] = {home, NULL};
    if (!arena.base) {
        arena_reserve(&arena, "test", 64 * MIB);
        arena_reserve(&scratch, "scratch", 64 * MIB);
    }
    arena_reset(&arena);
    take_settings(environment);
    input = (struct manifest_input){.config = &config, .server_major = 3};
    input.work_pool = pool("\"image\":\"{{ image }}\"", "");
    input.flow_run = flow_run("{}");
    return 0;
}

static enum err_kind build(void)
{
    return manifest_build(&arena, scratch, &input, &manifest, &error);
}

static void build_well(void)
{
    if (build() != ERR_NONE)
        fail_msg("%s: %s", error.exception, error.err.text);
}

static str text_at(const char *path)
{
    return tree_text(tree_path(manifest.job, path));
}

static const struct tree *container(void)
{
    return tree_at(tree_path(manifest.job, "spec.template.spec.containers"), 0);
}

static const struct tree *env_entry(const char *name)
{
    const struct tree *env = tree_get(container(), STR("env"));
    for (const struct tree *it = env->first; it; it = it->next)
        if (str_eq(tree_text(tree_get(it, STR("name"))), str_of(name)))
            return it;
    return NULL;
}

#define assert_view(view, expected)                                              \
    do {                                                                         \
        str view_ = (view);                                                      \
        if (!str_eq(view_, str_of(expected)))                                    \
            fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(view_), expected); \
    } while (0)

static bool warned(const char *part)
{
    for (const struct manifest_warning *it = manifest.warnings; it; it = it->next)
        if (str_has(it->text, str_of(part)))
            return true;
    return false;
}

static bool says(const char *part)
{
    return str_has(str_of(error.err.text), str_of(part));
}

/* -- references */

static void what_is_referred_to_is_asked_for_one_by_one(void **state)
{
    (void)state;
    input.flow_run = flow_run("{\"image\": \"{{ prefect.blocks.docker.reg.image }}:"
                              "{{ prefect.variables.tag }}\"}");
    assert_int_equal(build(), ERR_MISSING);
    assert_int_equal(error.needed.kind, MANIFEST_BLOCK);
    assert_view(error.needed.type_slug, "docker");
    assert_view(error.needed.name, "reg");
    assert_true(str_has(error.needed_by, STR("containers[0].image")));

    struct manifest_value block = {.reference = error.needed, .value = parse("{\"image\":\"i\"}")};
    input.values = &block;
    assert_int_equal(build(), ERR_MISSING);
    assert_int_equal(error.needed.kind, MANIFEST_VARIABLE);
    assert_view(error.needed.name, "tag");

    struct manifest_value variable = {
        .reference = error.needed, .value = parse("7"), .next = &block};
    input.values = &variable;
    build_well();
    assert_view(tree_text(tree_get(container(), STR("image"))), "i:7");
    assert_int_equal(tree_get(container(), STR("image"))->origin, TREE_FROM_VARIABLE);
}

static void one_block_serves_all_that_refer_to_it(void **state)
{
    (void)state;
    input.flow_run = flow_run("{\"image\":\"{{ prefect.blocks.a.b }}\","
                              "\"env\":{\"X\":\"{{ prefect.blocks.a.b }}\"}}");
    assert_int_equal(build(), ERR_MISSING);
    struct manifest_value block = {.reference = error.needed, .value = parse("{\"value\":\"v\"}")};
    input.values = &block;
    build_well();
    assert_view(tree_text(tree_get(env_entry("X"), STR("value"))), "v");
}

static void a_block_that_does_not_exist_is_named_with_its_place(void **state)
{
    (void)state;
    input.flow_run = flow_run("{\"image\":\"{{ prefect.blocks.a.b }}\"}");
    assert_int_equal(build(), ERR_MISSING);
    struct manifest_value block = {.reference = error.needed, .value = NULL};
    input.values = &block;
    assert_int_equal(build(), ERR_INVALID);
    assert_string_equal(error.exception, "ObjectNotFound");
    assert_true(says("'b'") && says("'a'") && says("containers[0].image"));
    assert_true(says("{{ image }}") && says("flow run"));
}

/* -- warnings */

static void a_variable_that_nothing_uses_is_told(void **state)
{
    (void)state;
    input.flow_run = flow_run("{\"imagee\":\"x\",\"env\":{},\"labels\":{}}");
    build_well();
    assert_true(warned("'imagee'") && warned("'image' meant"));
    assert_null(manifest.warnings->next);
}

static void a_dotted_key_that_loses_is_told(void **state)
{
    (void)state;
    input.deployment = parse("{\"id\":\"x\",\"name\":\"d\",\"job_variables\":"
                             "{\"env\":{\"A\":\"dep\"}}}");
    input.flow_run = flow_run("{\"env.A\":\"run\",\"env.B\":\"b\"}");
    build_well();
    assert_true(warned("'env.A'") && !warned("'env.B'"));
    assert_view(tree_text(tree_get(env_entry("A"), STR("value"))), "dep");
    assert_view(tree_text(tree_get(env_entry("B"), STR("value"))), "b");
}

static void env_that_a_list_hides_is_told(void **state)
{
    (void)state;
    input.work_pool = pool("\"image\":\"i\"", "\"env\":{\"default\":[{\"name\":\"D\"}]}");
    input.flow_run = flow_run("{\"env\":{\"A\":\"1\"}}");
    build_well();
    assert_true(warned("'env'"));
    assert_null(env_entry("A"));
}

static void plain_credentials_are_told(void **state)
{
    (void)state;
    static char key[] = "PREFECT_API_KEY=pnu_1", home[] = "HOME=/nonexistent";
    static char create[] = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY=1";
    static char *const plain[] = {home, key, NULL}, *const kept[] = {home, key, create, NULL};
    take_settings(plain);
    build_well();
    assert_true(manifest.plain_api_key);
    assert_false(manifest.plain_auth_string);
    assert_true(tree_get(env_entry("PREFECT_API_KEY"), STR("value"))->secret);
    take_settings(kept);
    build_well();
    assert_false(manifest.plain_api_key);
    assert_view(manifest.api_key_secret_name, "prefect-worker-a-api-key");
    assert_view(manifest.api_key_value, "pnu_1");
    assert_null(tree_get(env_entry("PREFECT_API_KEY"), STR("value")));
}

/* -- fields beside the Job */

static void a_pod_timeout_of_ones_own_is_enforced(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *variables;
        int64_t seconds;
        bool enforced;
    } cases[] = {
        {"", "{}", 60, false},
        {"\"pod\":{\"default\":60}", "{}", 60, false},
        {"\"pod\":{\"default\":90}", "{}", 90, true},
        {"\"pod\":{\"default\":60}", "{\"pod\":60}", 60, true},
        {"\"pod\":{\"default\":60}", "{\"pod\":5}", 5, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        input.work_pool = pool("\"image\":\"i\"", cases[i].schema);
        input.flow_run = flow_run(cases[i].variables);
        build_well();
        assert_int_equal(manifest.pod_timeout_s, cases[i].seconds);
        assert_int_equal(manifest.pod_timeout_enforced, cases[i].enforced);
        assert_int_equal(manifest.job_timeout_s, -1);
    }
}

static void what_the_caller_gets_beside_the_job(void **state)
{
    (void)state;
    build_well();
    assert_view(manifest.namespace, "ns");
    assert_view(manifest.flow_run_label, RUN_ID);
    assert_true(manifest.stream_output);
    assert_null(manifest.cluster_config);
    assert_null(manifest.env_secret);
    assert_false(manifest.own_name);
    assert_view(manifest.name_prefix, "otter-");
    assert_true(str_starts(text_at("metadata.name"), STR("otter-")));
    assert_null(tree_path(manifest.job, "metadata.generateName"));
}

static void the_older_generation_has_its_image_and_version(void **state)
{
    (void)state;
    input.server_major = 2;
    build_well();
    assert_view(tree_text(tree_get(container(), STR("image"))),
                "prefecthq/prefect:2.20.25-python3.11");
    const struct tree *labels = tree_path(manifest.job, "metadata.labels");
    assert_view(tree_text(tree_get(labels, STR("prefect.io/version"))), "2.20.25");
}

static void values_know_where_they_came_from(void **state)
{
    (void)state;
    input.work_pool = pool("\"image\":\"{{ image }}\",\"a\":\"{{ a }}\",\"b\":1,\"c\":\"{{ c }}\"",
                           "\"a\":{\"default\":{\"x\":[1]}}");
    input.deployment = parse("{\"id\":\"x\",\"name\":\"d\",\"job_variables\":{\"c\":\"dep\"}}");
    input.flow_run = flow_run("{\"image\":\"i\",\"env\":{\"DB_PASSWORD\":\"x\",\"A\":\"1\"}}");
    build_well();
    const struct tree *c = container();
    assert_int_equal(tree_get(c, STR("image"))->origin, TREE_FROM_RUN);
    assert_int_equal(tree_at(tree_path(c, "a.x"), 0)->origin, TREE_FROM_DEFAULT);
    assert_int_equal(tree_get(c, STR("b"))->origin, TREE_FROM_TEMPLATE);
    assert_int_equal(tree_get(c, STR("c"))->origin, TREE_FROM_DEPLOYMENT);
    assert_int_equal(tree_get(c, STR("args"))->origin, TREE_FROM_WORKER);
    assert_int_equal(env_entry("A")->origin, TREE_FROM_RUN);
    assert_int_equal(env_entry("PREFECT_SERVER_EPHEMERAL_ENABLED")->origin, TREE_FROM_SETTING);
    assert_true(tree_get(env_entry("DB_PASSWORD"), STR("value"))->secret);
    assert_false(tree_get(env_entry("A"), STR("value"))->secret);
}

static void fields_of_secret_blocks_are_marked(void **state)
{
    (void)state;
    input.flow_run = flow_run("{\"image\":\"x-{{ prefect.blocks.secret.t }}\"}");
    assert_int_equal(build(), ERR_MISSING);
    struct manifest_value block = {.reference = error.needed, .value = parse("{\"value\":\"s\"}")};
    input.values = &block;
    build_well();
    assert_true(tree_get(container(), STR("image"))->secret);
}

static void the_environments_secret_has_the_claims_name(void **state)
{
    (void)state;
    static char home[] = "HOME=/nonexistent";
    static char store[] = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_STORE_ENV_AS_SECRET=true";
    static char *const environment[] = {home, store, NULL};
    take_settings(environment);
    build_well();
    str first = manifest.env_secret_name;
    assert_true(str_starts(first, STR("otter-env-")));
    assert_int_equal(tree_get(container(), STR("env"))->count, 0);
    build_well();
    assert_true(str_eq(first, manifest.env_secret_name));
    input.claim.bytes[0] = 1;
    build_well();
    assert_false(str_eq(first, manifest.env_secret_name));
}

/* -- timeouts alone */

/* What needs a block is not rendered for them. */
static void the_timeouts_need_no_blocks(void **state)
{
    (void)state;
    struct manifest timeouts;
    input.work_pool = pool("\"image\":\"{{ prefect.blocks.secret.x }}\"", "");
    assert_int_equal(build(), ERR_MISSING);
    assert_int_equal(manifest_timeouts(&arena, scratch, &input, &timeouts, &error), ERR_NONE);
    assert_int_equal(timeouts.job_timeout_s, -1);
    assert_int_equal(timeouts.pod_timeout_s, 60);
    assert_false(timeouts.pod_timeout_enforced);
}

/* -- limits */

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static char memory[20000];
    struct arena small = arena_over("small", memory, sizeof memory);
    for (size_t size = 0; size < sizeof memory; size += 997) {
        small.cap = size;
        small.used = 0;
        enum err_kind kind = manifest_build(&small, scratch, &input, &manifest, &error);
        assert_true(kind == ERR_NONE || kind == ERR_LIMIT);
    }
    assert_int_equal(build(), ERR_NONE);
}

static void a_template_of_a_megabyte_is_rendered(void **state)
{
    (void)state;
    struct buf text = buf_new(&scratch, 4 * MIB);
    struct arena rest = scratch;
    buf_cstr(&text, "\"image\":\"i\",\"volumes\":[");
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "%s{\"name\":\"v%d\",\"path\":\"/data/{{ image }}/%d\"}", i ? "," : "", i,
                   i);
    buf_cstr(&text, "]");
    buf_byte(&text, '\0');
    assert_true(text.n > MIB - 64 * KIB);
    input.work_pool = pool(text.p, "");
    assert_int_equal(manifest_build(&arena, rest, &input, &manifest, &error), ERR_NONE);
    assert_int_equal(tree_get(container(), STR("volumes"))->count, 20000);
    arena_reset(&scratch);
}

static void nesting_beyond_the_cap_is_refused(void **state)
{
    (void)state;
    struct buf deep = buf_new(&arena, 4 * KIB);
    buf_cstr(&deep, "{\"image\":");
    for (int i = 0; i < 60; i++)
        buf_byte(&deep, '[');
    for (int i = 0; i < 60; i++)
        buf_byte(&deep, ']');
    buf_cstr(&deep, "}");
    buf_byte(&deep, '\0');
    input.flow_run = flow_run(deep.p);
    enum err_kind kind = build();
    struct buf out = buf_new(&arena, MIB);
    struct json_writer w = json_writer(&out);
    if (!kind)
        tree_write_json(&w, manifest.job);
    assert_true(kind == ERR_LIMIT || out.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_referred_to_is_asked_for_one_by_one, fresh),
        cmocka_unit_test_setup(one_block_serves_all_that_refer_to_it, fresh),
        cmocka_unit_test_setup(a_block_that_does_not_exist_is_named_with_its_place, fresh),
        cmocka_unit_test_setup(a_variable_that_nothing_uses_is_told, fresh),
        cmocka_unit_test_setup(a_dotted_key_that_loses_is_told, fresh),
        cmocka_unit_test_setup(env_that_a_list_hides_is_told, fresh),
        cmocka_unit_test_setup(plain_credentials_are_told, fresh),
        cmocka_unit_test_setup(a_pod_timeout_of_ones_own_is_enforced, fresh),
        cmocka_unit_test_setup(what_the_caller_gets_beside_the_job, fresh),
        cmocka_unit_test_setup(the_older_generation_has_its_image_and_version, fresh),
        cmocka_unit_test_setup(values_know_where_they_came_from, fresh),
        cmocka_unit_test_setup(fields_of_secret_blocks_are_marked, fresh),
        cmocka_unit_test_setup(the_environments_secret_has_the_claims_name, fresh),
        cmocka_unit_test_setup(the_timeouts_need_no_blocks, fresh),
        cmocka_unit_test_setup(what_does_not_fit_is_refused, fresh),
        cmocka_unit_test_setup(a_template_of_a_megabyte_is_rendered, fresh),
        cmocka_unit_test_setup(nesting_beyond_the_cap_is_refused, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
