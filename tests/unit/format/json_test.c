/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <string.h>

#include "support.h"

static struct json parsed(const char *text)
{
    struct json root = {0};
    if (json_parse(&arena, str_of(text), &root, &error))
        fail_msg("%s: %s", text, error.text);
    return root;
}

static void refused(const char *text, enum err_kind expected, const char *part)
{
    struct json root;
    assert_error(json_parse(&arena, str_of(text), &root, &error), expected, part);
}

static void test_types(void **state)
{
    (void)state;
    struct json v =
        parsed(" {\"n\":null,\"t\":true,\"f\":false,\"i\":-12,\"s\":\"\",\"a\":[],\"o\":{}} ");
    assert_int_equal(json_type(v), JSON_OBJECT);
    assert_int_equal(json_count(v), 7);
    assert_int_equal(json_type(json_get(v, STR("n"))), JSON_NULL);
    assert_int_equal(json_type(json_get(v, STR("t"))), JSON_BOOL);
    assert_int_equal(json_type(json_get(v, STR("f"))), JSON_BOOL);
    assert_int_equal(json_type(json_get(v, STR("i"))), JSON_NUMBER);
    assert_int_equal(json_type(json_get(v, STR("s"))), JSON_STRING);
    assert_int_equal(json_type(json_get(v, STR("a"))), JSON_ARRAY);
    assert_int_equal(json_type(json_get(v, STR("o"))), JSON_OBJECT);
    assert_int_equal(json_type(json_get(v, STR("missing"))), JSON_ABSENT);
    assert_int_equal(json_type(json_get(json_get(v, STR("t")), STR("t"))), JSON_ABSENT);
    assert_int_equal(json_type((struct json){0}), JSON_ABSENT);
    assert_true(json_is_null(json_get(v, STR("n"))));
    assert_true(json_is_null(json_get(v, STR("missing"))));
    assert_false(json_is_null(json_get(v, STR("f"))));
    bool flag = false;
    assert_true(json_bool(json_get(v, STR("t")), &flag) && flag);
    assert_true(json_bool(json_get(v, STR("f")), &flag) && !flag);
    assert_false(json_bool(json_get(v, STR("i")), &flag));
}

static void test_scalar_documents(void **state)
{
    (void)state;
    int64_t i;
    assert_true(json_i64(parsed("7"), &i) && i == 7);
    assert_true(json_is(parsed("null"), JSON_NULL));
    assert_str(json_str(&arena, parsed("\"x\"")), "x");
    double f;
    assert_true(json_f64(parsed("-2.5e-1"), &f) && f == -0.25);
}

static void test_last_duplicate_counts(void **state)
{
    (void)state;
    struct json v = parsed("{\"a\":1,\"b\":2,\"\\u0061\":3}");
    assert_int_equal(json_i64_or(json_get(v, STR("a")), -1), 3);
    assert_int_equal(json_count(v), 3);
}

static void test_keys_compare_decoded(void **state)
{
    (void)state;
    struct json v = parsed("{\"a\\/b\":1,\"q\\\"\":2,\"\\ud83d\\ude00\":3,\"\\\\u0041\":4,\"\":5}");
    assert_int_equal(json_i64_or(json_get(v, STR("a/b")), -1), 1);
    assert_int_equal(json_i64_or(json_get(v, STR("q\"")), -1), 2);
    assert_int_equal(json_i64_or(json_get(v, STR("\xF0\x9F\x98\x80")), -1), 3);
    assert_int_equal(json_i64_or(json_get(v, STR("\\u0041")), -1), 4);
    assert_int_equal(json_i64_or(json_get(v, STR("A")), -1), -1);
    assert_int_equal(json_i64_or(json_get(v, STR("")), -1), 5);
    assert_int_equal(json_i64_or(json_get(v, STR("a\\/b")), -1), -1);
}

static void test_walks(void **state)
{
    (void)state;
    struct json v =
        parsed("{\"x\":[1,[2,{\"deep\":[3]}],\"s\"],\"y\":{\"z\":{\"w\":4}},\"last\":5}");
    assert_int_equal(json_i64_or(json_path(v, "y.z.w"), -1), 4);
    assert_int_equal(json_i64_or(json_path(v, "last"), -1), 5);
    assert_true(json_is(json_path(v, "y.none.w"), JSON_ABSENT));
    struct json x = json_get(v, STR("x"));
    assert_int_equal(json_count(x), 3);
    assert_str(json_str(&arena, json_at(x, 2)), "s");
    assert_true(json_is(json_at(x, 3), JSON_ABSENT));
    assert_str(json_raw(json_at(x, 1)), "[2,{\"deep\":[3]}]");
    assert_str(json_raw(json_at(x, 2)), "\"s\"");
    struct json_iter it = json_each(v);
    assert_true(json_next(&it));
    assert_true(json_str_is(it.key, STR("x")));
    assert_true(json_next(&it));
    assert_true(json_str_is(it.key, STR("y")));
    assert_true(json_next(&it));
    assert_str(json_raw(it.value), "5");
    assert_false(json_next(&it));
    it = json_each(x);
    int elements = 0;
    while (json_next(&it)) {
        assert_true(json_is(it.key, JSON_ABSENT));
        elements++;
    }
    assert_int_equal(elements, 3);
    it = json_each((struct json){0});
    assert_false(json_next(&it));
}

