/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/prefect_rig.h"

/* The exchange with the Prefect API against a scripted server: headers, CSRF, repetition. */

struct outcome {
    int times;
    enum err_kind kind;
    int status;
    bool lost;
    char body[1024], error[ERR_TEXT_MAX];
};

static void on_done(void *ctx, const struct prefect_reply *reply)
{
    struct outcome *o = ctx;
    o->times++;
    o->kind = reply->kind;
    o->status = reply->status;
    o->lost = reply->lost;
    assert_non_null(reply->http);
    assert_non_null(reply->arena);
    str_to_cstr(reply->body, o->body, sizeof o->body);
    if (reply->kind)
        str_to_cstr(str_of(reply->err->text), o->error, sizeof o->error);
}

static prefect_id send_request(enum http_method method, const char *body,
                               enum prefect_repeat repeat, struct outcome *o)
{
    struct err e = {0};
    prefect_id id = 0;
    *o = (struct outcome){0};
    struct prefect_request request = {
        .method = method,
        .path = STR("/thing"),
        .body = str_of(body),
        .repeat = repeat,
        .on_done = on_done,
        .ctx = o,
    };
    if (prefect_send(client, &request, &id, &e))
        fail_msg("%s", e.text);
    assert_int_equal(o->times, 0);
    return id;
}

static void call(enum http_method method, const char *body, enum prefect_repeat repeat,
                 struct outcome *o)
{
    send_request(method, body, repeat, o);
    turn_until(&o->times);
    assert_int_equal(o->times, 1);
}

static void headers_of_a_request(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "200 OK";
    script.bodies[0] = "{}";
    char url[80];
    snprintf(url, sizeof url, "%s/api/", server.base_url);
    struct prefect_options with = options();
    with.api_url = str_of(url);
    with.api_key = STR("secret-key");
    connect_with(&with);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_has(script.requests[0], "GET /api/thing HTTP/1.1\r\n");
    assert_has(script.requests[0], "\r\nUser-Agent: prefect/3.8.8 (API 0.8.4)\r\n");
    assert_has(script.requests[0], "\r\nX-PREFECT-API-VERSION: 0.8.4\r\n");
    assert_has(script.requests[0], "\r\nAuthorization: Bearer secret-key\r\n");
    assert_has(script.requests[0], "\r\nAccept: */*\r\n");
    assert_null(strstr(script.requests[0], "Content-Type"));
    assert_null(strstr(script.requests[0], "Worker-Name"));
    assert_null(strstr(script.requests[0], "Accept-Encoding"));
    prefect_set_worker_name(client, STR(" \tmy worker "));
    call(HTTP_POST, "{\"a\":1}", PREFECT_REPEAT_SAFE, &o);
    assert_has(script.requests[1], "\r\nX-Prefect-Worker-Name: my worker\r\n");
    assert_has(script.requests[1], "\r\nContent-Type: application/json\r\n");
    assert_has(script.requests[1], "\r\n\r\n{\"a\":1}");
    server_stop(&server);
}

static void custom_headers_come_last(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "200 OK";
    script.bodies[0] = "{}";
    struct prefect_options with = options();
    with.api_key = STR("key");
    with.api_auth_string = STR("user:pass");
    connect_with(&with);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_has(script.requests[0], "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n");
    with.custom_headers = STR("{\"authorization\": \"Other\", \"X-Mine\": \"1\", \"user-agent\": "
                              "\"no\", \"Prefect-CSRF-Token\": \"no\", "
                              "\"x-prefect-api-version\": \"9\"}");
    connect_with(&with);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_has(script.requests[1], "\r\nauthorization: Other\r\n");
    assert_has(script.requests[1], "\r\nX-Mine: 1\r\n");
    assert_has(script.requests[1], "\r\nx-prefect-api-version: 9\r\n");
    assert_has(script.requests[1], "\r\nUser-Agent: prefect/3.8.8 (API 0.8.4)\r\n");
    assert_null(strstr(script.requests[1], "Basic"));
    assert_null(strstr(script.requests[1], ": no\r\n"));
    server_stop(&server);
}

static void bad_options_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *url, *headers, *key, *want;
    } cases[] = {
        {"ftp://x/api", "", "", "PREFECT_API_URL"},
        {"http://", "", "", "PREFECT_API_URL"},
        {"http://x/api?y", "", "", "PREFECT_API_URL"},
        {"http://x", "[1]", "", "PREFECT_CLIENT_CUSTOM_HEADERS"},
        {"http://x", "{\"a\": 1}", "", "must be a string"},
        {"http://x", "{\"a b\": \"1\"}", "", "name of an HTTP header"},
        {"http://x", "{\"a\": \"1\\r\\nb: 2\"}", "", "control character"},
        {"http://x", "{", "", "PREFECT_CLIENT_CUSTOM_HEADERS"},
        {"http://x", "", "a\nb", "PREFECT_API_KEY"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct prefect_options with = {
            .api_url = str_of(cases[i].url),
            .custom_headers = str_of(cases[i].headers),
            .api_key = str_of(cases[i].key),
        };
        assert_int_equal(prefect_open(&perm, loop, http, &with, &client, &e), ERR_INVALID);
        assert_has(e.text, cases[i].want);
    }
}

