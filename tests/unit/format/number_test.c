/* SPDX-License-Identifier: Apache-2.0 */
#include "format/number.h"

#include "support.h"

static void test_repr(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *repr;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100.0"},
        {973760, "973760.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.5e16, "1.5e+16"},
        {9007199254740993, "9007199254740992.0"},
        {1e22, "1e+22"},
        {1e-4, "0.0001"},
        {1.25e-3, "0.00125"},
        {1e-5, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {1e100, "1e+100"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1 / 3.0, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {0x1p-44, "5.684341886080802e-14"},
        {123456789.125, "123456789.125"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[NUMBER_REPR_MAX];
        size_t n = number_repr(text, cases[i].value);
        assert_string_equal(text, cases[i].repr);
        assert_int_equal(n, str_of(text).n);
    }
}

static void check_digits(const char *digits, int base, const char *decimal)
{
    unsigned __int128 value;
    assert_true(number_from_digits(str_of(digits), base, &value));
    str text = number_decimal(&arena, value, false);
    assert_true(str_eq(text, str_of(decimal)));
}

static void test_digits(void **state)
{
    (void)state;
    check_digits("0", 10, "0");
    check_digits("fF", 16, "255");
    check_digits("017", 8, "15");
    check_digits("101", 2, "5");
    check_digits("190:20:30", 60, "685230");
    check_digits("7fffffffffffffffffffffffffffffff", 16, "170141183460469231731687303715884105727");
    unsigned __int128 value;
    assert_false(number_from_digits(STR("80000000000000000000000000000000"), 16, &value));
    assert_false(number_from_digits(STR(""), 2, &value));
    assert_false(number_from_digits(STR("1::2"), 60, &value));
    assert_str(number_decimal(&arena, 7, true), "-7");
    assert_str(number_decimal(&arena, 0, true), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_repr),
        TEST(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
