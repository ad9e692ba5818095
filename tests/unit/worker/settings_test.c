/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, derived values and lookups; what is passed down is settings_golden_test.c's. */
#include "worker/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "worker/settings_table.h"

static struct arena perm, scratch;
static struct err e;
static char folder[] = "/tmp/settings-XXXXXX";
static const char *const files[] = {".env", "prefect.toml", "pyproject.toml", "profiles.toml"};

static void put_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int fresh(void **state)
{
    (void)state;
    char path[256];
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    arena_reset(&perm);
    arena_reset(&scratch);
    e = (struct err){0};
    return 0;
}

static enum err_kind load_with(const struct settings **s, const char *profile,
                               const char *const *environment)
{
    struct settings_sources sources = {(char *const *)environment, profile, str_of(folder)};
    return settings_load(&perm, scratch, &sources, s, &e);
}

#define ENVIRONMENT(...) ((const char *[]){"HOME=/house/u", __VA_ARGS__, NULL})

static const struct settings *load(const char *const *environment)
{
    const struct settings *s = NULL;
    if (load_with(&s, NULL, environment))
        fail_msg("%s", e.text);
    return s;
}

static void assert_setting(const struct settings *s, const char *name, const char *expected)
{
    str got = settings_str(s, name);
    if (!str_eq(got, str_of(expected)))
        fail_msg("%s: '" STR_FMT "', not '%s'", name, STR_ARG(got), expected);
}

static void assert_refused(const char *const *environment, const char *part)
{
    const struct settings *s;
    assert_int_equal(load_with(&s, NULL, environment), ERR_INVALID);
    if (!strstr(e.text, part))
        fail_msg("'%s' is not in: %s", part, e.text);
}

static void defaults_are_there_without_any_source(void **state)
{
    (void)state;
    const struct settings *s = load(ENVIRONMENT("OTHER=1"));
    assert_false(settings_is_set(s, "PREFECT_API_URL"));
    assert_setting(s, "PREFECT_API_URL", "");
    assert_true(settings_f64(s, "PREFECT_WORKER_QUERY_SECONDS") == 10.0);
    assert_int_equal(settings_i64(s, "PREFECT_CLIENT_MAX_RETRIES"), 5);
    assert_true(settings_bool(s, "PREFECT_LOGGING_TO_API_ENABLED"));
    assert_false(settings_bool(s, "PREFECT_CLI_PROMPT"));
    assert_setting(s, "PREFECT_HOME", "/house/u/.prefect");
    assert_setting(s, "PREFECT_PROFILES_PATH", "/house/u/.prefect/profiles.toml");
    assert_setting(s, "PREFECT_CLOUD_UI_URL", "https://app.prefect.cloud");
    assert_setting(s, "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ENABLED", "True");
    assert_true(settings_f64(s, "PREFECT_K8S_WORKER_CANCEL_GRACE_SECONDS") == 75.0);
    assert_true(str_eq(settings_profile(s), STR("ephemeral")));
    assert_int_equal(settings_warning(s).n, 0);
}

static void pages_are_derived_from_the_api(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http://h:4200/api", "http://h:4200"},
        {"http://h/prefix/api", "http://h/prefix"},
        {"https://api.prefect.cloud/api/accounts/a/workspaces/b",
         "https://app.prefect.cloud/account/a/workspace/b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char variable[128];
        snprintf(variable, sizeof variable, "PREFECT_API_URL=%s", cases[i][0]);
        const struct settings *s = load(ENVIRONMENT(variable));
        assert_setting(s, "PREFECT_UI_URL", cases[i][1]);
        assert_false(settings_is_set(s, "PREFECT_UI_URL"));
        assert_int_equal(settings_cloud(s), i == 2);
    }
    assert_setting(load(ENVIRONMENT("PREFECT_UI_URL=http://mine")), "PREFECT_UI_URL",
                   "http://mine");
}