static void csrf_token_is_fetched_once_for_all(void **state)
{
    (void)state;
    struct outcome a, b, c;
    begin();
    script.statuses[0] = "200 OK";
    script.bodies[0] = "{\"token\": \"tok1\", \"expiration\": \"2199-01-01T00:00:00Z\"}";
    script.statuses[1] = "201 Created";
    script.bodies[1] = "{}";
    struct prefect_options with = options();
    with.csrf = true;
    connect_with(&with);
    send_request(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &a);
    send_request(HTTP_PATCH, "{}", PREFECT_REPEAT_NEVER, &b);
    turn_until(&a.times);
    turn_until(&b.times);
    assert_int_equal(script.count, 3);
    assert_has(script.requests[0], "GET /csrf-token?client=");
    assert_null(strstr(script.requests[0], "Prefect-Csrf"));
    for (int i = 1; i < 3; i++) {
        assert_has(script.requests[i], "\r\nPrefect-Csrf-Token: tok1\r\n");
        assert_has(script.requests[i], "\r\nPrefect-Csrf-Client: ");
    }
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &c);
    assert_null(strstr(script.requests[3], "Prefect-Csrf"));
    server_stop(&server);
}

static void csrf_is_switched_off(void **state)
{
    (void)state;
    static const struct {
        const char *status, *body;
    } cases[] = {
        {"404 Not Found", "{\"detail\":\"Not Found\"}"},
        {"422 Unprocessable Entity", "{\"detail\":\"CSRF protection is disabled.\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome o;
        begin();
        script.statuses[0] = cases[i].status;
        script.bodies[0] = cases[i].body;
        script.statuses[1] = "200 OK";
        script.bodies[1] = "{}";
        struct prefect_options with = options();
        with.csrf = true;
        connect_with(&with);
        call(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &o);
        assert_int_equal(o.kind, ERR_NONE);
        call(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &o);
        assert_int_equal(o.kind, ERR_NONE);
        assert_int_equal(script.count, 3);
        assert_null(strstr(script.requests[2], "Prefect-Csrf"));
        server_stop(&server);
    }
}

static void csrf_failure_fails_what_waits(void **state)
{
    (void)state;
    struct outcome a, b;
    begin();
    script.statuses[0] = "500 Internal Server Error";
    script.bodies[0] = "{\"exception_message\":\"boom\"}";
    struct prefect_options with = options();
    with.csrf = true;
    connect_with(&with);
    send_request(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &a);
    send_request(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &b);
    turn_until(&a.times);
    turn_until(&b.times);
    assert_int_equal(script.count, 1);
    assert_int_equal(a.kind, ERR_RETRY);
    assert_false(a.lost);
    assert_has(b.error, "boom");
    server_stop(&server);
}

static void csrf_refusal_fetches_another(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "200 OK";
    script.bodies[0] = "{\"token\": \"old\"}";
    script.statuses[1] = "403 Forbidden";
    script.headers[1] = "Retry-After: 0\r\n";
    script.bodies[1] = "{\"detail\":\"Invalid CSRF token or client identifier.\"}";
    script.statuses[2] = "200 OK";
    script.bodies[2] = "{\"token\": \"new\"}";
    script.statuses[3] = "200 OK";
    script.bodies[3] = "{}";
    struct prefect_options with = options();
    with.csrf = true;
    connect_with(&with);
    call(HTTP_POST, "{}", PREFECT_REPEAT_UNSENT, &o);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(script.count, 4);
    assert_has(script.requests[3], "Prefect-Csrf-Token: new\r\n");
    server_stop(&server);
}

static void a_busy_server_is_asked_again(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "503 Service Unavailable";
    script.headers[0] = "Retry-After: 0.05\r\n";
    script.bodies[0] = "{}";
    script.statuses[2] = "200 OK";
    script.bodies[2] = "{\"ok\":1}";
    script.statuses[1] = "429 Too Many Requests";
    script.headers[1] = "Retry-After: 0\r\n";
    script.bodies[1] = "{}";
    struct prefect_options with = options();
    connect_with(&with);
    int64_t before = time_mono_ms();
    call(HTTP_POST, "{\"same\":1}", PREFECT_REPEAT_UNSENT, &o);
    assert_true(time_mono_ms() - before >= 50);
    assert_int_equal(o.status, 200);
    assert_false(o.lost);
    assert_int_equal(script.count, 3);
    for (int i = 0; i < 3; i++)
        assert_has(script.requests[i], "{\"same\":1}");
    server_stop(&server);
}

static void retries_end(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "503 Service Unavailable";
    script.headers[0] = "Retry-After: 0\r\n";
    script.bodies[0] = "{\"detail\":\"not now\"}";
    struct prefect_options with = options();
    connect_with(&with);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_int_equal(script.count, 3);
    assert_int_equal(o.status, 503);
    assert_int_equal(o.kind, ERR_RETRY);
    assert_has(o.error, "503");
    assert_has(o.error, ": not now");
    script.count = 0;
    call(HTTP_GET, NULL, PREFECT_REPEAT_NEVER, &o);
    assert_int_equal(script.count, 1);
    server_stop(&server);
}

static void maintenance_does_not_count(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "503 Service Unavailable";
    script.headers[0] = "Retry-After: 0.02\r\nPrefect-Maintenance: true\r\n";
    script.bodies[0] = "{}";
    script.statuses[6] = "200 OK";
    script.bodies[6] = "{}";
    struct prefect_options with = options();
    connect_with(&with);
    assert_int_equal(prefect_maintenance_until_ms(client), 0);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_int_equal(o.status, 200);
    assert_int_equal(script.count, 7);
    assert_true(prefect_maintenance_until_ms(client) > 0);
    server_stop(&server);
}

static void a_lost_reply_is_said(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    script.statuses[0] = "reset";
    struct prefect_options with = options();
    with.max_retries = 0;
    connect_with(&with);
    call(HTTP_POST, "{}", PREFECT_REPEAT_UNSENT, &o);
    assert_int_equal(o.kind, ERR_RETRY);
    assert_int_equal(o.status, 0);
    assert_true(o.lost);
    call(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &o);
    assert_false(o.lost);
    server_stop(&server);
}

static void a_refused_connection_is_told_at_once(void **state)
{
    (void)state;
    struct outcome o;
    begin();
    struct prefect_options with = options();
    connect_with(&with);
    server_stop(&server);
    int64_t before = time_mono_ms();
    call(HTTP_POST, "{}", PREFECT_REPEAT_SAFE, &o);
    assert_true(time_mono_ms() - before < 1000);
    assert_int_equal(o.kind, ERR_RETRY);
    assert_false(o.lost);
}

static void cancelled_calls_are_silent(void **state)
{
    (void)state;
    struct outcome a, b;
    begin();
    script.statuses[0] = "503 Service Unavailable";
    script.headers[0] = "Retry-After: 0.1\r\n";
    script.bodies[0] = "{}";
    struct prefect_options with = options();
    connect_with(&with);
    prefect_id id = send_request(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &a);
    prefect_cancel(client, id);
    prefect_cancel(client, id); /* a stale id is ignored */
    id = send_request(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &b);
    turn_until(&script.count);
    turn_for(30);
    prefect_cancel(client, id); /* while it pauses */
    turn_for(150);
    assert_int_equal(a.times + b.times, 0);
    server_stop(&server);
}

static void all_calls_may_be_taken(void **state)
{
    (void)state;
    static struct outcome outcomes[PREFECT_CALLS_MAX];
    begin();
    script.statuses[0] = "200 OK";
    script.bodies[0] = "{}";
    struct prefect_options with = options();
    connect_with(&with);
    prefect_id ids[PREFECT_CALLS_MAX];
    for (size_t i = 0; i < PREFECT_CALLS_MAX; i++)
        ids[i] = send_request(HTTP_GET, NULL, PREFECT_REPEAT_SAFE, &outcomes[i]);
    struct err e = {0};
    struct prefect_request request = {.path = STR("/x"), .on_done = on_done, .ctx = outcomes};
    assert_int_equal(prefect_send(client, &request, NULL, &e), ERR_LIMIT);
    for (size_t i = 0; i < PREFECT_CALLS_MAX; i++)
        prefect_cancel(client, ids[i]);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_a_request),
        cmocka_unit_test(custom_headers_come_last),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(csrf_token_is_fetched_once_for_all),
        cmocka_unit_test(csrf_is_switched_off),
        cmocka_unit_test(csrf_failure_fails_what_waits),
        cmocka_unit_test(csrf_refusal_fetches_another),
        cmocka_unit_test(a_busy_server_is_asked_again),
        cmocka_unit_test(retries_end),
        cmocka_unit_test(maintenance_does_not_count),
        cmocka_unit_test(a_lost_reply_is_said),
        cmocka_unit_test(a_refused_connection_is_told_at_once),
        cmocka_unit_test(cancelled_calls_are_silent),
        cmocka_unit_test(all_calls_may_be_taken),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
