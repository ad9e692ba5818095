/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "rig.h"

/* What was written to standard error since the last call; it is a file meanwhile. */
static int file = -1, kept = -1;
static char said[40 * LOG_LINE_MAX];

static int redirect(void **state)
{
    (void)state;
    char name[] = "/tmp/log_test.XXXXXX";
    file = mkstemp(name);
    kept = dup(STDERR_FILENO);
    unlink(name);
    log_configure(&(struct log_options){.level = LOG_DEBUG});
    return file < 0 || kept < 0 || dup2(file, STDERR_FILENO) < 0;
}

static int restore(void **state)
{
    (void)state;
    dup2(kept, STDERR_FILENO);
    close(kept);
    return close(file);
}

static str heard(void)
{
    off_t size = lseek(file, 0, SEEK_CUR);
    assert_true(size >= 0 && (size_t)size < sizeof said);
    assert_int_equal(pread(file, said, (size_t)size, 0), size);
    said[size] = '\0';
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    return (str){said, (size_t)size};
}

static void configure(enum log_level level, bool json, bool colors)
{
    log_configure(&(struct log_options){.level = level, .json = json, .colors = colors});
}

/* "HH:MM:SS.mmm | " and the rest */
static str after_time(str line)
{
    static const char form[] = "dd:dd:dd.ddd | ";
    assert_true(line.n > sizeof form - 1);
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd')
            assert_true(line.p[i] >= '0' && line.p[i] <= '9');
        else
            assert_int_equal(line.p[i], form[i]);
    return str_skip(line, sizeof form - 1);
}

static void test_text_lines(void **state)
{
    (void)state;
    log_info("hello %s %d", "there", 7);
    assert_str(after_time(heard()), "INFO    | prefect.worker.kubernetes - hello there 7\n");
    log_write(LOG_CRITICAL, "x.y", NULL, "two\nlines");
    assert_str(after_time(heard()), "CRITICAL | x.y - two\nlines\n");
    log_warning("%s", "");
    assert_str(after_time(heard()), "WARNING | prefect.worker.kubernetes - \n");
    struct log_run run = {STR("id"), STR("name")};
    log_write(LOG_ERROR, "x", &run, "%%");
    assert_str(after_time(heard()), "ERROR   | x - name: %\n");
}

static void test_levels(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR,
                                            LOG_CRITICAL};
    for (size_t limit = 0; limit < ARRAY_LEN(levels); limit++) {
        configure(levels[limit], false, false);
        for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
            log_write(levels[i], "x", NULL, "said");
            assert_int_equal(heard().n > 0, i >= limit);
            assert_int_equal(log_enabled(levels[i]), i >= limit);
        }
    }
    configure((enum log_level)1000, false, false);
    log_write(LOG_CRITICAL, "x", NULL, "said");
    assert_int_equal(heard().n, 0);
}

