/* SPDX-License-Identifier: Apache-2.0 */
#include "format/unicode.h"

#include "support.h"

/* How many characters have a property, and a checksum over them: sum = (sum * 31 + c) % (2^31 - 1),
 * computed by Python 3.11 as well. One wrong character shows. */
struct total {
    uint64_t sum, count;
};

static struct total total(bool (*has)(uint32_t))
{
    struct total t = {0, 0};
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (has(c)) {
            t.sum = (t.sum * 31 + c) % 2147483647u;
            t.count++;
        }
    }
    return t;
}

static bool is_digit(uint32_t c)
{
    return unicode_digit(c) >= 0;
}

static void classes_are_pythons(void **state)
{
    (void)state;
    static const struct {
        bool (*has)(uint32_t);
        uint64_t sum, count;
    } want[] = {
        {unicode_is_word, 957275553u, 133548u},
        {unicode_is_space, 1070448153u, 29u},
        {unicode_is_printable, 2055793693u, 144516u},
        {is_digit, 49045941u, 660u},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct total t = total(want[i].has);
        assert_int_equal(t.count, want[i].count);
        assert_int_equal(t.sum, want[i].sum);
    }
}

static void digits_have_values(void **state)
{
    (void)state;
    assert_int_equal(unicode_digit('7'), 7);
    assert_int_equal(unicode_digit(0x0664), 4);
    assert_int_equal(unicode_digit(0x1D7FF), 9);
    assert_int_equal(unicode_digit(0xB2), -1);
    assert_int_equal(unicode_digit('a'), -1);
    assert_int_equal(unicode_digit(UINT32_MAX), -1);
}

static void beyond_unicode_there_is_nothing(void **state)
{
    (void)state;
    assert_false(unicode_is_word(UINT32_MAX));
    assert_false(unicode_is_printable(UINT32_MAX));
    assert_false(unicode_is_space(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_are_pythons),
        TEST(digits_have_values),
        TEST(beyond_unicode_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
