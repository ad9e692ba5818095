/* SPDX-License-Identifier: Apache-2.0 */
#include "net/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DRAWS 20000

struct seen {
    int64_t low, high;
    double mean;
};

static struct seen draw_all(int64_t (*draw)(int64_t, double), int64_t ms, double factor)
{
    struct seen s = {.low = INT64_MAX, .high = INT64_MIN};
    for (int i = 0; i < DRAWS; i++) {
        int64_t got = draw(ms, factor);
        s.low = got < s.low ? got : s.low;
        s.high = got > s.high ? got : s.high;
        s.mean += (double)got / DRAWS;
    }
    return s;
}

static void jitter_stays_in_its_window_and_keeps_its_mean(void **state)
{
    (void)state;
    /* Bounds of the formula, worked out with another tool. */
    static const struct {
        double factor;
        int64_t low, high;
    } cases[] = {{0.2, 82438, 120000}, {0.3, 75177, 130000}, {1, 41504, 200000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seen s = draw_all(backoff_jitter_ms, 100000, cases[i].factor);
        assert_in_range(s.low, cases[i].low - 1, cases[i].low + 500);
        assert_in_range(s.high, cases[i].high - 500, cases[i].high);
        assert_true(s.mean > 98000 && s.mean < 102000);
    }
}

static void jitter_at_its_edges(void **state)
{
    (void)state;
    assert_int_equal(backoff_jitter_ms(1500, 0), 1500);
    assert_int_equal(backoff_jitter_ms(1500, -1), 1500);
    assert_int_equal(backoff_jitter_ms(0, 0.2), 0);
    assert_int_equal(backoff_jitter_ms(-5, 0.2), 0);
    for (int i = 0; i < 1000; i++) {
        int64_t ms = backoff_jitter_ms(1000, 1e300);
        assert_true(ms >= 0 && ms < 100000);
        assert_true(backoff_jitter_ms(INT64_MAX, 0.2) > 0);
    }
}

static void at_least_never_goes_below_its_floor(void **state)
{
    (void)state;
    struct seen s = draw_all(backoff_at_least_ms, 10000, 0.2);
    assert_in_range(s.low, 10000, 10100);
    assert_in_range(s.high, 11900, 12000);
    assert_int_equal(backoff_at_least_ms(10000, 0), 10000);
    assert_int_equal(backoff_at_least_ms(0, 0.2), 0);
}

static void exponential_doubles_up_to_its_cap(void **state)
{
    (void)state;
    static const int64_t want[] = {1000, 2000, 4000, 8000, 10000, 10000};
    for (int attempt = 0; attempt < (int)ARRAY_LEN(want); attempt++)
        for (int i = 0; i < 200; i++) {
            int64_t got = backoff_exponential_ms(1000, attempt, 10000);
            assert_true(got >= want[attempt] * 75 / 100 && got <= want[attempt] * 130 / 100);
        }
    assert_true(backoff_exponential_ms(1000, 1000, INT64_MAX) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jitter_stays_in_its_window_and_keeps_its_mean),
        cmocka_unit_test(jitter_at_its_edges),
        cmocka_unit_test(at_least_never_goes_below_its_floor),
        cmocka_unit_test(exponential_doubles_up_to_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