static void test_colors(void **state)
{
    (void)state;
    configure(0, false, true);
    static const struct {
        enum log_level level;
        const char *want;
    } known[] = {
        {LOG_DEBUG, "\033[90mDEBUG  \033[0m | x - m\n"},
        {LOG_INFO, "\033[36mINFO   \033[0m | x - m\n"},
        {LOG_WARNING, "\033[33mWARNING\033[0m | x - m\n"},
        {LOG_ERROR, "\033[31mERROR  \033[0m | x - m\n"},
        {LOG_CRITICAL, "\033[1;31mCRITICAL\033[0m | x - m\n"},
        {(enum log_level)5, "\033[90mLEVEL  \033[0m | x - m\n"},
        {(enum log_level)99, "\033[1;31mLEVEL  \033[0m | x - m\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        log_write(known[i].level, "x", NULL, "m");
        assert_str(after_time(heard()), known[i].want);
    }
}

/* The member's value, up to the comma or brace after it: enough for what stands in these lines. */
static str member(str line, const char *key)
{
    char name[40];
    snprintf(name, sizeof name, "\"%s\": ", key);
    ptrdiff_t at = str_find(line, str_of(name));
    if (at < 0)
        fail_msg("no %s in %s", key, line.p);
    str value = str_skip(line, (size_t)at + strlen(name));
    bool quoted = value.p[0] == '"';
    size_t n = quoted;
    for (; quoted ? value.p[n] != '"' : !strchr(",}", value.p[n]); n++)
        n += value.p[n] == '\\';
    return str_sub(value, 0, n + quoted);
}

static void test_json_lines(void **state)
{
    (void)state;
    configure(LOG_INFO, true, true);
    int64_t before_us = time_now_us();
    log_error("a \"b\" \\ \n\t\x01 \xC3\xA9");
    str line = heard();
    assert_true(str_starts(line, STR("{\"name\": \"prefect.worker.kubernetes\", ")));
    assert_true(str_ends(line, STR("}\n")));
    assert_str(member(line, "msg"), "\"a \\\"b\\\" \\\\ \\n\\u0009\\u0001 \xC3\xA9\"");
    assert_true(str_eq(member(line, "message"), member(line, "msg")));
    assert_str(member(line, "args"), "[]");
    assert_str(member(line, "levelname"), "\"ERROR\"");
    assert_str(member(line, "severity"), "\"ERROR\"");
    assert_str(member(line, "levelno"), "40");
    assert_str(member(line, "exc_info"), "null");
    assert_false(str_has(line, STR("flow_run_id")));
    assert_false(str_has(line, STR("\033")));
    str created = member(line, "created"), seconds, fraction;
    int64_t s, us;
    assert_true(str_cut(created, '.', &seconds, &fraction));
    assert_int_equal(fraction.n, 6);
    assert_true(str_to_i64(seconds, &s) && str_to_i64(fraction, &us));
    assert_true(s * 1000000 + us >= before_us && s * 1000000 + us <= time_now_us());
}

static void test_json_about_a_run(void **state)
{
    (void)state;
    configure(LOG_INFO, true, false);
    log_set_worker(STR("my \"worker\""), STR("pool"));
    log_set_work_pool_id(STR("44444444"));
    struct log_run run = {.flow_run_id = STR("1111"), .flow_run_name = STR("odd-owl")};
    log_write(LOG_INFO, "x", &run, "m");
    str line = heard();
    assert_str(member(line, "flow_run_id"), "\"1111\"");
    assert_str(member(line, "flow_run_name"), "\"odd-owl\"");
    assert_str(member(line, "worker_name"), "\"my \\\"worker\\\"\"");
    assert_str(member(line, "work_pool_name"), "\"pool\"");
    assert_str(member(line, "work_pool_id"), "\"44444444\"");
    log_set_worker((str){0}, (str){0});
    log_set_work_pool_id((str){0});
}

/* -- secrets: registered ones stay, so each test has its own */

static void test_secrets(void **state)
{
    (void)state;
    log_add_secret(STR("pnu_12345"));
    log_add_secret(STR("pnu_12345")); /* once is enough */
    log_add_secret(STR("abc"));       /* too short */
    log_add_secret((str){0});
    log_info("key pnu_12345, twice pnu_12345pnu_12345, abc, pnu_1234");
    assert_str(after_time(heard()), "INFO    | prefect.worker.kubernetes - "
                                    "key *********, twice ******************, abc, pnu_1234\n");
    configure(LOG_INFO, true, false);
    log_info("pnu_12345");
    str line = heard();
    assert_false(str_has(line, STR("pnu_12345")));
    assert_str(member(line, "message"), "\"*********\"");
}

static void test_secrets_within_each_other(void **state)
{
    (void)state;
    log_add_secret(STR("wordpass"));
    log_add_secret(STR("user:wordpass@host"));
    log_info("user:wordpass@host wordpass");
    assert_true(str_ends(heard(), STR("- ****************** ********\n")));
}

static void test_secret_of_asterisks(void **state)
{
    (void)state;
    log_add_secret(STR("*****"));
    log_info("a ************ b"); /* must end */
    assert_true(str_ends(heard(), STR("- a ************ b\n")));
}

static void test_quotes_do_not_hide_a_secret(void **state)
{
    (void)state;
    log_add_secret(STR("p\"w\\d\n1"));
    configure(LOG_INFO, true, false);
    log_info("p\"w\\d\n1");
    assert_str(member(heard(), "message"), "\"*******\"");
}

static void test_secret_at_the_cut(void **state)
{
    (void)state;
    static char text[LOG_LINE_MAX + 100];
    log_add_secret(STR("SuperSecretValue"));
    for (size_t back = 1; back < 16; back++) { /* so much of it is still within the line */
        memset(text, '.', sizeof text - 1);
        memcpy(text + LOG_LINE_MAX - 1 - back, "SuperSecretValue", 16);
        log_info("%s", text);
        str line = heard();
        assert_int_equal(str_has(line, STR("Supe")), false);
        assert_int_equal(str_has(line, STR("Sup")), back == 3);
    }
}

/* -- long and strange messages */

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    static char text[3 * LOG_LINE_MAX];
    memset(text, 'x', sizeof text - 1);
    log_info("%s", text);
    str line = after_time(heard());
    assert_int_equal(line.n, strlen("INFO    | prefect.worker.kubernetes - ") + LOG_LINE_MAX);
    assert_true(str_ends(line, STR("xx\n")));
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    text[sizeof text - 1] = '\0';
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        log_info("%s", text + shift + (3 - shift) % 3);
        assert_true(str_ends(heard(), STR("\xE2\x82\xAC\n")));
    }
}

