/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_rig.h"
#include "net/script_server.h"

/* Connections that fail in every phase, and what the reply says of it. */

static struct server server;
static struct http_target target;

static void serve(answer_fn *answer, void *ctx)
{
    assert_true(server_open(&server, loop, answer, ctx));
    target = (struct http_target){.base_url = str_of(server.base_url)};
}

static struct http_request to(enum http_method method, const char *path)
{
    return (struct http_request){.target = &target, .method = method, .path = str_of(path)};
}

static void answer_hello(struct connection *c, str request)
{
    (void)request;
    server_reply(c, "200 OK", "", STR("hello"));
}

static void nobody_listens(void **state)
{
    (void)state;
    struct got got;
    char want[160];
    serve(answer_hello, NULL);
    server_stop(&server);
    exchange(to(HTTP_POST, "/x?y"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.refused);
    assert_false(got.reply.connected || got.reply.timed_out);
    assert_int_equal(got.reply.status, 0);
    assert_int_equal(got.reply.err.source, ERR_FROM_CURL);
    snprintf(want, sizeof want, "POST %s/x: cannot connect to 127.0.0.1:%u: Connection refused",
             server.base_url, server.port);
    assert_string_equal(got.reply.err.text, want);
}

static void nobody_has_the_name(void **state)
{
    (void)state;
    struct got got;
    /* An empty label: the resolver refuses it without asking anybody. */
    target = (struct http_target){.base_url = STR("http://user:geheim@no..such.host:81")};
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.refused);
    assert_false(got.reply.connected);
    assert_string_equal(
        got.reply.err.text,
        "GET http://no..such.host:81/x: the name of no..such.host:81 cannot be resolved");
}

static void answer_by_reset(struct connection *c, str request)
{
    (void)request;
    server_reset(c);
}

static void answer_by_close(struct connection *c, str request)
{
    (void)request;
    server_close(c);
}

static void no_reply_comes(void **state)
{
    (void)state;
    struct got got;
    serve(answer_by_reset, NULL);
    exchange(to(HTTP_POST, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.connected);
    assert_false(got.reply.refused);
    assert_has(got.reply.err.text, "/x: the connection was reset before the reply began");
    assert_int_equal(server.requests, 1);
    server_stop(&server);

    serve(answer_by_close, NULL);
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.connected);
    assert_has(got.reply.err.text, "/x: the server closed the connection without a reply");
    server_stop(&server);
}

static void answer_cut(struct connection *c, str request)
{
    (void)request;
    server_send(c, str_of(c->server->ctx));
    server_close(c);
}

static void replies_are_cut(void **state)
{
    (void)state;
    struct got got;
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    };
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        serve(answer_cut, (void *)replies[i]);
        exchange(to(HTTP_GET, "/x"), &got);
        assert_int_equal(got.reply.kind, ERR_RETRY);
        assert_int_equal(got.reply.status, 200);
        assert_true(got.reply.connected);
        assert_has(got.reply.err.text, "the connection broke in the middle of the reply (HTTP 200, "
                                       "5 bytes of its body arrived)");
        server_stop(&server);
    }
    serve(answer_cut, (void *)"HTTP/1.1 200 OK\r\nContent-Len");
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    server_stop(&server);
    serve(answer_cut, (void *)"HTTP/1.1 200 OK\r\n\r\nup to the end");
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_string_equal(got.body, "up to the end");
    server_stop(&server);
}

static void answer_no_http(struct connection *c, str request)
{
    (void)request;
    server_send(c, STR("SSH-2.0-OpenSSH_9.2\r\n"));
    server_close(c);
}

