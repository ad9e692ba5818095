/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "format/arguments.h"

enum { POOL, QUEUE, LIMIT, ONCE, POLICY, BUDGET, OPTION_COUNT };

static const struct argument_option options[] = {
    [POOL] = {"pool", 'p', ARGUMENT_TEXT, "NAME", NULL, "the pool"},
    [QUEUE] = {"work-queue", 'q', ARGUMENT_LIST, "NAME", NULL, "a queue"},
    [LIMIT] = {"limit", 'l', ARGUMENT_INTEGER, "N", NULL, "how many"},
    [ONCE] = {"run-once", 0, ARGUMENT_FLAG, NULL, NULL, "once"},
    [POLICY] = {"install-policy", 0, ARGUMENT_CHOICE, "WHEN", "always|if-not-present", "when"},
    [BUDGET] = {"memory-budget", 0, ARGUMENT_SIZE, "SIZE", NULL, "bytes"},
};
static const struct argument_syntax syntax = {options, OPTION_COUNT, NULL, 0};
static const struct argument_syntax with_operands = {options, OPTION_COUNT, "FILE", 2};

static char memory[16384] __attribute__((aligned(16)));

struct outcome {
    enum err_kind kind;
    struct arguments a;
    struct err e;
};

#define PARSE(...) parse(&syntax, (const char *[]){__VA_ARGS__, NULL})

static struct outcome parse(const struct argument_syntax *s, const char *const *argv)
{
    struct arena arena = arena_over("test", memory, sizeof memory);
    struct outcome o = {0};
    int argc = 0;
    while (argv[argc])
        argc++;
    o.kind = arguments_parse(&arena, s, argc, (char *const *)argv, &o.a, &o.e);
    return o;
}

static void assert_text(struct outcome o, size_t option, const char *expected)
{
    assert_int_equal(o.kind, ERR_NONE);
    assert_true(o.a.values[option].given);
    assert_int_equal(o.a.values[option].text.n, strlen(expected));
    assert_memory_equal(o.a.values[option].text.p, expected, strlen(expected));
}

static void assert_refused(struct outcome o, const char *part)
{
    assert_int_equal(o.kind, ERR_INVALID);
    if (!strstr(o.e.text, part))
        fail_msg("'%s' is not in: %s", part, o.e.text);
}

static void text_takes_every_form(void **state)
{
    (void)state;
    assert_text(PARSE("--pool", "a"), POOL, "a");
    assert_text(PARSE("--pool=a=b"), POOL, "a=b");
    assert_text(PARSE("-p", "a b"), POOL, "a b");
    assert_text(PARSE("-pa"), POOL, "a");
    assert_text(PARSE("-p=a"), POOL, "a");
    assert_text(PARSE("-pl5"), POOL, "l5");
    assert_text(PARSE("--pool="), POOL, "");
    assert_text(PARSE("--pool", ""), POOL, "");
    assert_text(PARSE("--pool=-x"), POOL, "-x");
    assert_text(PARSE("--pool", "-5"), POOL, "-5");
    assert_text(PARSE("--pool", "-inf"), POOL, "-inf");
    assert_false(PARSE("--pool", "a").a.values[LIMIT].given);
}

static void missing_values_are_named(void **state)
{
    (void)state;
    assert_refused(PARSE("--pool"), "--pool: a value is missing");
    assert_refused(PARSE("-p"), "-p: a value is missing");
    assert_refused(PARSE("--pool", "-x"), "--pool=-x");
    assert_refused(PARSE("--pool", "--run-once"), "--pool: a value is missing");
    assert_refused(PARSE("--pool", "--", "x"), "--pool: a value is missing");
    assert_refused(PARSE("-q", "-"), "-q: a value is missing");
}

static void lists_repeat_and_nothing_else_does(void **state)
{
    (void)state;
    struct outcome o = PARSE("-qa", "--work_queue", "b,c", "-q=d");
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.a.values[QUEUE].count, 3);
    assert_true(str_eq(o.a.values[QUEUE].list[1], STR("b,c")));
    assert_true(str_eq(o.a.values[QUEUE].list[2], STR("d")));
    o = PARSE("--empty-work-queue");
    assert_int_equal(o.kind, ERR_NONE);
    assert_true(o.a.values[QUEUE].given);
    assert_int_equal(o.a.values[QUEUE].count, 0);
    assert_refused(PARSE("--empty-work-queue", "-q", "a"), "more than once");
    assert_refused(PARSE("-q", "a", "--empty-work-queue"), "more than once");
    assert_refused(PARSE("-pa", "--pool", "b"), "--pool: given more than once");
    assert_refused(PARSE("--run-once", "--no-run-once"), "--no-run-once: given more than once");
}

static void integers_are_read_as_python_literals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"5", 5},       {"1_000", 1000},
        {"0x10", 16},   {"0X1F", 31},
        {"0b11", 3},    {"0o17", 15},
        {"007", 7},     {" 5 ", 5},
        {"+5", 5},      {"-5", -5},
        {"-0x10", -16}, {"2.0", 2},
        {"0.5", 0},     {"1.5", 2},
        {"2.5", 2},     {"3.5", 4},
        {"-1.5", -2},   {"1_000.0", 1000},
        {"1.", 1},      {"-.5", 0},
        {"0x_10", 16},  {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct outcome o = PARSE("--limit", good[i].text);
        if (o.kind || o.a.values[LIMIT].number != good[i].value)
            fail_msg("%s: %d, %s", good[i].text, o.kind, o.e.text);
    }
    static const char *const bad[] = {"abc",
                                      "",
                                      "1e3",
                                      "1__0",
                                      "_1",
                                      "1_",
                                      "0x",
                                      "inf",
                                      "True",
                                      "5 6",
                                      "--5",
                                      "1.2.3",
                                      "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[64] = "--limit=";
        strcat(text, bad[i]);
        assert_refused(PARSE(text), "is not a whole number");
    }
    assert_int_equal(PARSE("-l-5").a.values[LIMIT].number, -5);
}