static void test_json_line_stays_whole(void **state)
{
    (void)state;
    static char text[2 * LOG_LINE_MAX];
    configure(LOG_INFO, true, false);
    memset(text, 1, sizeof text - 1); /* six bytes each, twice */
    struct log_run run = {.flow_run_id = STR("1111"), .flow_run_name = STR("odd-owl")};
    log_write(LOG_INFO, "x", &run, "%s", text);
    str line = heard();
    assert_true(str_ends(line, STR("\"work_pool_id\": \"\"}\n")));
    assert_int_equal(member(line, "message").n, 2 + 6 * (LOG_LINE_MAX - 1));
}

/* -- names */

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int level;
    } good[] = {
        {"DEBUG", 10}, {"info", 20},     {"Warning", 30}, {"WARN", 30},
        {"ERROR", 40}, {"CRITICAL", 50}, {"fatal", 50},   {"NOTSET", 0},
        {"15", 15},    {"0", 0},         {"1000", 1000},
    };
    static const char *const bad[] = {"", "INF", "INFO ", "-1", "1001", "1.5", "debug1", "TRACE"};
    enum log_level level;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(log_level_parse(str_of(good[i].name), &level));
        assert_int_equal(level, good[i].level);
    }
    level = LOG_ERROR;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(log_level_parse(str_of(bad[i]), &level));
        assert_int_equal(level, LOG_ERROR);
    }
    assert_string_equal(log_level_name(LOG_WARNING), "WARNING");
    assert_string_equal(log_level_name(LOG_CRITICAL), "CRITICAL");
    assert_string_equal(log_level_name((enum log_level)15), "LEVEL");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, redirect, restore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_lines),
        TEST(test_levels),
        TEST(test_colors),
        TEST(test_json_lines),
        TEST(test_json_about_a_run),
        TEST(test_secrets),
        TEST(test_secrets_within_each_other),
        TEST(test_secret_of_asterisks),
        TEST(test_quotes_do_not_hide_a_secret),
        TEST(test_secret_at_the_cut),
        TEST(test_long_lines_are_cut),
        TEST(test_json_line_stays_whole),
        TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
