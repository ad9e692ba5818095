/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree_number.h"

#include "support.h"

static void check_written(const char *literal, const char *expected)
{
    char memory[100];
    struct buf out = buf_over(memory, sizeof memory);
    tree_number_write(&out, str_of(literal));
    assert_true(str_eq(buf_str(&out), str_of(expected)));
}

static void test_write(void **state)
{
    (void)state;
    check_written("-0", "0");
    check_written("-0.0", "-0.0");
    check_written("123456789012345678901234567890", "123456789012345678901234567890");
    check_written("1E2", "100.0");
    check_written("1.50", "1.5");
    check_written("1e999", "1e999"); /* no double: as it is */
}

static void test_equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1.0", true},
        {"10e-1", "1", true},
        {"0", "-0", true},
        {"0", "-0.0", true},
        {"0.1", "0.10", true},
        {"1e999", "1e999", true},
        {"1e999", "2e999", false},
        {"0.5", "0", false},
        {"1", "2", false},
        {"100000000000000000000", "1e20", true},
        {"100000000000000000001", "1e20", false},
        {"9007199254740993", "9007199254740992.0", false},
        {"9007199254740993", "9007199254740992", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        str a = str_of(cases[i].a), b = str_of(cases[i].b);
        assert_int_equal(tree_number_eq(a, b), cases[i].equal);
        assert_int_equal(tree_number_eq(b, a), cases[i].equal);
    }
}

static void test_doubles(void **state)
{
    (void)state;
    double value = 3;
    assert_false(tree_number_f64(STR("-1e400"), &value));
    assert_true(value == 3);
    assert_true(tree_number_f64(STR("12345678901234567890"), &value) &&
                value == 1.2345678901234567e19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write),
        TEST(test_equality),
        TEST(test_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
