/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/quantity.h"

static void quantities_become_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"8Mi", 8u << 20},
        {"1.5Ki", 1536},
        {"500k", 500000},
        {"1M", 1000000},
        {"+2Gi", 2ull << 30},
        {"100m", 1},
        {"1000m", 1},
        {"1001m", 2},
        {"1n", 1},
        {"2e3", 2000},
        {"2E3", 2000},
        {"1.5e1", 15},
        {"1E", 1000000000000000000u},
        {"15Ei", 15ull << 60},
        {".5Ki", 512},
        {"5.", 5},
        {"0.1", 1},
        {"5e-1", 1},
        {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint64_t bytes = 99;
        if (!quantity_parse(str_of(good[i].text), &bytes) || bytes != good[i].bytes)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)bytes);
    }
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Mi",
                                      "8MB",
                                      "8 Mi",
                                      "-1",
                                      "1.2.3",
                                      "0x10",
                                      "1e",
                                      "1e99",
                                      "16Ei",
                                      "20E",
                                      "8mi",
                                      "K",
                                      ".",
                                      "1K",
                                      "1Mi ",
                                      "18446744073709551616",
                                      "1000000000000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t bytes = 99;
        if (quantity_parse(str_of(bad[i]), &bytes) || bytes != 99)
            fail_msg("%s was accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_become_bytes),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
