/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree.h"

#include <string.h>

#include "format/yaml.h"
#include "support.h"

static struct arena scratch;

static struct tree *parsed(const char *text)
{
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    struct tree *v = NULL;
    if (tree_parse_json(&arena, scratch, str_of(text), &v, &error))
        fail_msg("%s: %s", text, error.text);
    return v;
}

static str written(const struct tree *v)
{
    struct buf out = buf_new(&arena, 8000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, v);
    assert_false(out.full);
    return buf_str(&out);
}

static str yaml_of(const struct tree *v)
{
    struct buf out = buf_new(&arena, 8000);
    tree_write_yaml(&out, v);
    assert_false(out.full);
    return buf_str(&out);
}

static void test_build(void **state)
{
    (void)state;
    struct tree *v = tree_object(&arena);
    char key[] = "list";
    struct tree *list = tree_set(&arena, v, str_of(key), tree_array(&arena));
    memset(key, 'x', 4); /* it was copied */
    tree_append(list, tree_i64(&arena, INT64_MIN));
    tree_append(list, tree_null(&arena));
    tree_append(list, tree_bool(&arena, true));
    tree_append(list, tree_number(&arena, STR("1.50")));
    tree_set(&arena, v, STR("s"), tree_str(&arena, STR("t")));
    assert_str(written(v), "{\"list\":[-9223372036854775808,null,true,1.5],\"s\":\"t\"}");
    int64_t i;
    assert_true(tree_i64_value(tree_at(tree_path(v, "list"), 0), &i) && i == INT64_MIN);
    assert_false(tree_i64_value(tree_at(list, 3), &i));
    assert_str(tree_text(tree_get(v, STR("s"))), "t");
    assert_null(tree_text(list).p);
    assert_null(tree_at(list, 4));
    assert_null(tree_get(list, STR("s")));
    assert_null(tree_path(v, "list.x"));
    assert_true(tree_is_null(tree_at(list, 1)) && tree_is_null(NULL));
    assert_int_equal(list->count, 4);
}

static void test_set_keeps_the_place(void **state)
{
    (void)state;
    struct tree *v = parsed("{\"a\":1,\"b\":2,\"c\":3}");
    tree_set(&arena, v, STR("a"), tree_i64(&arena, 10));
    tree_set(&arena, v, STR("c"), tree_i64(&arena, 30));
    tree_set(&arena, v, STR("d"), tree_i64(&arena, 40));
    assert_str(written(v), "{\"a\":10,\"b\":2,\"c\":30,\"d\":40}");
    assert_true(tree_remove(v, STR("a")));
    assert_false(tree_remove(v, STR("a")));
    tree_unlink(v, tree_get(v, STR("d")));
    tree_set(&arena, v, STR("e"), tree_null(&arena));
    assert_str(written(v), "{\"b\":2,\"c\":30,\"e\":null}");
    tree_replace(v, tree_get(v, STR("c")), tree_array(&arena));
    assert_str(written(v), "{\"b\":2,\"c\":[],\"e\":null}");
    assert_int_equal(v->count, 3);
    assert_ptr_equal(v->last, tree_get(v, STR("e")));
    tree_remove(v, STR("b")), tree_remove(v, STR("e")), tree_remove(v, STR("c"));
    assert_null(v->first);
    assert_null(v->last);
}

static void test_failure_is_passed_on(void **state)
{
    (void)state;
    char memory[160] __attribute__((aligned(16)));
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    struct tree *v = tree_object(&tiny);
    assert_non_null(v);
    struct tree *last = v;
    for (int i = 0; i < 4; i++)
        last = tree_set(&tiny, v, STR("k"), tree_i64(&tiny, i));
    assert_null(last);
    assert_null(tree_append(NULL, v));
    assert_null(tree_set(&tiny, NULL, STR("k"), v));
    assert_null(tree_clone(&tiny, NULL));
    struct tree *root;
    assert_error(tree_parse_json(&tiny, arena, STR("[1,2,3]"), &root, &error), ERR_LIMIT, "memory");
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_str(written(parsed("{\"a\":1,\"b\":2,\"\\u0061\":{\"x\":3},\"b\":4}")),
               "{\"a\":{\"x\":3},\"b\":4}");
    assert_int_equal(parsed("{\"a\":1,\"a\":2}")->count, 1);
    struct buf text = buf_new(&arena, 400000);
    buf_byte(&text, '{');
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 15000, i);
    buf_cstr(&text, "}");
    buf_byte(&text, '\0');
    struct tree *v = parsed(text.p);
    assert_int_equal(v->count, 15000);
    assert_str(tree_get(v, STR("k0"))->text, "15000");
    assert_str(tree_get(v, STR("k14999"))->text, "14999");
    assert_ptr_equal(v->first, tree_get(v, STR("k0")));
}

