/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A table of our own stands in for table.c: the tests are about dispatch. */
static command_fn run_start, run_render;

static const struct argument_option options[] = {
    {"pool", 'p', ARGUMENT_TEXT, "POOL", NULL, "the pool"},
};
static const struct argument_syntax start_syntax = {options, ARRAY_LEN(options), NULL, 0};
static const struct argument_syntax render_syntax = {options, ARRAY_LEN(options), "RUN", 1};

const struct command command_table[] = {
    {.words = "worker start",
     .alias = "start",
     .of_prefect = true,
     .summary = "serve a pool",
     .syntax = &start_syntax,
     .run = run_start},
    {.words = "render", .summary = "print a manifest", .syntax = &render_syntax, .run = run_render},
    {.words = "secret-thing",
     .hidden = true,
     .summary = "hidden",
     .syntax = &render_syntax,
     .run = run_render},
    {0},
};

static struct {
    const char *ran;
    struct command_context context;
    int argc;
    char first[64];
} seen;

static int record(const char *name, const struct command_context *context, int argc,
                  char *const *argv)
{
    seen.ran = name;
    seen.context = *context;
    seen.argc = argc;
    snprintf(seen.first, sizeof seen.first, "%s", argc ? argv[0] : "");
    return 7;
}

static int run_start(const struct command_context *context, int argc, char *const *argv)
{
    return record("start", context, argc, argv);
}

static int run_render(const struct command_context *context, int argc, char *const *argv)
{
    return record("render", context, argc, argv);
}

/* -- running command_main() with its output caught */

static char out[8192], err[8192];

static void read_back(int fd, char *text, size_t size)
{
    lseek(fd, 0, SEEK_SET);
    ssize_t n = read(fd, text, size - 1);
    text[n < 0 ? 0 : n] = '\0';
    close(fd);
}

static int swap(int fd, int with)
{
    int saved = dup(fd);
    dup2(with, fd);
    return saved;
}

static void restore(int fd, int saved)
{
    dup2(saved, fd);
    close(saved);
}

static int call(const char *const *argv)
{
    char *environment[] = {NULL};
    int argc = 0;
    while (argv[argc])
        argc++;
    memset(&seen, 0, sizeof seen);
    fflush(stdout);
    int out_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    int err_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    assert_true(out_fd >= 0 && err_fd >= 0);
    int saved_out = swap(STDOUT_FILENO, out_fd), saved_err = swap(STDERR_FILENO, err_fd);
    int status = command_main(argc, (char *const *)argv, environment);
    fflush(stdout);
    restore(STDOUT_FILENO, saved_out);
    restore(STDERR_FILENO, saved_err);
    read_back(out_fd, out, sizeof out);
    read_back(err_fd, err, sizeof err);
    return status;
}

#define CALL(...) call((const char *[]){__VA_ARGS__, NULL})

static void assert_in(const char *part, const char *text)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

/* One line, nothing on standard output. */
static void assert_usage(int status, const char *part)
{
    assert_int_equal(status, EXIT_USAGE);
    assert_string_equal(out, "");
    assert_in(part, err);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    assert_null(seen.ran);
}

/* -- tests */

static void commands_run_under_either_name(void **state)
{
    (void)state;
    assert_int_equal(CALL("/usr/bin/prefect", "worker", "start", "-p", "x"), 7);
    assert_string_equal(seen.ran, "start");
    assert_string_equal(seen.context.called, "prefect");
    assert_string_equal(seen.context.words, "worker start");
    assert_int_equal(seen.argc, 2);
    assert_string_equal(seen.first, "-p");
    assert_int_equal(CALL("prefect-k8s-worker", "start", "-px"), 7);
    assert_string_equal(seen.first, "-px");
    assert_int_equal(CALL("prefect-k8s-worker", "worker", "start"), 7);
    assert_int_equal(CALL("./prefect-k8s-worker", "render", "id"), 7);
    assert_string_equal(seen.ran, "render");
    assert_int_equal(CALL("prefect-k8s-worker", "secret-thing"), 7);
}

static void prefect_has_only_its_own_commands(void **state)
{
    (void)state;
    assert_usage(CALL("prefect", "render", "id"), "no command 'render'");
    assert_usage(CALL("prefect", "start"), "no command 'start'");
    assert_usage(CALL("prefect", "deploy"), "only stands in for Prefect's Kubernetes worker");
}

