/* SPDX-License-Identifier: Apache-2.0 */
#include "format/duration.h"

#include "support.h"

static void both_spellings_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"PT1S", 1000000},
        {"PT0.000001S", 1},
        {"P1DT1H1M1S", 90061000000},
        {"-PT5S", -5000000},
        {"+P1D", 86400000000},
        {"P1W", 604800000000},
        {"P1Y", 31536000000000},
        {"P1M", 2592000000000},
        {"PT1.5H", 5400000000},
        {"01:02:03.5", 3723500000},
        {"25:00:00", 90000000000},
        {"3d", 259200000000},
        {"1 day", 86400000000},
        {"1 days, 01:00:00", 90000000000},
        {"-01:00:00", -3600000000},
        {"00:00:00.0000009", 0},
        {"PT0S", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t us = 7;
        if (!duration_parse(str_of(good[i].text), &us) || us != good[i].us)
            fail_msg("%s: %lld", good[i].text, (long long)us);
    }
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "P",
                                      "PT",
                                      "5",
                                      "1:00",
                                      "01:60",
                                      "PT1",
                                      "P1H",
                                      "PT1S.5",
                                      "PT1.5H1M",
                                      "60s",
                                      "abc",
                                      "1 dayz",
                                      "3d1:00:00",
                                      "PTT1S",
                                      "01:00:00Z",
                                      "P999999999999999999D",
                                      "P999999999999D"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t us = 7;
        if (duration_parse(str_of(bad[i]), &us) || us != 7)
            fail_msg("%s was accepted as %lld", bad[i], (long long)us);
    }
}

static void the_normal_form_reads_back(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "PT0S"},
        {1, "PT0.000001S"},
        {-1500000, "-PT1.5S"},
        {86400000000, "P1D"},
        {90061000000, "P1DT1H1M1S"},
        {3600000000, "PT1H"},
        {5400000000, "PT1H30M"},
        {31536000000000 + 86400000000, "P1Y1D"},
        {INT64_MAX, "P292471Y76DT4H54.775807S"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        struct buf out = buf_over(text, sizeof text);
        duration_format(&out, cases[i].us);
        if (!str_eq(buf_str(&out), str_of(cases[i].text)))
            fail_msg(STR_FMT ", not %s", STR_ARG(buf_str(&out)), cases[i].text);
        int64_t us;
        assert_true(duration_parse(buf_str(&out), &us));
        if (cases[i].us != INT64_MAX) /* whose fraction is rounded as a double */
            assert_true(us == cases[i].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(both_spellings_are_read, fresh),
        cmocka_unit_test_setup(anything_else_is_refused, fresh),
        cmocka_unit_test_setup(the_normal_form_reads_back, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
