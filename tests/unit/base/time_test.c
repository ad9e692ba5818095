/* SPDX-License-Identifier: Apache-2.0 */
/* Beside Python's texts: tests/golden/time/generate.py. Run from the root of the repository. */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "rig.h"

#define TIMES "tests/golden/time/times.txt"
#define SECOND_US 1000000

/* -- formats, beside Python */

struct golden {
    int64_t at_us;
    char *iso, *python, *rfc850, *asctime, *offset;
};

static char *field(char **rest)
{
    char *text = strsep(rest, "\t\n");
    assert_non_null(text);
    return text;
}

static size_t each_golden(void (*check)(const struct golden *))
{
    FILE *file = fopen(TIMES, "r");
    char line[400];
    size_t count = 0;
    if (!file)
        fail_msg("cannot open %s", TIMES);
    for (; fgets(line, sizeof line, file); count++) {
        char *rest = line;
        struct golden g = {.at_us = strtoll(field(&rest), NULL, 10)};
        g.iso = field(&rest);
        g.python = field(&rest);
        g.rfc850 = field(&rest);
        g.asctime = field(&rest);
        g.offset = field(&rest);
        check(&g);
    }
    fclose(file);
    return count;
}

static void check_formats(const struct golden *g)
{
    char text[TIME_TEXT_MAX], want[TIME_TEXT_MAX];
    assert_str(time_format_iso(g->at_us, text), g->iso);
    assert_int_equal(strlen(text), strlen(g->iso)); /* terminated */
    assert_str(time_format_python(g->at_us, text), g->python);
    snprintf(want, sizeof want, "%.*sZ", (int)strlen(g->iso) - 6, g->iso);
    assert_str(time_format_rfc3339(g->at_us, text), want);
}

static void test_formats(void **state)
{
    (void)state;
    assert_true(each_golden(check_formats) > 400);
}

static void parses_to(const char *text, int64_t want)
{
    int64_t at_us = -1;
    if (!time_parse_rfc3339(str_of(text), &at_us))
        fail_msg("\"%s\" is refused", text);
    if (at_us != want)
        fail_msg("\"%s\" is %lld, not %lld", text, (long long)at_us, (long long)want);
}

static void check_parsed(const struct golden *g)
{
    char text[TIME_TEXT_MAX];
    parses_to(g->iso, g->at_us);
    parses_to(g->python, g->at_us);
    parses_to(g->offset, g->at_us);
    time_format_rfc3339(g->at_us, text);
    parses_to(text, g->at_us);
}

static void test_parses_what_it_and_python_write(void **state)
{
    (void)state;
    assert_true(each_golden(check_parsed) > 400);
}

/* -- RFC 3339, by hand */

static void test_rfc3339_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00", 0}, /* no offset: UTC */
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.123456789Z", 123456}, /* further digits are dropped */
        {"1970-01-01T00:00:00.1234567890123456789012345Z", 123456},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T01:00:00+0100", 0},
        {"1970-01-01T01:00:00+01", 0},
        {"1969-12-31T23:30:00-00:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2016-12-31T23:59:60Z", 1483228800LL * SECOND_US}, /* a leap second is the next one */
        {"2000-02-29T00:00:00Z", 951782400LL * SECOND_US},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        parses_to(good[i].text, good[i].us);
}

static void test_rfc3339_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1970-01-01",
        "1970-01-01T",
        "1970-01-01T00:00",
        "1970-01-01T00:00:0",
        "1970-1-01T00:00:00Z",
        "70-01-01T00:00:00Z",
        "1970/01/01T00:00:00Z",
        "1970-01-01X00:00:00Z",
        "1970-01-01T00.00.00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00+",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00+01:",
        "1970-01-01T00:00:00+01:0",
        "1970-01-01T00:00:00+01:000",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00 GMT",
        "-970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t at_us = 42;
        if (time_parse_rfc3339(str_of(bad[i]), &at_us))
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(at_us, 42);
    }
    int64_t at_us;
    assert_false(time_parse_rfc3339(STR("1970-01-01T00:00:00\0Z"), &at_us));
    assert_false(time_parse_rfc3339((str){0}, &at_us));
}

/* Each text that is cut off somewhere is either refused or a shorter valid one. */
static void test_rfc3339_cut_anywhere(void **state)
{
    (void)state;
    str whole = STR("2026-11-23T23:13:57.154912+05:30");
    for (size_t n = 0; n < whole.n; n++) {
        char *copy = malloc(n ? n : 1); /* so that the sanitizer sees a read beyond the end */
        memcpy(copy, whole.p, n);
        int64_t at_us;
        bool ends_well = n == 19 || (n >= 21 && n <= 26) || n == 29;
        assert_int_equal(time_parse_rfc3339((str){copy, n}, &at_us), ends_well);
        free(copy);
    }
}

/* -- dates of HTTP */

static void check_http(const struct golden *g)
{
    int64_t want = g->at_us - (g->at_us % SECOND_US + SECOND_US) % SECOND_US, at_us;
    char text[80];
    assert_true(time_parse_http(str_of(g->asctime), &at_us));
    assert_true(at_us == want);
    snprintf(text, sizeof text, "%.3s, %.2s %.3s %.4s %.8s GMT", g->asctime, g->iso + 8,
             g->asctime + 4, g->iso, g->iso + 11);
    if (!time_parse_http(str_of(text), &at_us) || at_us != want)
        fail_msg("\"%s\" is not read as %lld", text, (long long)want);
    if (!strcmp(g->rfc850, "-"))
        return;
    snprintf(text, sizeof text, "Wednesday, %s", g->rfc850);
    assert_true(time_parse_http(str_of(text), &at_us));
    assert_true(at_us == want);
}

static void test_http_forms(void **state)
{
    (void)state;
    int64_t at_us;
    assert_true(each_golden(check_http) > 400);
    /* RFC 9110's own examples */
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_true(time_parse_http(str_of(same[i]), &at_us));
        assert_true(at_us == 784111777LL * SECOND_US);
    }
}

static void test_http_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ",",
        "x",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 ",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  0 08:49:37 1994",
        "1994-11-06T08:49:37Z",
        "120",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t at_us = 42;
        if (time_parse_http(str_of(bad[i]), &at_us))
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(at_us, 42);
    }
}

/* -- clocks */

static void test_clocks(void **state)
{
    (void)state;
    int64_t seconds = (int64_t)time(NULL), now_us = time_now_us();
    assert_true(now_us / SECOND_US >= seconds - 1 && now_us / SECOND_US <= seconds + 5);
    int64_t before_ms = time_mono_ms();
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
    int64_t passed_ms = time_mono_ms() - before_ms;
    assert_true(passed_ms >= 19 && passed_ms < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_parses_what_it_and_python_write),
        cmocka_unit_test(test_rfc3339_forms),
        cmocka_unit_test(test_rfc3339_refusals),
        cmocka_unit_test(test_rfc3339_cut_anywhere),
        cmocka_unit_test(test_http_forms),
        cmocka_unit_test(test_http_refusals),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
