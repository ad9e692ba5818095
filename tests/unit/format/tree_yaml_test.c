/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/tree.h"
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

static str yaml_of(const struct tree *v)
{
    struct buf out = buf_new(&arena, 8000);
    tree_write_yaml(&out, v);
    assert_false(out.full);
    return buf_str(&out);
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
    "0E_-05",
    "586e_7",
    "+_225",
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
    "-d2",
    "-e1",
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

static void check_string(const char *text, bool quotes)
{
    str s = yaml_of(tree_str(&arena, str_of(text)));
    struct tree *back;
    if ((s.p[0] == '"') != quotes)
        fail_msg("%s is written as " STR_FMT, text, STR_ARG(s));
    assert_true(quotes || str_eq(str_sub(s, 0, s.n - 1), str_of(text)));
    assert_int_equal(yaml_parse(&arena, s, &back, &error), ERR_NONE);
    assert_true(tree_is(back, TREE_STRING) && str_eq(tree_text(back), str_of(text)));
}

static void test_yaml_quotes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quoted); i++)
        check_string(quoted[i], true);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        check_string(plain[i], false);
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
        TEST(test_yaml_shape),
        TEST(test_yaml_quotes),
        TEST(test_yaml_long_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