static void ca_file_follows_the_common_variable(void **state)
{
    (void)state;
    const struct settings *s = load(ENVIRONMENT("SSL_CERT_FILE=/ca.pem"));
    assert_setting(s, "PREFECT_API_SSL_CERT_FILE", "/ca.pem");
    assert_false(settings_is_set(s, "PREFECT_API_SSL_CERT_FILE"));
    s = load(ENVIRONMENT("SSL_CERT_FILE=/ca.pem", "PREFECT_API_SSL_CERT_FILE=/own.pem"));
    assert_setting(s, "PREFECT_API_SSL_CERT_FILE", "/own.pem");
}

static void refusals_name_setting_place_and_remedy(void **state)
{
    (void)state;
    assert_refused(ENVIRONMENT("PREFECT_WORKER_QUERY_SECONDS=abc"),
                   "PREFECT_WORKER_QUERY_SECONDS in the environment: 'abc' is not a number");
    assert_refused(ENVIRONMENT("PREFECT_CLIENT_MAX_RETRIES=-1"), "it must be >=0");
    assert_refused(ENVIRONMENT("PREFECT_LOGGING_LEVEL=loud"), "DEBUG, INFO, WARNING");
    assert_refused(ENVIRONMENT("PREFECT_DEBUG_MODE=maybe"), "neither true nor false");
    put_file("prefect.toml", "# comment\n[worker]\nquery_seconds = \"x\"\n");
    assert_refused(ENVIRONMENT("A=1"), "PREFECT_WORKER_QUERY_SECONDS in prefect.toml, line 3: 'x'");
    put_file("prefect.toml", "[worker\n");
    assert_refused(ENVIRONMENT("A=1"), "prefect.toml: ");
    put_file("prefect.toml", "");
    put_file(".env", "\nPREFECT_WORKER_QUERY_SECONDS=x\n");
    assert_refused(ENVIRONMENT("A=1"), "PREFECT_WORKER_QUERY_SECONDS in .env, line 2: 'x'");
}

static void refusals_never_show_what_may_be_secret(void **state)
{
    (void)state;
    assert_refused(ENVIRONMENT("PREFECT_CLIENT_CUSTOM_HEADERS=hunter2"), "not a JSON object");
    assert_null(strstr(e.text, "hunter2"));
    assert_refused(ENVIRONMENT("PREFECT_CLIENT_CUSTOM_HEADERS={\"a\":\"hunter2\",\"b\":1}"),
                   "the value of 'b' is not a text");
    assert_null(strstr(e.text, "hunter2"));
}

static void long_values_are_cut_in_messages(void **state)
{
    (void)state;
    char variable[1000] = "PREFECT_DEBUG_MODE=";
    memset(variable + strlen(variable), 'x', 900);
    assert_refused(ENVIRONMENT(variable), "x...' is neither true nor false");
}

static void profiles_are_chosen_and_missed(void **state)
{
    (void)state;
    const struct settings *s;
    put_file("profiles.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='http://a'\n"
                              "[profiles.b]\nPREFECT_API_URL='http://b'\n");
    char path[300];
    snprintf(path, sizeof path, "PREFECT_PROFILES_PATH=%s/profiles.toml", folder);
    assert_setting(load(ENVIRONMENT(path)), "PREFECT_API_URL", "http://a");
    s = load(ENVIRONMENT(path, "PREFECT_PROFILE=b"));
    assert_setting(s, "PREFECT_API_URL", "http://b");
    assert_true(str_eq(settings_profile(s), STR("b")));
    assert_int_equal(load_with(&s, "a", ENVIRONMENT(path, "PREFECT_PROFILE=b")), ERR_NONE);
    assert_setting(s, "PREFECT_API_URL", "http://a");
    s = load(ENVIRONMENT(path, "PREFECT_PROFILE=nope"));
    assert_true(str_has(settings_warning(s), STR("'nope'")));
    assert_true(settings_bool(s, "PREFECT_SERVER_EPHEMERAL_ENABLED"));
    assert_int_equal(load_with(&s, "nope", ENVIRONMENT(path)), ERR_INVALID);
    assert_non_null(strstr(e.text, "--profile: there is no profile 'nope' in /tmp/"));
}

