/* SPDX-License-Identifier: Apache-2.0 */

/* Thousands of texts that Python's own readers have read: tests/golden/format/generate.py writes
 * what they made of them. Run from the root of the repository. */

#include "base/file.h"
#include "format/dotenv.h"
#include "format/json_write.h"
#include "format/toml.h"
#include "format/yaml.h"
#include "support.h"

static struct arena cases_arena, scratch;

typedef enum err_kind read_fn(str text, struct tree **tree);

static enum err_kind read_json(str text, struct tree **tree)
{
    return tree_parse_json(&arena, scratch, text, tree, &error);
}

static enum err_kind read_yaml(str text, struct tree **tree)
{
    return yaml_parse(&arena, text, tree, &error);
}

static enum err_kind read_toml(str text, struct tree **tree)
{
    return toml_parse(&arena, text, tree, &error);
}

/* The environment that the generator sets. */
static str environ_value(void *ctx, str name)
{
    (void)ctx;
    if (str_eq(name, STR("OUTER")))
        return STR("from outside");
    if (str_eq(name, STR("SHADOWED")))
        return STR("outside");
    return str_eq(name, STR("EMPTY")) ? STR("") : (str){0};
}

static enum err_kind read_dotenv(str text, struct tree **tree)
{
    return dotenv_parse(&arena, text, environ_value, NULL, tree, &error);
}

/* What is written as YAML must read back as the same value. */
static bool survives_yaml(const struct tree *v)
{
    struct buf out = buf_new(&arena, 1 * MIB);
    struct tree *back;
    tree_write_yaml(&out, v);
    if (out.full || yaml_parse(&arena, buf_str(&out), &back, &error) || !tree_eq(v, back)) {
        print_error("as YAML: " STR_FMT "\n%s\n", STR_ARG(buf_str(&out)), error.text);
        return false;
    }
    return true;
}

static bool passes(read_fn *read, const struct tree *one)
{
    str text = tree_text(tree_get(one, STR("text"))),
        dumps = tree_text(tree_get(one, STR("dumps")));
    struct tree *v = NULL;
    enum err_kind kind = read(text, &v);
    if (tree_get(one, STR("refused"))) {
        if (kind != ERR_INVALID)
            print_error("not refused (%d): <<<" STR_FMT ">>>\n", kind, STR_ARG(text));
        return kind == ERR_INVALID;
    }
    if (kind) {
        print_error("refused: <<<" STR_FMT ">>>\n%s\n", STR_ARG(text), error.text);
        return false;
    }
    struct buf out = buf_new(&arena, 64 * KIB);
    struct json_writer w = json_writer_python(&out);
    tree_write_json(&w, v);
    if (!str_eq(buf_str(&out), dumps)) {
        print_error("<<<" STR_FMT ">>>\n  got  " STR_FMT "\n  want " STR_FMT "\n", STR_ARG(text),
                    STR_ARG(buf_str(&out)), STR_ARG(dumps));
        return false;
    }
    return survives_yaml(v);
}

static void run(const char *path, read_fn *read)
{
    struct tree *cases;
    str text;
    if (!scratch.base) {
        arena_reserve(&scratch, "scratch", 64 * MIB);
        arena_reserve(&cases_arena, "cases", 64 * MIB);
    }
    arena_reset(&cases_arena);
    if (file_read(&cases_arena, path, JSON_TEXT_MAX, &text, &error) ||
        tree_parse_json(&cases_arena, scratch, text, &cases, &error))
        fail_msg("%s: %s", path, error.text);
    int failed = 0, number = 0;
    for (const struct tree *one = cases->first; one; one = one->next) {
        arena_reset(&arena);
        number++;
        failed += !passes(read, one);
    }
    assert_true(number > 400);
    if (failed)
        fail_msg("%s: %d of %d cases differ", path, failed, number);
}

static void test_json(void **state)
{
    (void)state;
    run("tests/golden/format/json.json", read_json);
}

static void test_yaml(void **state)
{
    (void)state;
    run("tests/golden/format/yaml.json", read_yaml);
}

static void test_toml(void **state)
{
    (void)state;
    run("tests/golden/format/toml.json", read_toml);
}

static void test_dotenv(void **state)
{
    (void)state;
    run("tests/golden/format/dotenv.json", read_dotenv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_json),
        TEST(test_yaml),
        TEST(test_toml),
        TEST(test_dotenv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
