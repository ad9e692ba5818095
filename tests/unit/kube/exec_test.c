/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_rig.h"

static void a_plugin_runs_once_for_all(void **state)
{
    (void)state;
    struct outcome a, b;
    begin(plugin("#!/bin/sh\necho x >>\"$0.runs\"\ncat >\"$0.in\"\n"
                 "printf %s \"$KUBERNETES_EXEC_INFO\" >\"$0.info\"\n"
                 "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
                 "\",\"status\":{\"token\":\"from-plugin\"}}'\n"));
    send_request(&a);
    send_request(&b);
    turn_until(&a.times);
    turn_until(&b.times);
    assert_int_equal(a.kind, ERR_NONE);
    assert_has(script.requests[0], "Bearer from-plugin\r\n");
    assert_has(script.requests[1], "Bearer from-plugin\r\n");
    call(&a);
    struct stat s;
    assert_int_equal(stat(in_folder("plugin.runs"), &s), 0);
    assert_int_equal(s.st_size, 2); /* one run */
    assert_int_equal(stat(in_folder("plugin.in"), &s), 0);
    assert_int_equal(s.st_size, 0);
    char info[256] = "";
    FILE *f = fopen(in_folder("plugin.info"), "r");
    assert_non_null(f);
    assert_non_null(fgets(info, sizeof info, f));
    fclose(f);
    assert_string_equal(info, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
                              "\",\"spec\":{\"interactive\":false}}");
    /* A refused token makes it run again. */
    script.statuses[3] = "401 Unauthorized";
    script.statuses[4] = "200 OK";
    call(&a);
    assert_int_equal(a.kind, ERR_NONE);
    assert_int_equal(stat(in_folder("plugin.runs"), &s), 0);
    assert_int_equal(s.st_size, 4);
    server_stop(&server);
}

static void plugins_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *shell, *want;
    } cases[] = {
        {"#!/bin/sh\necho one >&2\necho 'log in first' >&2\nexit 3\n",
         "exit status 3: log in first (its hint: ask the admins)"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
        {"#!/bin/sh\necho hello\n", "no JSON"},
        {"#!/bin/sh\necho '{}'\n", "no ExecCredential"},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"x/v2\"}'\n", API},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
         "\",\"status\":{}}'\n",
         "neither a token"},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
         "\",\"status\":{\"clientKeyData\":\"x\"}}'\n",
         "only one of"},
        {"#!/bin/sh\nhead -c 300000 /dev/zero\n", "256 KiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome o;
        begin(plugin(cases[i].shell));
        call(&o);
        assert_int_equal(o.kind, ERR_AUTH);
        assert_int_equal(script.count, 0);
        assert_has(o.error, "exec plugin /");
        assert_has(o.error, cases[i].want);
        server_stop(&server);
    }
    struct outcome o;
    struct kube_config with = plugin("");
    with.exec.command = STR("no-such-plugin");
    begin(with);
    call(&o);
    assert_has(o.error, "exec plugin no-such-plugin: not found");
    assert_has(o.error, "ask the admins");
    server_stop(&server);
}

static void a_plugin_that_hangs_is_killed(void **state)
{
    (void)state;
    struct outcome o;
    /* What it starts holds its output open: the whole group has to go. */
    struct kube_config with = plugin("#!/bin/sh\nsleep 100 &\necho $! >\"$0.child\"\nwait\n");
    with.exec.timeout_ms = 300;
    begin(with);
    call(&o);
    assert_int_equal(o.kind, ERR_AUTH);
    assert_has(o.error, "no answer in 0.3 s");
    int child = 0;
    FILE *f = fopen(in_folder("plugin.child"), "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    turn_for(50);
    char path[64], status[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    if ((f = fopen(path, "r"))) { /* not reaped yet, where nobody does */
        assert_non_null(fgets(status, sizeof status, f));
        fclose(f);
        assert_has(status, ") Z ");
    }
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_runs_once_for_all),
        cmocka_unit_test(plugins_that_fail),
        cmocka_unit_test(a_plugin_that_hangs_is_killed),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
