/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "rig.h"

static void test_fill(void **state)
{
    (void)state;
    static uint8_t bytes[100000];
    bytes[0] = bytes[1] = 0x55;
    random_fill(bytes, 0);
    assert_int_equal(bytes[0], 0x55);
    random_fill(bytes + 1, sizeof bytes - 2); /* more than one call of the kernel may give */
    assert_int_equal(bytes[0], 0x55);
    assert_int_equal(bytes[sizeof bytes - 1], 0);
    size_t count[256] = {0};
    for (size_t i = 1; i < sizeof bytes - 1; i++)
        count[bytes[i]]++;
    for (size_t i = 0; i < 256; i++) /* 390 expected, deviation 20: ten of those either way */
        assert_true(count[i] > 190 && count[i] < 590);
}

static void test_unit(void **state)
{
    (void)state;
    double sum = 0, low = 1, high = 0;
    for (int i = 0; i < 10000; i++) {
        double x = random_unit();
        assert_true(x >= 0 && x < 1);
        sum += x;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    assert_true(sum > 4700 && sum < 5300); /* 5000 expected, deviation 29 */
    assert_true(low < 0.01 && high > 0.99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
