/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/template_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "format/yaml.h"
#include "worker/manifest.h"

static struct arena arena, scratch;
static struct template_fault *faults;

static int fresh(void **state)
{
    (void)state;
    if (!arena.base) {
        arena_reserve(&arena, "test", 64 * MIB);
        arena_reserve(&scratch, "scratch", 64 * MIB);
    }
    arena_reset(&arena);
    return 0;
}

static void check(const char *yaml)
{
    struct tree *template;
    struct err e;
    if (yaml_parse(&arena, str_of(yaml), &template, &e) != ERR_NONE ||
        template_check(&arena, scratch, template, &faults, &e) != ERR_NONE)
        fail_msg("%s", e.text);
}

static size_t count(void)
{
    size_t n = 0;
    for (const struct template_fault *f = faults; f; f = f->next)
        n++;
    return n;
}

/* A fault of that line whose path ends with `path` and whose text has `part`. */
static void assert_fault(uint32_t line, bool warning, const char *path, const char *part)
{
    for (const struct template_fault *f = faults; f; f = f->next)
        if (f->line == line && f->warning == warning && str_ends(f->path, str_of(path)) &&
            str_has(f->text, str_of(part)))
            return;
    for (const struct template_fault *f = faults; f; f = f->next)
        print_message("%u %s" STR_FMT ": " STR_FMT "\n", f->line, f->warning ? "warning " : "",
                      STR_ARG(f->path), STR_ARG(f->text));
    fail_msg("no fault in line %u at %s with \"%s\"", line, path, part);
}

#define VARIABLES "variables:\n  properties:\n    name: {type: string}\n    env: {type: object}\n"
/* Eight lines in front of the pod's own, which begin in column 10. */
#define JOB                      \
    "job_configuration:\n"       \
    "  name: \"{{ name }}\"\n"   \
    "  job_manifest:\n"          \
    "    apiVersion: batch/v1\n" \
    "    kind: Job\n"            \
    "    spec:\n"                \
    "      template:\n"          \
    "        spec:\n"
#define POD                            \
    "          parallelism: 1\n"       \
    "          completions: 1\n"       \
    "          restartPolicy: Never\n" \
    "          containers:\n"          \
    "          - name: prefect-job\n"

static void the_default_template_has_no_fault(void **state)
{
    (void)state;
    struct tree *template;
    struct err e;
    assert_int_equal(tree_parse_json(&arena, scratch, manifest_default_template(), &template, &e),
                     ERR_NONE);
    assert_int_equal(template_check(&arena, scratch, template, &faults, &e), ERR_NONE);
    assert_null(faults);
    check(JOB POD VARIABLES);
    assert_null(faults);
}

static void all_faults_are_told_by_line(void **state)
{
    (void)state;
    check(JOB "          parallelism: 2\n"
              "          restartPolicy: OnFailure\n"
              "          containers:\n"
              "          - name: other\n"
              "            args: echo 'x\n"
              "            image: \"{{ nmae }}\"\n" VARIABLES);
    assert_fault(9, false, "spec.parallelism", "1");
    assert_fault(8, false, "spec.completions", "missing");
    assert_fault(10, false, "restartPolicy", "Never");
    assert_fault(12, false, "containers[0].name", "prefect-job");
    assert_fault(13, false, "containers[0].args", "'");
    assert_fault(14, false, "containers[0].image", "'name' meant");
    assert_int_equal(count(), 6);
    for (const struct template_fault *f = faults; f->next; f = f->next)
        assert_true(f->line <= f->next->line);
}

static void parts_that_are_missing_altogether(void **state)
{
    (void)state;
    check("other: 1\n");
    assert_fault(1, false, "job_configuration", "missing");
    assert_fault(1, false, "variables", "missing");
    check("job_configuration: {name: x}\nvariables: {}\n");
    assert_fault(1, false, "job_manifest", "missing");
    check("job_configuration: []\nvariables: {properties: []}\n");
    assert_fault(1, false, "job_configuration", "no object");
    assert_fault(2, false, "properties", "object");
}

static void placeholders_that_are_none(void **state)
{
    (void)state;
    check(JOB POD "            image: \"{{ na me }}:{{ name }}\"\n"
                  "            args: [\"{{ name }\", \"{{ prefect.blocks.secret }}\"]\n"
                  "            a: \"{{ ctx.flow.name }}\"\n"
                  "            b: \"{{{ name }}} {{ prefect.variables.x }} {{ $X }}\"\n" VARIABLES);
    assert_fault(14, true, "image", "{{ na me }}");
    assert_fault(15, true, "args[0]", "{{ name }");
    assert_fault(15, false, "args[1]", "not complete");
    assert_fault(16, false, "a", "variable 'name'");
    assert_int_equal(count(), 4);
}