static void unknown_commands_get_a_guess(void **state)
{
    (void)state;
    assert_usage(CALL("prefect", "worker", "startt"), "prefect worker: there is no command "
                                                      "'startt'; did you mean start?");
    assert_usage(CALL("prefect", "wroker", "start"), "did you mean worker?");
    assert_usage(CALL("prefect-k8s-worker", "rendr"), "did you mean render?");
    assert_usage(CALL("prefect-k8s-worker", "secret-thin"), "no command 'secret-thin'");
    assert_null(strstr(err, "did you mean"));
    assert_usage(CALL("prefect", "worker", "--bogus"), "--bogus: there is no such option");
}

static void options_in_front_select_the_profile(void **state)
{
    (void)state;
    assert_int_equal(CALL("prefect", "worker", "start"), 7);
    assert_null(seen.context.profile);
    assert_int_equal(seen.context.prompt, -1);
    assert_int_equal(CALL("prefect", "--profile", "a", "--no-prompt", "worker", "start"), 7);
    assert_string_equal(seen.context.profile, "a");
    assert_int_equal(seen.context.prompt, 0);
    assert_int_equal(CALL("prefect", "-p", "b", "--prompt", "worker", "start", "-pc"), 7);
    assert_string_equal(seen.context.profile, "b");
    assert_int_equal(seen.context.prompt, 1);
    assert_int_equal(CALL("prefect", "--profile=d", "worker", "start"), 7);
    assert_string_equal(seen.context.profile, "d");
    assert_usage(CALL("prefect", "--bogus", "worker", "start"), "--bogus: there is no such option");
    assert_usage(CALL("prefect", "--profile"), "--profile: a value is missing");
}

static void version_is_prefects_under_its_name(void **state)
{
    (void)state;
    assert_int_equal(CALL("prefect", "--version"), EXIT_OK);
    assert_string_equal(out, "3.8.8\n");
    assert_int_equal(CALL("prefect", "-v"), EXIT_OK);
    assert_string_equal(out, "3.8.8\n");
    assert_int_equal(CALL("prefect", "worker", "--version"), EXIT_OK);
    assert_string_equal(out, "3.8.8\n");
    assert_int_equal(CALL("prefect-k8s-worker", "--version"), EXIT_OK);
    assert_in("prefect-k8s-worker " PKW_VERSION, out);
    assert_in("3.8.8", out);
}

static void help_exists_at_each_level(void **state)
{
    (void)state;
    static const char *const asked[][4] = {
        {"prefect", NULL},           {"prefect", "--help", NULL},     {"prefect", "worker", NULL},
        {"prefect", "worker", "-h"}, {"prefect", "worker", "--help"},
    };
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        assert_int_equal(CALL(asked[i][0], asked[i][1], asked[i][1] ? asked[i][2] : NULL), EXIT_OK);
        assert_in("worker start", out);
        assert_in("--profile NAME", out);
        assert_null(strstr(out, "render"));
        assert_string_equal(err, "");
    }
    assert_int_equal(CALL("prefect-k8s-worker", "--help"), EXIT_OK);
    assert_in("render", out);
    assert_null(strstr(out, "secret-thing"));
    assert_int_equal(CALL("prefect", "worker", "start", "-p", "--help"), EXIT_OK);
    assert_in("Usage: prefect worker start [OPTIONS]\n", out);
    assert_in("--pool POOL", out);
    assert_null(seen.ran);
    assert_int_equal(CALL("prefect-k8s-worker", "render", "--help"), EXIT_OK);
    assert_in("[OPTIONS] RUN\n", out);
}

static void refusals_carry_their_exit_code(void **state)
{
    (void)state;
    struct command_context context = {.called = "prefect", .words = "worker start"};
    struct err e;
    assert_int_equal(command_refuse(&context, err_set(&e, ERR_INVALID, "x"), &e), EXIT_USAGE);
    assert_int_equal(command_refuse(&context, err_set(&e, ERR_FATAL, "x"), &e), EXIT_FAILED);
    assert_int_equal(command_refuse(&context, err_set(&e, ERR_LIMIT, "x"), &e), EXIT_FAILED);
}

static void people_are_asked_only_where_they_are(void **state)
{
    (void)state;
    struct command_context context = {.prompt = -1};
    assert_true(command_interactive(&context, 1));
    assert_false(command_interactive(&context, 0));
    context.prompt = 0;
    assert_false(command_interactive(&context, 1));
    context.prompt = 1;
    assert_true(command_interactive(&context, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_run_under_either_name),
        cmocka_unit_test(prefect_has_only_its_own_commands),
        cmocka_unit_test(unknown_commands_get_a_guess),
        cmocka_unit_test(options_in_front_select_the_profile),
        cmocka_unit_test(version_is_prefects_under_its_name),
        cmocka_unit_test(help_exists_at_each_level),
        cmocka_unit_test(refusals_carry_their_exit_code),
        cmocka_unit_test(people_are_asked_only_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