static void test_numbers_as_python(void **state)
{
    (void)state;
    assert_str(written(parsed("[1,-0,1.0,1e2,-0.0,12345678901234567890123,1.10,5e-324,1e16]")),
               "[1,0,1.0,100.0,-0.0,12345678901234567890123,1.1,5e-324,1e+16]");
    struct tree *v;
    assert_error(tree_parse_json(&arena, scratch, STR("[1e400]"), &v, &error), ERR_INVALID,
                 "1e400 is out of range");
}

static void test_clone_and_eq(void **state)
{
    (void)state;
    struct tree *v = parsed("{\"a\":[1,{\"b\":null}],\"c\":\"x\"}");
    struct tree *copy = tree_clone(&arena, v);
    assert_true(tree_eq(v, copy));
    tree_set_origin(copy, TREE_FROM_RUN);
    assert_int_equal(tree_path(copy, "a")->first->origin, TREE_FROM_RUN);
    assert_int_equal(tree_path(v, "a")->first->origin, TREE_FROM_NOWHERE);
    tree_append(tree_path(copy, "a"), tree_null(&arena));
    assert_false(tree_eq(v, copy));
    assert_true(tree_eq(NULL, NULL));
    assert_false(tree_eq(NULL, v));
    assert_true(tree_eq(parsed("{\"a\":1,\"b\":[2]}"), parsed("{\"b\":[2.0],\"a\":1e0}")));
    assert_false(tree_eq(parsed("[1,2]"), parsed("[2,1]")));
    assert_false(tree_eq(parsed("{\"a\":1}"), parsed("{\"a\":1,\"b\":1}")));
    assert_false(tree_eq(parsed("{\"a\":1,\"c\":1}"), parsed("{\"a\":1,\"b\":1}")));
    assert_false(tree_eq(parsed("1"), parsed("true")));
    assert_false(tree_eq(parsed("\"1\""), parsed("1")));
    assert_true(tree_eq(parsed("-0"), parsed("0")) && tree_eq(parsed("-0.0"), parsed("0")));
    assert_true(tree_eq(parsed("100000000000000000000"), parsed("1e20")));
    assert_false(tree_eq(parsed("100000000000000000001"), parsed("1e20")));
    assert_false(tree_eq(parsed("9007199254740993"), parsed("9007199254740992.0")));
    assert_false(tree_eq(parsed("9007199254740993"), parsed("9007199254740992")));
}

static void test_pretty(void **state)
{
    (void)state;
    struct buf out = buf_new(&arena, 1000);
    tree_write_json_pretty(&out, parsed("{\"a\":[1,{\"b\":{}}],\"c\":[],\"\xC3\xA9\":\"\\n\"}"), 2);
    assert_str(buf_str(&out), "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n"
                              "  \"c\": [],\n  \"\\u00e9\": \"\\n\"\n}");
    buf_clear(&out);
    tree_write_json_pretty(&out, parsed("3e0"), 4);
    assert_str(buf_str(&out), "3.0");
}

static void test_too_deep_shows_as_full(void **state)
{
    (void)state;
    struct tree *v = tree_array(&arena), *inner = v;
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        inner = tree_append(inner, tree_array(&arena));
    struct buf out = buf_new(&arena, 100000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, v);
    assert_true(out.full);
    out = buf_new(&arena, 100000);
    tree_append(inner, tree_null(&arena));
    tree_write_yaml(&out, v);
    assert_true(out.full);
    out = buf_new(&arena, 100000);
    tree_write_json_pretty(&out, v, 1);
    assert_true(out.full);
    assert_null(tree_clone(&arena, v));
    assert_non_null(tree_clone(&arena, v->first));
}

static void test_yaml_shape(void **state)
{
    (void)state;
    struct tree *v = parsed(
        "{\"apiVersion\":\"batch/v1\",\"spec\":{\"args\":[\"-c\",\"--\",\"echo: "
        "hi\",[1,[]],{\"a\":1,"
        "\"b\":[2]}],\"empty\":{},\"none\":null,\"n\":1e16},\"script\":\"set -e\\n  true\\n\","
        "\"keep\":\"x\\n\\n\",\"strip\":\"x\\ny\",\"y\":\"a\\tb\"}");
    assert_str(yaml_of(v), "apiVersion: batch/v1\n"
                           "spec:\n"
                           "  args:\n"
                           "  - -c\n"
                           "  - --\n"
                           "  - \"echo: hi\"\n"
                           "  - - 1\n"
                           "    - []\n"
                           "  - a: 1\n"
                           "    b:\n"
                           "    - 2\n"
                           "  empty: {}\n"
                           "  none: null\n"
                           "  \"n\": 1.0e+16\n"
                           "script: |\n"
                           "  set -e\n"
                           "    true\n"
                           "keep: |+\n"
                           "  x\n"
                           "\n"
                           "strip: |-\n"
                           "  x\n"
                           "  y\n"
                           "\"y\": \"a\\tb\"\n");
    assert_str(yaml_of(parsed("[]")), "[]\n");
    assert_str(yaml_of(parsed("\"two\\nlines\"")), "\"two\\nlines\"\n");
}

