/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"

static struct arena perm, scratch;
static struct err e;
static struct config c;
static char folder[] = "/tmp/config-XXXXXX";

static int fresh(void **state)
{
    (void)state;
    arena_reset(&perm);
    arena_reset(&scratch);
    e = (struct err){0};
    return 0;
}

/* One variable of the environment beside PREFECT_API_URL; may be NULL. */
static enum err_kind load_with(const char *variable, const char *const *argv, bool interactive)
{
    const char *environment[] = {"HOME=/nowhere", "PREFECT_API_URL=http://api:4200/api/", variable,
                                 NULL};
    struct settings_sources sources = {(char *const *)environment, NULL, str_of(folder)};
    const struct settings *settings;
    struct config_arguments arguments = {.argv = (char *const *)argv, .interactive = interactive};
    while (argv[arguments.argc])
        arguments.argc++;
    if (settings_load(&perm, scratch, &sources, &settings, &e))
        fail_msg("%s", e.text);
    return config_load(&perm, scratch, &arguments, settings, &c, &e);
}

#define ARGV(...) ((const char *[]){__VA_ARGS__, NULL})
#define LOAD(...) load_with(NULL, ARGV(__VA_ARGS__), false)
#define LOAD_SET(variable, ...) load_with(variable, ARGV(__VA_ARGS__), false)

static void assert_refused(enum err_kind got, enum err_kind kind, const char *part)
{
    assert_int_equal(got, kind);
    if (!strstr(e.text, part))
        fail_msg("'%s' is not in: %s", part, e.text);
}

static void assert_str(str got, const char *expected)
{
    if (!str_eq(got, str_of(expected)))
        fail_msg("'" STR_FMT "', not '%s'", STR_ARG(got), expected);
}

static void a_pool_is_enough(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--pool", "p"), ERR_NONE);
    assert_str(c.pool, "p");
    assert_str(c.api_url, "http://api:4200/api");
    assert_str(c.ui_url, "http://api:4200/");
    assert_false(c.cloud || c.name_given || c.run_once || c.with_healthcheck);
    assert_true(c.create_pool && c.cancellation && c.observer_enabled && c.logs_to_api);
    assert_int_equal(c.limit, -1);
    assert_int_equal(c.queue_count, 0);
    assert_int_equal(c.memory_budget, HEAP_BUDGET_DEFAULT);
    assert_null(c.base_job_template);
    assert_true(c.query_s == 10 && c.heartbeat_s == 30 && c.prefetch_s == 10);
    assert_true(c.cancel_grace_s == 75 && c.cancellation_poll_s == 10);
    assert_str(c.observer_label_selector, "prefect.io/flow-run-id");
    assert_int_equal(c.health_port, 8080);
    assert_int_equal(c.create_attempts, 3);
}

static void a_worker_without_a_name_gets_a_new_one(void **state)
{
    (void)state;
    struct uuid id;
    assert_int_equal(LOAD("-pp"), ERR_NONE);
    assert_true(str_starts(c.name, STR("KubernetesWorker ")));
    assert_true(uuid_parse(str_skip(c.name, 17), &id));
    assert_int_equal(LOAD("-pp", "--name="), ERR_NONE);
    assert_false(c.name_given);
    assert_int_equal(LOAD("-pp", "-n", "my worker"), ERR_NONE);
    assert_true(c.name_given);
    assert_str(c.name, "my worker");
    assert_refused(LOAD("-pp", "-na/b"), ERR_FATAL, "--name: 'a/b'");
    assert_refused(LOAD("-pp", "-na%b"), ERR_FATAL, "--name: 'a%b'");
}

static void all_flags_arrive(void **state)
{
    (void)state;
    assert_int_equal(LOAD("-pp", "-qa", "-q", "b", "-tkubernetes", "-l", "0x10", "--run-once",
                          "--with-healthcheck", "--no-create-pool-if-not-found",
                          "--prefetch-seconds", "1.5", "--install-policy", "NEVER",
                          "--memory-budget=16Mi"),
                     ERR_NONE);
    assert_int_equal(c.queue_count, 2);
    assert_str(c.queues[1], "b");
    assert_str(c.type, "kubernetes");
    assert_int_equal(c.limit, 16);
    assert_true(c.run_once && c.with_healthcheck && !c.create_pool);
    assert_true(c.prefetch_s == 2);
    assert_int_equal(c.memory_budget, 16 * MIB);
    assert_int_equal(LOAD("-pp", "-l0", "--create-pool-if-not-found=false"), ERR_NONE);
    assert_int_equal(c.limit, 0);
    assert_false(c.create_pool);
}

static void refusals_tell_usage_from_the_rest(void **state)
{
    (void)state;
    assert_refused(LOAD("--bogus"), ERR_INVALID, "--bogus");
    assert_refused(LOAD("-pp", "pos"), ERR_INVALID, "'pos'");
    assert_refused(LOAD("-pp", "--limit", "abc"), ERR_INVALID, "--limit");
    assert_refused(LOAD("-pp", "--limit", "-1"), ERR_FATAL, "--limit: -1 is negative");
    assert_refused(LOAD("-pp", "-t", "docker"), ERR_FATAL, "not 'docker'");
    assert_refused(LOAD("-pp", "--memory-budget", "1k"), ERR_FATAL, "--memory-budget");
    assert_refused(LOAD(NULL), ERR_FATAL, "--pool is missing");
    assert_refused(LOAD("--pool="), ERR_FATAL, "--pool is missing");
    assert_refused(LOAD_SET("PREFECT_WORKER_WEBSERVER_PORT=70000", "-pp"), ERR_FATAL,
                   "PREFECT_WORKER_WEBSERVER_PORT");
}