static void answer_endless_headers(struct connection *c, str request)
{
    (void)request;
    char line[1024];
    memset(line, 'h', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    server_send(c, STR("HTTP/1.1 200 OK\r\n"));
    for (int i = 0; i < 2000; i++)
        server_send(c, (str){line, sizeof line});
}

static void replies_are_no_http(void **state)
{
    (void)state;
    struct got got;
    serve(answer_no_http, NULL);
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_has(got.reply.err.text, "the reply is not HTTP/1");
    server_stop(&server);
}

static void answer_nothing(struct connection *c, str request)
{
    (void)c;
    (void)request;
}

static void answer_start(struct connection *c, str request)
{
    (void)request;
    server_send(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart"));
}

static void patience_has_ends(void **state)
{
    (void)state;
    struct got got;
    serve(answer_nothing, NULL);
    struct http_request request = to(HTTP_GET, "/x");
    request.timeout_ms = 60;
    int64_t began = time_mono_ms();
    exchange(request, &got);
    assert_in_range(time_mono_ms() - began, 55, 2000);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.timed_out && got.reply.connected);
    assert_has(got.reply.err.text, "/x: not finished within 0.06 s");
    server_stop(&server);

    serve(answer_start, NULL);
    request.timeout_ms = 0;
    request.idle_timeout_ms = 1000;
    began = time_mono_ms();
    exchange(request, &got);
    assert_in_range(time_mono_ms() - began, 950, 4000);
    assert_true(got.reply.timed_out && got.reply.connected);
    assert_int_equal(got.reply.status, 200);
    assert_has(got.reply.err.text, "/x: nothing arrived for 1 s");
    server_stop(&server);
}

struct drip {
    struct loop_timer timer;
    struct connection *connection;
    int left;
};

static void on_drip(void *ctx)
{
    struct drip *drip = ctx;
    server_send(drip->connection, STR("."));
    if (--drip->left > 0)
        loop_timer_set(loop, &drip->timer, 120, on_drip, drip);
}

static void answer_drip(struct connection *c, str request)
{
    (void)request;
    struct drip *drip = c->server->ctx;
    drip->connection = c;
    server_send(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"));
    loop_timer_set(loop, &drip->timer, 120, on_drip, drip);
}

static void a_slow_reply_is_not_an_idle_one(void **state)
{
    (void)state;
    struct got got;
    struct drip drip = {.left = 6};
    serve(answer_drip, &drip);
    struct http_request request = to(HTTP_GET, "/x");
    request.idle_timeout_ms = 600; /* less than the whole takes, more than each part of it */
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_string_equal(got.body, "......");
    server_stop(&server);
}

/* Answers the first request of each connection, and drops it with the second. */
static void answer_once(struct connection *c, str request)
{
    (void)request;
    if (c->requests == 0)
        server_reply(c, "200 OK", "", STR("ok"));
    else
        server_reset(c);
}

/* The connection dies with a request on it: it may have been acted on. */
static void a_lost_reply_is_not_hidden(void **state)
{
    (void)state;
    struct got got;
    static const enum http_method methods[] = {HTTP_POST, HTTP_PATCH};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        serve(answer_once, NULL);
        exchange(to(methods[i], "/x"), &got);
        assert_int_equal(got.reply.kind, ERR_NONE);
        exchange(to(methods[i], "/x"), &got);
        assert_int_equal(got.reply.kind, ERR_RETRY);
        assert_true(got.reply.connected);
        assert_int_equal(got.reply.status, 0);
        assert_has(got.reply.err.text,
                   "broke before the reply, and the request may have been acted on");
        assert_int_equal(server.requests, 2); /* not sent a third time */
        server_stop(&server);
    }
    /* Where repeating is harmless, curl does so on a new connection. */
    serve(answer_once, NULL);
    exchange(to(HTTP_GET, "/x"), &got);
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_int_equal(server.accepted, 2);
    server_stop(&server);
}

/* A connection that the server closed while it was idle is not used again. */
static void a_closed_connection_is_replaced(void **state)
{
    (void)state;
    struct got got;
    serve(answer_hello, NULL);
    for (int i = 1; i <= 3; i++) {
        exchange(to(HTTP_POST, "/x"), &got);
        assert_int_equal(got.reply.kind, ERR_NONE);
        assert_int_equal(server.accepted, i);
        for (int c = 0; c < SERVER_CONNECTIONS; c++)
            server_close(&server.connections[c]);
    }
    server_stop(&server);
}

static void headers_without_end_are_stopped(void **state)
{
    (void)state;
    struct got got;
    serve(answer_endless_headers, NULL);
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(http_figures(http).exchange_arena_high < HTTP_EXCHANGE_ARENA);
    server_stop(&server);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct got got;
    struct heap_figures before = heap_figures();
    serve(answer_hello, NULL);
    int failed = 0, passed = 0;
    /* A budget that is too small by more and more: each request fails alone, and none is lost. */
    for (size_t more = 0; more < 40000; more += 499) {
        struct http_request request = to(HTTP_GET, "/x");
        http_id id;
        struct err e = {0};
        got = (struct got){0};
        request.on_done = keep_reply;
        request.ctx = &got;
        heap_set_budget(heap_figures().used + more);
        if (http_send(http, &request, &id, &e)) {
            assert_int_equal(e.kind, ERR_RETRY);
            failed++;
            continue;
        }
        turn_until(&got.times);
        failed += got.reply.kind != ERR_NONE;
        passed += got.reply.kind == ERR_NONE;
        if (got.reply.kind)
            assert_int_equal(got.reply.kind, ERR_RETRY);
        for (int c = 0; c < SERVER_CONNECTIONS; c++)
            server_close(&server.connections[c]); /* so that the next one needs memory anew */
    }
    assert_true(failed > 5 && passed > 5);
    heap_set_budget(before.budget);
    exchange(to(HTTP_GET, "/x"), &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(nobody_has_the_name),
        cmocka_unit_test(no_reply_comes),
        cmocka_unit_test(replies_are_cut),
        cmocka_unit_test(replies_are_no_http),
        cmocka_unit_test(headers_without_end_are_stopped),
        cmocka_unit_test(patience_has_ends),
        cmocka_unit_test(a_slow_reply_is_not_an_idle_one),
        cmocka_unit_test(a_lost_reply_is_not_hidden),
        cmocka_unit_test(a_closed_connection_is_replaced),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