static void test_strings(void **state)
{
    (void)state;
    assert_str(json_str(&arena, parsed("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")), "\"\\/\b\f\n\r\t");
    assert_str(json_str(&arena, parsed("\"\\u0000\\u00e9\\u20ac\\uD83D\\uDE00!\"")),
               "\0\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80!");
    assert_str(json_str(&arena, parsed("\"\\ud800\\u0041\\udc00\\ud800\"")),
               "\xEF\xBF\xBD"
               "A\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_non_null(json_str(&arena, parsed("\"\"")).p);
    assert_null(json_str(&arena, parsed("1")).p);
    char memory[2];
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    assert_null(json_str(&tiny, parsed("\"\\n\\n\\n\"")).p);
    assert_str(json_str(&tiny, parsed("\"no copy is made\"")), "no copy is made");
    assert_int_equal(tiny.used, 0);
}

static void test_decoding_takes_no_more_than_its_bytes(void **state)
{
    (void)state;
    struct json v = parsed("\"\\u0041\\u0042\"");
    size_t before = arena.used;
    assert_str(json_str(&arena, v), "AB");
    assert_int_equal(arena.used - before, 2);
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t i = 5;
    double f = 5;
    assert_true(json_i64(parsed("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(json_i64(parsed("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(json_i64(parsed("-0"), &i) && i == 0);
    i = 5;
    assert_false(json_i64(parsed("9223372036854775808"), &i));
    assert_false(json_i64(parsed("1.0"), &i));
    assert_false(json_i64(parsed("1e2"), &i));
    assert_int_equal(i, 5);
    assert_true(json_f64(parsed("[1e2]"), &f) == false);
    assert_true(json_f64(json_at(parsed("[1e2,0]"), 0), &f) && f == 100);
    assert_true(json_f64(json_at(parsed("[0.1]"), 0), &f) && f == 0.1);
    f = 5;
    assert_false(json_f64(parsed("1e999"), &f));
    assert_true(f == 5);
    assert_int_equal(json_i64_or(parsed("\"1\""), 9), 9);
}

static void test_depth_is_capped(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 4] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    struct json v = parsed(text);
    int depth = 0;
    for (; json_is(v, JSON_ARRAY); depth++)
        v = json_at(v, 0);
    assert_int_equal(depth, JSON_DEPTH_MAX);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    refused(text, ERR_LIMIT, "nested more than 64 deep");
}

static void test_size_and_memory_are_capped(void **state)
{
    (void)state;
    char *text = arena_must(&arena, JSON_TEXT_MAX + 1);
    memset(text, ' ', JSON_TEXT_MAX + 1);
    text[0] = '1';
    struct json root;
    assert_error(json_parse(&arena, (str){text, JSON_TEXT_MAX + 1}, &root, &error), ERR_LIMIT,
                 "larger than the limit");
    assert_int_equal(json_parse(&arena, (str){text, JSON_TEXT_MAX}, &root, &error), ERR_NONE);
    char memory[64];
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    assert_error(json_parse(&tiny, STR("[1,2,3,4]"), &root, &error), ERR_LIMIT, "memory");
}

/* Would be quadratic if closing a bracket searched backwards. */
static void test_long_arrays_are_linear(void **state)
{
    (void)state;
    enum { COUNT = 300000 };
    struct buf text = buf_new(&arena, COUNT * 5 + 2);
    buf_byte(&text, '[');
    for (int i = 0; i < COUNT; i++)
        buf_cstr(&text, i ? ",[7]" : "[7]");
    buf_byte(&text, ']');
    struct json root;
    assert_int_equal(json_parse(&arena, buf_str(&text), &root, &error), ERR_NONE);
    assert_int_equal(json_count(root), COUNT);
    assert_int_equal(json_i64_or(json_at(json_at(root, COUNT - 1), 0), 0), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_types),
        TEST(test_scalar_documents),
        TEST(test_last_duplicate_counts),
        TEST(test_keys_compare_decoded),
        TEST(test_walks),
        TEST(test_strings),
        TEST(test_decoding_takes_no_more_than_its_bytes),
        TEST(test_numbers),
        TEST(test_depth_is_capped),
        TEST(test_size_and_memory_are_capped),
        TEST(test_long_arrays_are_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
