/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/arena.h"
#include "rig.h"

static struct arena arena;

static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 1 << 20);
    arena_reset(&arena);
    return 0;
}

static const str none;

static void test_of(void **state)
{
    (void)state;
    assert_str(str_of("abc"), "abc");
    assert_int_equal(str_of(NULL).n, 0);
    assert_int_equal(STR("a\0b").n, 3);
    static const str initialised = STR_INIT("xyz");
    assert_str(initialised, "xyz");
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));               /* not letters, 32 apart */
    assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4"))); /* ASCII only */
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_cmp(none, STR("")), 0);
    assert_true(str_cmp(STR("\x7F"), STR("\x80")) < 0); /* bytes, not chars */
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), none));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR("abc"), STR("abc")));
    assert_true(str_ends(none, none));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_false(str_ends(STR("abc"), STR("b")));
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("abcabc"), STR("ca")), 2);
    assert_int_equal(str_find(STR("abc"), STR("")), 0);
    assert_int_equal(str_find(none, STR("")), 0);
    assert_int_equal(str_find(none, STR("a")), -1);
    assert_int_equal(str_find(STR("ab"), STR("abc")), -1);
    assert_int_equal(str_find(STR("a\0bc"), STR("bc")), 2);
    assert_true(str_has(STR("abc"), STR("c")));
    assert_false(str_has(STR("abc"), STR("d")));
    assert_int_equal(str_find_char(STR("a.b.c"), '.'), 1);
    assert_int_equal(str_rfind_char(STR("a.b.c"), '.'), 3);
    assert_int_equal(str_find_char(STR("abc"), '\0'), -1);
    assert_int_equal(str_find_char(none, 'a'), -1);
    assert_int_equal(str_rfind_char(none, 'a'), -1);
}

static void test_parts(void **state)
{
    (void)state;
    assert_str(str_sub(STR("abcdef"), 1, 3), "bc");
    assert_str(str_sub(STR("abc"), 1, 99), "bc");
    assert_int_equal(str_sub(STR("abc"), 3, 3).n, 0);
    assert_int_equal(str_sub(STR("abc"), 2, 1).n, 0);
    assert_int_equal(str_sub(STR("abc"), 9, SIZE_MAX).n, 0);
    assert_str(str_skip(STR("abc"), 2), "c");
    assert_int_equal(str_skip(STR("abc"), 4).n, 0);
    assert_int_equal(str_skip(none, 0).n, 0);
}

static void test_trim(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n\v\f a b \n")), "a b");
    assert_str(str_trim(STR(" \n ")), "");
    assert_str(str_trim(none), "");
    assert_str(str_trim(STR("\xC2\xA0")), "\xC2\xA0"); /* a no-break space is no ASCII */
    assert_str(str_trim_chars(STR("--a-b-"), STR("-")), "a-b");
    assert_str(str_trim_chars(STR("abc"), none), "abc");
}

static void test_cut(void **state)
{
    (void)state;
    str head, tail;
    assert_true(str_cut(STR("key=a=b"), '=', &head, &tail));
    assert_str(head, "key");
    assert_str(tail, "a=b");
    assert_true(str_cut(STR("="), '=', &head, &tail));
    assert_int_equal(head.n, 0);
    assert_int_equal(tail.n, 0);
    assert_false(str_cut(STR("key"), '=', &head, &tail));
    assert_str(head, "key");
    assert_int_equal(tail.n, 0);
    str line = STR("a,b,c");
    assert_true(str_cut(line, ',', &head, &line)); /* the tail may be the text itself */
    assert_str(head, "a");
    assert_str(line, "b,c");
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"-42", -42},
        {"9223372036854775807", INT64_MAX},
        {"-1", -1},
        {"00000000000000000000000001", 1},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "+-1",
                                      "--1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "1_0",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "\xD9\xA1"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t value = 99;
        assert_true(str_to_i64(str_of(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t value = 99;
        if (str_to_i64(str_of(bad[i]), &value))
            fail_msg("\"%s\" was read as %lld", bad[i], (long long)value);
        assert_int_equal(value, 99);
    }
}

static void test_copies(void **state)
{
    (void)state;
    str copy = str_copy(&arena, STR("abc"));
    assert_string_equal(copy.p, "abc");
    str empty = str_copy(&arena, none);
    assert_non_null(empty.p);
    assert_string_equal(empty.p, "");
    char small[4];
    struct arena little = arena_over("little", small, sizeof small);
    assert_non_null(str_copy(&little, STR("abc")).p);
    assert_null(str_copy(&little, none).p);
}

static void test_replace(void **state)
{
    (void)state;
    str s = str_replace(&arena, STR("a-b--c"), STR("-"), STR("::"));
    assert_string_equal(s.p, "a::b::::c");
    assert_int_equal(s.n, 9);
    assert_str(str_replace(&arena, STR("aaaa"), STR("aa"), STR("a")), "aa");
    assert_str(str_replace(&arena, STR("abc"), STR("x"), STR("y")), "abc");
    assert_str(str_replace(&arena, STR("xx"), STR("x"), none), "");
    assert_str(str_replace(&arena, none, STR("x"), STR("y")), "");
    char small[4];
    struct arena little = arena_over("little", small, sizeof small);
    assert_null(str_replace(&little, STR("x"), STR("x"), STR("long one")).p);
}

static void test_printf(void **state)
{
    (void)state;
    str s = str_printf(&arena, "%s-%d-" STR_FMT, "a", 7, STR_ARG(STR("view")));
    assert_string_equal(s.p, "a-7-view");
    assert_int_equal(s.n, 8);
    assert_string_equal(str_printf(&arena, STR_FMT, STR_ARG(none)).p, "");
    char small[4];
    struct arena little = arena_over("little", small, sizeof small);
    assert_null(str_printf(&little, "%s", "abcd").p);
    assert_string_equal(str_printf(&little, "%s", "abc").p, "abc");
}

static void test_to_cstr(void **state)
{
    (void)state;
    char text[4];
    assert_true(str_to_cstr(STR("abc"), text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(str_to_cstr(STR("abcd"), text, sizeof text));
    assert_string_equal(text, "abc");
    assert_true(str_to_cstr(none, text, sizeof text));
    assert_string_equal(text, "");
}

static void test_whole(void **state)
{
    (void)state;
    assert_str(str_whole(STR("abc")), "abc");
    assert_str(str_whole(none), "");
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        str c = str_of(characters[i]);
        char text[8] = "ab";
        memcpy(text + 2, c.p, c.n);
        assert_int_equal(str_whole((str){text, 2 + c.n}).n, 2 + c.n);
        for (size_t cut = 1; cut < c.n; cut++)
            assert_int_equal(str_whole((str){text, 2 + cut}).n, 2);
    }
    /* what is not UTF-8 stays as it is */
    assert_int_equal(str_whole(STR("\x80\x80")).n, 2);
    assert_int_equal(str_whole(STR("a\x80\x80\x80\x80\x80")).n, 6);
    assert_int_equal(str_whole(STR("a\x80")).n, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of),      TEST(test_compare), TEST(test_starts_and_ends),
        TEST(test_find),    TEST(test_parts),   TEST(test_trim),
        TEST(test_cut),     TEST(test_numbers), TEST(test_copies),
        TEST(test_replace), TEST(test_printf),  TEST(test_to_cstr),
        TEST(test_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