static void fields_of_other_types(void **state)
{
    (void)state;
    check(JOB POD "  command: 5\n"
                  "  labels: {a: 1, b: ok}\n"
                  "  annotations: text\n"
                  "  env: 7\n"
                  "  namespace:\n"
                  "  unknown: 1\n"
                  "  cluster_config: {$ref: text}\n" VARIABLES);
    assert_fault(14, false, "command", "text or null");
    assert_fault(15, false, "labels.a", "quotes");
    assert_fault(16, false, "annotations", "object of texts");
    assert_fault(17, false, "env", "list");
    assert_fault(18, false, "namespace", "text");
    assert_fault(19, true, "unknown", "no effect");
    assert_fault(20, false, "$ref", "block_document_id");
    assert_int_equal(count(), 7);
}

static void defaults_that_the_schema_does_not_allow(void **state)
{
    (void)state;
    check(JOB POD "            x: \"{{ a }}{{ b }}{{ c }}{{ d }}{{ e }}\"\n" VARIABLES
                  "    a: {type: integer, default: 1.5}\n"
                  "    b: {anyOf: [{type: string}, {type: 'null'}], default: 5}\n"
                  "    c: {enum: [x, y], default: z}\n"
                  "    d: {type: [string, number], default: 5}\n"
                  "    e: text\n"
                  "    f: {}\n");
    assert_fault(19, false, "properties.a", "type");
    assert_fault(20, false, "properties.b", "type");
    assert_fault(21, false, "properties.c", "enum");
    assert_fault(23, false, "properties.e", "schema");
    assert_fault(24, true, "properties.f", "no placeholder");
    assert_int_equal(count(), 5);
}

static void names_and_other_containers(void **state)
{
    (void)state;
    check(JOB POD "          - name: sidecar\n"
                  "            env: \"{{ env }}\"\n"
                  "    metadata: {name: fixed, generateName: Upper-, labels: {n: 1}}\n" VARIABLES);
    assert_fault(15, true, "containers[1].env", "first container");
    assert_fault(16, true, "metadata.name", "same name");
    assert_fault(16, false, "metadata.generateName", "lower case");
    assert_fault(16, false, "metadata.labels.n", "text");
    assert_int_equal(count(), 4);
}

static void what_a_default_gives_is_looked_at(void **state)
{
    (void)state;
    check(JOB "          parallelism: \"{{ p }}\"\n"
              "          completions: \"{{ c }}\"\n"
              "          restartPolicy: \"{{ r }}\"\n"
              "          containers: \"{{ list }}\"\n"
              "variables:\n"
              "  properties:\n"
              "    name: {}\n"
              "    p: {default: 1}\n"
              "    c: {default: 2}\n"
              "    r: {}\n"
              "    list: {default: [{name: prefect-job}]}\n");
    assert_fault(10, false, "completions", "1");
    assert_int_equal(count(), 1);
}

static void json_has_no_lines(void **state)
{
    (void)state;
    struct tree *template;
    struct err e;
    assert_int_equal(tree_parse_json(&arena, scratch, STR("{\"a\": 1}"), &template, &e), ERR_NONE);
    assert_int_equal(template_check(&arena, scratch, template, &faults, &e), ERR_NONE);
    assert_fault(0, false, "job_configuration", "missing");
}

static void too_many_faults_are_refused(void **state)
{
    (void)state;
    struct buf text = buf_new(&arena, MIB);
    struct tree *template;
    struct err e;
    buf_cstr(&text, "{\"job_configuration\": {\"job_manifest\": {\"x\": [");
    for (int i = 0; i <= TEMPLATE_FAULTS_MAX; i++)
        buf_printf(&text, "%s\"{{ v%d }}\"", i ? "," : "", i);
    buf_cstr(&text, "]}}, \"variables\": {}}");
    assert_int_equal(tree_parse_json(&arena, scratch, buf_str(&text), &template, &e), ERR_NONE);
    assert_int_equal(template_check(&arena, scratch, template, &faults, &e), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_default_template_has_no_fault, fresh),
        cmocka_unit_test_setup(all_faults_are_told_by_line, fresh),
        cmocka_unit_test_setup(parts_that_are_missing_altogether, fresh),
        cmocka_unit_test_setup(placeholders_that_are_none, fresh),
        cmocka_unit_test_setup(fields_of_other_types, fresh),
        cmocka_unit_test_setup(defaults_that_the_schema_does_not_allow, fresh),
        cmocka_unit_test_setup(names_and_other_containers, fresh),
        cmocka_unit_test_setup(what_a_default_gives_is_looked_at, fresh),
        cmocka_unit_test_setup(json_has_no_lines, fresh),
        cmocka_unit_test_setup(too_many_faults_are_refused, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
