/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_rig.h"

static void headers_and_a_fixed_token(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){.credential = KUBE_TOKEN, .token = STR("tok")});
    script.bodies[0] = "{\"a\":1}";
    call(&o);
    assert_int_equal(o.kind, ERR_NONE);
    assert_string_equal(o.body, "{\"a\":1}");
    assert_has(script.requests[0], "POST /apis/batch/v1/namespaces/ns/jobs HTTP/1.1\r\n");
    assert_has(script.requests[0], "\r\nUser-Agent: prefect-k8s-worker/" PKW_VERSION "\r\n");
    assert_has(script.requests[0], "\r\nAuthorization: Bearer tok\r\n");
    assert_has(script.requests[0], "\r\nContent-Type: application/json\r\n");
    script.statuses[1] = "401 Unauthorized";
    script.bodies[1] = "{\"kind\":\"Status\",\"reason\":\"Unauthorized\"}";
    call(&o);
    assert_int_equal(script.count, 2); /* nothing can be renewed */
    assert_int_equal(o.kind, ERR_AUTH);
    assert_string_equal(o.reason, "Unauthorized");
    assert_has(o.error, "the token (401)");
    server_stop(&server);
}

static void nobody(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){0});
    call(&o);
    assert_null(strstr(script.requests[0], "Authorization"));
    server_stop(&server);
}

static void no_token_no_request(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){.credential = KUBE_TOKEN_FILE,
                               .token_file = str_of(in_folder("absent"))});
    call(&o);
    assert_int_equal(script.count, 0);
    assert_int_equal(o.kind, ERR_AUTH);
    assert_int_equal(o.status, 0);
    assert_has(o.error, "absent");
    server_stop(&server);
}

static void refusals_have_parts(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){0});
    script.statuses[0] = "409 Conflict";
    script.bodies[0] = "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"jobs x "
                       "already exists\"}";
    call(&o);
    assert_int_equal(o.kind, ERR_CONFLICT);
    assert_string_equal(o.reason, "AlreadyExists");
    assert_string_equal(o.message, "jobs x already exists");
    assert_string_equal(o.error, "cannot create jobs in namespace ns (409 AlreadyExists): jobs x "
                                 "already exists");
    server_stop(&server);
}

static void calls_can_be_cancelled_while_a_plugin_runs(void **state)
{
    (void)state;
    struct outcome o;
    begin(plugin("#!/bin/sh\nexec sleep 1\n"));
    kube_id id = send_request(&o);
    turn_for(50);
    kube_cancel(kube, id);
    kube_cancel(kube, id);
    turn_for(1200);
    assert_int_equal(o.times, 0);
    server_stop(&server);
}

static void paths(void **state)
{
    (void)state;
    char memory[512];
    struct arena a = arena_over("t", memory, sizeof memory);
    str p = kube_path(&a, "/apis/batch/v1", STR("n"), "jobs", STR("j/../x"));
    assert_true(str_eq(p, STR("/apis/batch/v1/namespaces/n/jobs/j%2F..%2Fx")));
    p = kube_path(&a, "/api/v1", (str){0}, "pods", (str){0});
    assert_true(str_eq(p, STR("/api/v1/pods")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_and_a_fixed_token),
        cmocka_unit_test(nobody),
        cmocka_unit_test(no_token_no_request),
        cmocka_unit_test(refusals_have_parts),
        cmocka_unit_test(calls_can_be_cancelled_while_a_plugin_runs),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