static void an_api_url_is_needed(void **state)
{
    (void)state;
    assert_refused(LOAD_SET("prefect_api_url=", "-pp"), ERR_FATAL, "PREFECT_API_URL is not set");
    assert_refused(LOAD_SET("prefect_api_url=/", "-pp"), ERR_FATAL, "PREFECT_API_URL is not set");
}

static void a_missing_pool_is_asked_for(void **state)
{
    (void)state;
    int pipes[2], input = dup(STDIN_FILENO), output = dup(STDOUT_FILENO);
    int sink = open("/dev/null", O_WRONLY);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], " typed \n", 8), 8);
    close(pipes[1]);
    fflush(stdout);
    dup2(pipes[0], STDIN_FILENO);
    dup2(sink, STDOUT_FILENO);
    enum err_kind first = load_with(NULL, ARGV(NULL), true);
    struct config asked = c;
    enum err_kind second = load_with(NULL, ARGV(NULL), true);
    fflush(stdout);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    close(pipes[0]);
    close(sink);
    close(input);
    close(output);
    assert_int_equal(first, ERR_NONE);
    assert_str(asked.pool, "typed");
    assert_refused(second, ERR_FATAL, "no work pool was named");
}

static const char *put_file(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void templates_are_json_or_yaml(void **state)
{
    (void)state;
    const char *path = put_file("t.json", "{\"variables\": {\"type\": \"object\"}}");
    assert_int_equal(LOAD("-pp", "--base-job-template", path), ERR_NONE);
    assert_str(tree_text(tree_path(c.base_job_template, "variables.type")), "object");
    assert_refused(LOAD("-pp", "--base-job-template", put_file("t.json", "{")), ERR_FATAL,
                   "t.json: ");
    assert_refused(LOAD("-pp", "--base-job-template", put_file("t.json", "[]")), ERR_FATAL,
                   "no JSON object");
    unlink(path);
    assert_refused(LOAD("-pp", "--base-job-template", path), ERR_FATAL, "t.json");
    path = put_file("t.yaml", "variables:\n  type: object\n");
    assert_int_equal(LOAD("-pp", "--base-job-template", path), ERR_NONE);
    assert_str(tree_text(tree_path(c.base_job_template, "variables.type")), "object");
    unlink(path);
}

static void settings_become_typed_fields(void **state)
{
    (void)state;
    assert_int_equal(LOAD_SET("PREFECT_WORKER_ENABLE_CANCELLATION=false", "-pp"), ERR_NONE);
    assert_false(c.cancellation);
    assert_int_equal(LOAD_SET("PREFECT_WORKER_PREFETCH_SECONDS=3.9", "-pp"), ERR_NONE);
    assert_true(c.prefetch_s == 3);
    assert_int_equal(
        LOAD_SET("PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES=b,a,x*,!y,", "-pp"),
        ERR_NONE);
    assert_int_equal(c.observer_namespace_count, 2);
    assert_str(c.observer_namespaces[0], "a");
    assert_str(c.observer_namespaces[1], "b");
    assert_int_equal(
        LOAD_SET("PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS=team = x,a=b",
                 "-pp"),
        ERR_NONE);
    assert_str(c.observer_label_selector, "prefect.io/flow-run-id,a=b,team=x");
}

static str logged(const char *variable, const char *const *argv)
{
    static char text[4096];
    assert_int_equal(load_with(variable, argv, false), ERR_NONE);
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0);
    dup2(fd, STDERR_FILENO);
    config_log(&c);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fd, text, sizeof text, 0);
    close(fd);
    return (str){text, n < 0 ? 0 : (size_t)n};
}

static void what_looks_wrong_is_logged(void **state)
{
    (void)state;
    assert_str(logged(NULL, ARGV("-pp", "-nn", "-l1")), "");
    assert_true(str_has(logged(NULL, ARGV("-pp", "-l1")), STR("--limit without --name")));
    assert_true(str_has(
        logged("prefect_api_url=https://app.prefect.cloud/account/x/workspace/y", ARGV("-pp")),
        STR("accounts/")));
    assert_true(str_has(logged("prefect_api_url=https://api.prefect.cloud/accounts/x", ARGV("-pp")),
                        STR("lacks /api")));
    assert_str(logged("prefect_api_url=https://api.prefect.cloud/api/accounts/x", ARGV("-pp")), "");
    assert_true(
        str_has(logged("PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES=x*", ARGV("-pp")),
                STR("'x*' is left out")));
    assert_true(str_has(logged("PREFECT_PROFILE=nope", ARGV("-pp")), STR("no profile 'nope'")));
    str json = logged("PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER=json", ARGV("-pp", "-l1"));
    assert_true(str_starts(json, STR("{")));
}

static int open_folder(void **state)
{
    (void)state;
    arena_reserve(&perm, "perm", 16 * MIB);
    arena_reserve(&scratch, "scratch", 32 * MIB);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_pool_is_enough, fresh),
        cmocka_unit_test_setup(a_worker_without_a_name_gets_a_new_one, fresh),
        cmocka_unit_test_setup(all_flags_arrive, fresh),
        cmocka_unit_test_setup(refusals_tell_usage_from_the_rest, fresh),
        cmocka_unit_test_setup(an_api_url_is_needed, fresh),
        cmocka_unit_test_setup(a_missing_pool_is_asked_for, fresh),
        cmocka_unit_test_setup(templates_are_json_or_yaml, fresh),
        cmocka_unit_test_setup(settings_become_typed_fields, fresh),
        cmocka_unit_test_setup(what_looks_wrong_is_logged, fresh),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
