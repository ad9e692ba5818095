/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_check.h"

#include <string.h>

#include "support.h"

static const char *const bad[] = {
    "nul",
    "truex",
    "NaN",
    "-Infinity",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{\"a\":1]",
    "{\"a\" 1}",
    "{a:1}",
    "{'a':1}",
    "{1:2}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "[",
    "]",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "\"abc",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\t\"",
    "\"\x1f\"",
    "01",
    "-01",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e1",
    "1e",
    "1e+",
    "0x10",
    "1_000",
    "1 2",
    "{} x",
    "[] []",
    "// c\n1",
    "\xEF\xBB\xBF{}",
    "\"\xFF\"",
    "\"\xC0\x80\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xE2\x82\"",
    "\"\xE2\x82",
    "\xC3\xA9",
    "'a'",
    "\v1",
};

static enum err_kind check(str text)
{
    size_t tokens = 0;
    error = (struct err){0};
    return json_check(text, &tokens, &error);
}

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (check(str_of(bad[i])) != ERR_INVALID)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(error.text, "byte"));
    }
    assert_int_equal(check(STR("[1]\0")), ERR_INVALID);
    assert_int_equal(check(STR("\"a\0b\"")), ERR_INVALID);
    assert_int_equal(check(STR("\"\\\0\"")), ERR_INVALID);
    assert_error(check(STR(" \n")), ERR_INVALID, "empty");
}

static void test_names_the_place(void **state)
{
    (void)state;
    assert_error(check(STR("{\n  \"a\": 1,\n}")), ERR_INVALID, "line 3, column 1 (byte 12)");
    assert_error(check(STR("{\"a\": NaN}")), ERR_INVALID, "column 7 (byte 6): NaN and Infinity");
}

/* A text that ends anywhere is never read beyond its end: the copy has just its size. */
static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\\u00e9\xE2\x82\xAC\":[true,false,null,-1.5e+3,\"\\n\"]}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char copy[sizeof text];
        char *end_aligned = copy + sizeof copy - n;
        memcpy(end_aligned, text, n);
        assert_int_equal(check((str){end_aligned, n}), ERR_INVALID);
    }
    assert_int_equal(check(str_of(text)), ERR_NONE);
}

static void test_counts_tokens(void **state)
{
    (void)state;
    size_t tokens;
    assert_int_equal(json_check(STR(" {\"a\":[1,{}],\"b\":\"c\"}"), &tokens, &error), ERR_NONE);
    assert_int_equal(tokens, 7);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_true(json_is_number(STR("-0.5e+10")));
    assert_false(json_is_number(STR("")) || json_is_number(STR("1 ")) || json_is_number(STR("01")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refuses),       TEST(test_names_the_place), TEST(test_every_prefix_is_refused),
        TEST(test_counts_tokens), TEST(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