static void credentials_are_marked(void **state)
{
    (void)state;
    const struct settings *s = load(ENVIRONMENT("PREFECT_API_KEY=k", "PREFECT_API_URL=http://x"));
    str name, value;
    bool secret;
    size_t seen = 0;
    for (size_t i = 0; settings_propagated(s, i, &name, &value, &secret); i++) {
        assert_int_equal(secret, str_eq(name, STR("PREFECT_API_KEY")));
        seen += secret;
    }
    assert_int_equal(seen, 1);
}

static void own_and_integration_settings_come_from_every_source(void **state)
{
    (void)state;
    put_file("prefect.toml", "[k8s_worker]\nlog_streams = 3\n[integrations.kubernetes.worker]\n"
                             "create_secret_for_api_key = true\n");
    const struct settings *s = load(
        ENVIRONMENT("PREFECT_K8S_WORKER_MAX_STARTING=5",
                    "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS=b = 2,a=1=1",
                    "PREFECT_KUBERNETES_WORKER_ADD_TCP_KEEPALIVE=no"));
    assert_int_equal(settings_i64(s, "PREFECT_K8S_WORKER_LOG_STREAMS"), 3);
    assert_int_equal(settings_i64(s, "PREFECT_K8S_WORKER_MAX_STARTING"), 5);
    assert_setting(s, "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS",
                   "a=1=1,b=2");
    assert_true(
        settings_bool(s, "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY"));
    assert_false(settings_bool(s, "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_ADD_TCP_KEEPALIVE"));
    str name, value;
    bool secret;
    for (size_t i = 0; settings_propagated(s, i, &name, &value, &secret); i++)
        assert_true(str_eq(name, STR("PREFECT_SERVER_EPHEMERAL_ENABLED")));
    assert_refused(
        ENVIRONMENT("PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS=x"),
        "not of the form key=value");
}

static void huge_numbers_are_clamped_for_reading(void **state)
{
    (void)state;
    const struct settings *s = load(ENVIRONMENT("PREFECT_CLIENT_MAX_RETRIES=99999999999999999999"));
    assert_setting(s, "PREFECT_CLIENT_MAX_RETRIES", "99999999999999999999");
    assert_true(settings_i64(s, "PREFECT_CLIENT_MAX_RETRIES") == INT64_MAX);
}

static void the_tables_hold_what_they_promise(void **state)
{
    (void)state;
    assert_int_equal(settings_of_prefect_count, 226);
    for (size_t i = 0; i < settings_of_prefect_count + settings_of_worker_count; i++) {
        const struct setting *s = i < settings_of_prefect_count
                                      ? &settings_of_prefect[i]
                                      : &settings_of_worker[i - settings_of_prefect_count];
        char name[SETTING_NAME_MAX];
        str full = setting_name(s, name);
        assert_true(str_starts(full, STR("PREFECT_")));
        assert_int_equal(s->type == SETTING_CHOICE, s->limits && strchr(s->limits, '|'));
    }
}

static int open_folder(void **state)
{
    (void)state;
    arena_reserve(&perm, "perm", 4 * MIB);
    arena_reserve(&scratch, "scratch", 32 * MIB);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    fresh(state);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_there_without_any_source, fresh),
        cmocka_unit_test_setup(pages_are_derived_from_the_api, fresh),
        cmocka_unit_test_setup(ca_file_follows_the_common_variable, fresh),
        cmocka_unit_test_setup(refusals_name_setting_place_and_remedy, fresh),
        cmocka_unit_test_setup(refusals_never_show_what_may_be_secret, fresh),
        cmocka_unit_test_setup(long_values_are_cut_in_messages, fresh),
        cmocka_unit_test_setup(profiles_are_chosen_and_missed, fresh),
        cmocka_unit_test_setup(credentials_are_marked, fresh),
        cmocka_unit_test_setup(own_and_integration_settings_come_from_every_source, fresh),
        cmocka_unit_test_setup(huge_numbers_are_clamped_for_reading, fresh),
        cmocka_unit_test_setup(the_tables_hold_what_they_promise, fresh),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
