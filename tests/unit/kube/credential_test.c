/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_rig.h"

static void a_password(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){
        .credential = KUBE_BASIC, .username = STR("me"), .password = STR("p:w")});
    call(&o);
    assert_has(script.requests[0], "\r\nAuthorization: Basic bWU6cDp3\r\n");
    server_stop(&server);
}

static void a_token_file_is_read_again_after_401(void **state)
{
    (void)state;
    struct outcome o;
    write_file("token", "first\n");
    begin((struct kube_config){.credential = KUBE_TOKEN_FILE,
                               .token_file = str_of(in_folder("token"))});
    call(&o);
    assert_has(script.requests[0], "Bearer first\r\n");
    write_file("token", "second\n");
    call(&o);
    assert_has(script.requests[1], "Bearer first\r\n"); /* for a minute */
    script.statuses[2] = "401 Unauthorized";
    script.statuses[3] = "200 OK";
    call(&o);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(script.count, 4);
    assert_has(script.requests[2], "Bearer first\r\n");
    assert_has(script.requests[3], "Bearer second\r\n");
    /* Twice 401 is an answer; a file that is gone leaves the token as it was. */
    unlink(in_folder("token"));
    script.statuses[4] = "401 Unauthorized";
    call(&o);
    assert_int_equal(script.count, 6);
    assert_has(script.requests[5], "Bearer second\r\n");
    assert_int_equal(o.kind, ERR_AUTH);
    assert_has(o.error, "/token (401)");
    server_stop(&server);
}

static void a_plugin_that_gives_certificates(void **state)
{
    (void)state;
    struct outcome o;
    char shell[4096], pem[2048];
    size_t n = 0;
    for (const char *p = CLIENT_PEM "\",\"clientKeyData\":\"" CLIENT_KEY_PEM; *p; p++)
        n += (size_t)snprintf(pem + n, sizeof pem - n, *p == '\n' ? "\\n" : "%c", *p);
    snprintf(shell, sizeof shell,
             "#!/bin/sh\ncat <<'E'\n{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
             "\",\"status\":{\"expirationTimestamp\":\"2199-01-01T00:00:00Z\","
             "\"clientCertificateData\":\"%s\"}}\nE\n",
             pem);
    begin(plugin(shell));
    call(&o);
    if (o.kind)
        fail_msg("%s", o.error);
    assert_null(strstr(script.requests[0], "Authorization"));
    server_stop(&server);
}

static void a_plugin_that_expires_runs_again(void **state)
{
    (void)state;
    struct outcome o;
    struct kube_config with =
        plugin("#!/bin/sh\necho x >>\"$0.again\"\n"
               "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
               "\",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}"
               "'\n");
    begin(with);
    call(&o);
    assert_int_equal(o.kind, ERR_NONE);
    call(&o); /* it has expired, but it is used for a second at least */
    struct stat s;
    assert_int_equal(stat(in_folder("plugin.again"), &s), 0);
    assert_int_equal(s.st_size, 2);
    turn_for(1100);
    call(&o);
    assert_int_equal(stat(in_folder("plugin.again"), &s), 0);
    assert_int_equal(s.st_size, 4);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password),
        cmocka_unit_test(a_token_file_is_read_again_after_401),
        cmocka_unit_test(a_plugin_that_gives_certificates),
        cmocka_unit_test(a_plugin_that_expires_runs_again),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