/* Each would be read as something else, or as nothing, without its quotes. */
static void test_yaml_quotes(void **state)
{
    (void)state;
    static const char *const quoted[] = {
        "",
        "~",
        "null",
        "Null",
        "yes",
        "No",
        "on",
        "OFF",
        "true",
        "y",
        "N",
        "1",
        "-1",
        "0x1F",
        "0b1",
        "017",
        "0o17",
        "08",
        "1_0",
        "1:30",
        "1.5",
        ".5",
        "-.5",
        "1e3",
        "1.5e+3",
        ".inf",
        "-.INF",
        ".nan",
        "=",
        "<<",
        "- a",
        "-",
        "? a",
        ": a",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        "\"a",
        "%a",
        "@a",
        "`a",
        "{a",
        "[a",
        ",a",
        " a",
        "a ",
        "---",
        "--- a",
        "...",
        "a\tb",
        "a\rb",
        "2024-01-02",
        "\x7F",
        "2024-1-2 03:04:05",
        "2024-01-01T00:00:00Z",
        "\xEF\xBB\xBF",
        "\xC2\x85",
        "\xE2\x80\xA8",
    };
    static const char *const plain[] = {
        "a",
        "a b",
        "a:b",
        "a#b",
        "-a",
        "--a",
        "http://x:80/y",
        "nope",
        "yess",
        "1.2.3",
        "10.0.0.1",
        "100m",
        "512Mi",
        "a,b",
        "a'b\"c",
        "$(X)",
        "caf\xC3\xA9",
        "\xF0\x9F\x98\x80",
        "80:80",
        "7e1c1b0e-5c7a-4d23-9b0c-0b1d4f2c3a11",
        "/bin/sh",
        "a?",
        "x=y",
        "null1",
        "12h30m",
    };
    for (size_t i = 0; i < ARRAY_LEN(quoted); i++) {
        str s = yaml_of(tree_str(&arena, str_of(quoted[i])));
        if (s.p[0] != '"')
            fail_msg("%s is not quoted", quoted[i]);
        struct tree *back;
        assert_int_equal(yaml_parse(&arena, s, &back, &error), ERR_NONE);
        assert_true(str_eq(tree_text(back), str_of(quoted[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        str s = yaml_of(tree_str(&arena, str_of(plain[i])));
        assert_true(str_eq(str_trim(s), str_of(plain[i])));
        struct tree *back;
        assert_int_equal(yaml_parse(&arena, s, &back, &error), ERR_NONE);
        assert_true(str_eq(tree_text(back), str_of(plain[i])));
    }
}

static void test_yaml_long_keys(void **state)
{
    (void)state;
    struct tree *v = tree_object(&arena);
    char key[1500];
    memset(key, '\x01', sizeof key);
    tree_set(&arena, v, (str){key, 300}, tree_i64(&arena, 1));
    memset(key, 'k', sizeof key);
    struct tree *list = tree_set(&arena, v, (str){key, 1500}, tree_array(&arena));
    tree_append(list, tree_i64(&arena, 2));
    struct tree *map = tree_set(&arena, v, (str){key, 1400}, tree_object(&arena));
    tree_set(&arena, map, STR("a"), tree_i64(&arena, 3));
    tree_set(&arena, v, (str){key, 1000}, tree_str(&arena, STR("x\ny")));
    struct tree *back;
    if (yaml_parse(&arena, yaml_of(v), &back, &error))
        fail_msg("%s", error.text);
    assert_true(tree_eq(v, back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_build),       TEST(test_set_keeps_the_place),    TEST(test_failure_is_passed_on),
        TEST(test_duplicates),  TEST(test_numbers_as_python),      TEST(test_clone_and_eq),
        TEST(test_pretty),      TEST(test_too_deep_shows_as_full), TEST(test_yaml_shape),
        TEST(test_yaml_quotes), TEST(test_yaml_long_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
