/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree.h"
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

static void test_numbers_as_python(void **state)
{
    (void)state;
    assert_str(written(parsed("[1,-0,1.0,1e2,-0.0,12345678901234567890123,1.10,5e-324,1e16]")),
               "[1,0,1.0,100.0,-0.0,12345678901234567890123,1.1,5e-324,1e+16]");
    struct tree *v;
    assert_error(tree_parse_json(&arena, scratch, STR("[1e400]"), &v, &error), ERR_INVALID,
                 "1e400 is out of range");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers_as_python),
        TEST(test_duplicates),
        TEST(test_pretty),
        TEST(test_too_deep_shows_as_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