static void flags_take_values_only_after_equals(void **state)
{
    (void)state;
    assert_true(PARSE("--run-once").a.values[ONCE].on);
    assert_true(PARSE("--run_once=YES").a.values[ONCE].on);
    assert_false(PARSE("--run-once=0").a.values[ONCE].on);
    assert_true(PARSE("--run-once=0").a.values[ONCE].given);
    assert_false(PARSE("--no_run-once").a.values[ONCE].on);
    assert_true(PARSE("--no-run-once=false").a.values[ONCE].on);
    assert_refused(PARSE("--run-once=on"), "'on' is not true or false");
    assert_refused(PARSE("--run-once="), "is not true or false");
    assert_refused(PARSE("--run-once", "true"), "--flag=false");
}

static void choices_ignore_case_and_underscores(void **state)
{
    (void)state;
    assert_text(PARSE("--install-policy", "ALWAYS"), POLICY, "always");
    assert_text(PARSE("--install-policy=If_Not_Present"), POLICY, "if-not-present");
    assert_refused(PARSE("--install-policy", "alw"), "not one of always|if-not-present");
    assert_refused(PARSE("--install-policy="), "not one of");
}

static void sizes_are_quantities(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--memory-budget", "8Mi").a.values[BUDGET].number, 8388608);
    assert_int_equal(PARSE("--memory-budget=1.5k").a.values[BUDGET].number, 1500);
    assert_refused(PARSE("--memory-budget", "8MB"), "'8MB' is not a size");
    assert_refused(PARSE("--memory-budget", "-8"), "is not a size");
}

static void unknown_options_get_a_guess(void **state)
{
    (void)state;
    assert_refused(PARSE("--poool", "x"), "--poool: there is no such option; did you mean --pool?");
    assert_refused(PARSE("--workqueue=x"), "did you mean --work-queue?");
    assert_refused(PARSE("--no-pool"), "no such option");
    assert_refused(PARSE("--empty-run-once"), "no such option");
    assert_refused(PARSE("--RUN-ONCE"), "no such option");
    assert_refused(PARSE("--zzzzzzzz"), "--zzzzzzzz: there is no such option");
    assert_null(strstr(PARSE("--zzzzzzzz").e.text, "did you mean"));
    assert_refused(PARSE("-x"), "-x: there is no such option");
    assert_refused(PARSE("-"), "no such option");
}

static void operands_are_counted(void **state)
{
    (void)state;
    assert_refused(PARSE("-px", "y"), "'y': an argument too many");
    struct outcome o = parse(&with_operands, (const char *[]){"a", "-px", "--", "--pool", NULL});
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.a.operand_count, 2);
    assert_true(str_eq(o.a.operands[1], STR("--pool")));
    o = parse(&with_operands, (const char *[]){"a", "b", "c", NULL});
    assert_refused(o, "'c': an argument too many");
    o = parse(&with_operands, (const char *[]){NULL});
    assert_int_equal(o.kind, ERR_NONE);
}

static void a_full_arena_is_a_limit(void **state)
{
    (void)state;
    char small[64] __attribute__((aligned(16)));
    struct arena arena = arena_over("test", small, sizeof small);
    struct arguments a;
    struct err e;
    char option[] = "-px";
    char *argv[] = {option};
    assert_int_equal(arguments_parse(&arena, &syntax, 1, argv, &a, &e), ERR_LIMIT);
}

static void help_lists_every_option(void **state)
{
    (void)state;
    char text[4096];
    struct buf b = buf_over(text, sizeof text);
    arguments_help(&b, &syntax);
    str help = buf_str(&b);
    assert_false(b.full);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        assert_true(str_has(help, str_of(options[i].name)));
        assert_true(str_has(help, str_of(options[i].help)));
    }
    assert_true(str_has(help, STR("-p, --pool NAME")));
    assert_true(str_has(help, STR("--[no-]run-once")));
    assert_true(str_has(help, STR("always|if-not-present")));
    str line;
    while (help.n) {
        str_cut(help, '\n', &line, &help);
        assert_true(line.n <= 80);
        assert_false(str_ends(line, STR(" ")));
    }
}

#define WANT_HELP(...) want_help((const char *[]){__VA_ARGS__, NULL})

static bool want_help(const char *const *argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return arguments_want_help(argc, (char *const *)argv);
}

static void help_is_asked_for_before_the_dashes(void **state)
{
    (void)state;
    assert_true(WANT_HELP("-p", "--help"));
    assert_true(WANT_HELP("-h"));
    assert_false(WANT_HELP("--", "--help"));
    assert_false(WANT_HELP("--pool=--help"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_takes_every_form),
        cmocka_unit_test(missing_values_are_named),
        cmocka_unit_test(lists_repeat_and_nothing_else_does),
        cmocka_unit_test(integers_are_read_as_python_literals),
        cmocka_unit_test(flags_take_values_only_after_equals),
        cmocka_unit_test(choices_ignore_case_and_underscores),
        cmocka_unit_test(sizes_are_quantities),
        cmocka_unit_test(unknown_options_get_a_guess),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(a_full_arena_is_a_limit),
        cmocka_unit_test(help_lists_every_option),
        cmocka_unit_test(help_is_asked_for_before_the_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
