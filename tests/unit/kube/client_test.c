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

static void closing_ends_a_plugin_and_all_calls(void **state)
{
    (void)state;
    struct outcome o;
    begin(plugin("#!/bin/sh\necho $$ >\"$0.pid\"\nexec sleep 100\n"));
    kube_id id = send_request(&o);
    for (int i = 0; i < 200 && access(in_folder("plugin.pid"), F_OK); i++)
        turn_for(10);
    turn_for(20);
    assert_false(kube_answered(kube, id));
    kube_close(kube);
    int pid = 0;
    FILE *f = fopen(in_folder("plugin.pid"), "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    assert_int_equal(access(path, F_OK), -1); /* killed and reaped */
    turn_for(50);
    assert_int_equal(o.times, 0);
    server_stop(&server);
}

static int streamed;

static enum http_data_verdict on_bytes(void *ctx, str bytes, struct err *e)
{
    (void)ctx;
    (void)e;
    streamed += (int)bytes.n;
    return HTTP_DATA_TAKEN;
}

static void answer_head(struct connection *c, str request)
{
    (void)request;
    server_send(c, STR("HTTP/1.1 200 OK\r\n\r\n"));
}

static void a_stream_stands_when_its_head_is_there(void **state)
{
    (void)state;
    struct outcome o = {0};
    struct err e;
    kube_id id;
    begin((struct kube_config){0});
    server.answer = answer_head;
    struct kube_request request = {
        .path = STR("/x"), .timeout_ms = -1, .on_data = on_bytes, .on_done = on_done, .ctx = &o};
    assert_int_equal(kube_send(kube, &request, &id, &e), ERR_NONE);
    assert_false(kube_answered(kube, id));
    for (int i = 0; i < 200 && !kube_answered(kube, id); i++)
        turn_for(10);
    assert_true(kube_answered(kube, id));
    assert_int_equal(streamed, 0);
    kube_cancel(kube, id);
    assert_false(kube_answered(kube, id));
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
        cmocka_unit_test(closing_ends_a_plugin_and_all_calls),
        cmocka_unit_test(a_stream_stands_when_its_head_is_there),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
