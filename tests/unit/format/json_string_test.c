/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_string.h"

#include "support.h"

static void check(str raw, str decoded)
{
    str s = json_string_decode(&arena, raw);
    assert_true(s.p && str_eq(s, decoded));
    assert_true(json_string_is(raw, decoded));
    assert_false(json_string_is(raw, str_copy(&arena, (str){decoded.p, decoded.n - 1})));
}

static void test_escapes(void **state)
{
    (void)state;
    check(STR("plain"), STR("plain"));
    check(STR("a\\\"b\\\\\\/\\b\\f\\n\\r\\t"), STR("a\"b\\/\b\f\n\r\t"));
    check(STR("\\u0000\\u00e9\\u20AC"), STR("\0\xC3\xA9\xE2\x82\xAC"));
    check(STR("\\ud83d\\ude00."), STR("\xF0\x9F\x98\x80."));
    check(STR("\\\\u0041"), STR("\\u0041"));
}

static void test_lone_surrogates(void **state)
{
    (void)state;
    check(STR("\\ud83d"), STR("\xEF\xBF\xBD"));
    check(STR("\\ude00\\ud83dx"), STR("\xEF\xBF\xBD\xEF\xBF\xBDx"));
    check(STR("\\ud83d\\u0041"), STR("\xEF\xBF\xBD"
                                     "A"));
    check(STR("\\ud83d\\ud83d\\ude00"), STR("\xEF\xBF\xBD\xF0\x9F\x98\x80"));
}

static void test_comparison(void **state)
{
    (void)state;
    assert_true(json_string_is(STR(""), STR("")));
    assert_false(json_string_is(STR("a"), STR("ab")));
    assert_false(json_string_is(STR("\\u0061"), STR("\\u0061")));
    assert_false(json_string_is(STR("\\u0061b"), STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_escapes),
        TEST(test_lone_surrogates),
        TEST(test_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
