/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <time.h>

#include "net/http_rig.h"
#include "net/script_server.h"

/* Requests and replies over plain HTTP. */

static struct server server;
static struct http_target target;

static char last_request[SERVER_REQUEST_MAX + 1];

static void serve(answer_fn *answer, void *ctx)
{
    assert_true(server_open(&server, loop, answer, ctx));
    target = (struct http_target){.base_url = str_of(server.base_url)};
    last_request[0] = '\0';
}

static struct http_request get(const char *path)
{
    return (struct http_request){.target = &target, .method = HTTP_GET, .path = str_of(path)};
}

static void note(str request)
{
    str_to_cstr(request, last_request, sizeof last_request);
}

static void answer_hello(struct connection *c, str request)
{
    note(request);
    server_reply(c, "200 OK",
                 "Content-Type: text/x-test\r\nWarning: 299 - \"first\"\r\nWarning: second\r\n",
                 STR("hello"));
}

static void a_get_is_what_it_should_be(void **state)
{
    (void)state;
    struct got got;
    serve(answer_hello, NULL);
    struct http_header headers[] = {{STR("X-One"), STR("1")}, {STR("X-Empty"), STR("")}};
    struct http_request request = get("/a/b?c=d%20e");
    request.headers = headers;
    request.header_count = 2;
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_int_equal(got.reply.status, 200);
    assert_string_equal(got.body, "hello");
    assert_string_equal(got.content_type, "text/x-test");
    assert_string_equal(got.warning, "299 - \"first\"");
    assert_int_equal(got.reply.retry_after_ms, -1);
    assert_true(got.reply.connected);
    assert_false(got.reply.refused || got.reply.timed_out || got.reply.maintenance);
    char want[512];
    snprintf(want, sizeof want,
             "GET /a/b?c=d%%20e HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\nX-One: "
             "1\r\nX-Empty:\r\n\r\n",
             server.port);
    assert_string_equal(last_request, want);
    server_stop(&server);
}

static void bodies_go_out_with_their_method(void **state)
{
    (void)state;
    struct got got;
    serve(answer_hello, NULL);
    static const struct {
        enum http_method method;
        const char *body, *first, *length;
    } cases[] = {
        {HTTP_POST, "{\"a\":1}", "POST /p HTTP/1.1\r\n", "\r\nContent-Length: 7\r\n"},
        {HTTP_POST, "", "POST /p HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n"},
        {HTTP_PUT, "x", "PUT /p HTTP/1.1\r\n", "\r\nContent-Length: 1\r\n"},
        {HTTP_PATCH, "{}", "PATCH /p HTTP/1.1\r\n", "\r\nContent-Length: 2\r\n"},
        {HTTP_DELETE, "{}", "DELETE /p HTTP/1.1\r\n", "\r\nContent-Length: 2\r\n"},
        {HTTP_DELETE, "", "DELETE /p HTTP/1.1\r\n", NULL},
        {HTTP_GET, "", "GET /p HTTP/1.1\r\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_request request = get("/p");
        request.method = cases[i].method;
        request.body = str_of(cases[i].body);
        exchange(request, &got);
        assert_int_equal(got.reply.kind, ERR_NONE);
        assert_true(str_starts(str_of(last_request), str_of(cases[i].first)));
        assert_null(strstr(last_request, "Content-Type"));
        assert_null(strstr(last_request, "Expect"));
        assert_null(strstr(last_request, "Encoding"));
        if (cases[i].length)
            assert_has(last_request, cases[i].length);
        else
            assert_null(strstr(last_request, "Content-Length"));
        assert_string_equal(strstr(last_request, "\r\n\r\n") + 4, cases[i].body);
    }
    assert_int_equal(server.accepted, 1); /* all of them on one connection */
    server_stop(&server);
}

static void a_large_body_is_sent_without_asking_first(void **state)
{
    (void)state;
    struct got got;
    static char body[50000];
    memset(body, 'b', sizeof body);
    serve(answer_hello, NULL);
    struct http_request request = get("/p");
    request.method = HTTP_POST;
    request.body = (str){body, sizeof body};
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_null(strstr(last_request, "Expect"));
    assert_int_equal(strlen(strstr(last_request, "\r\n\r\n") + 4), sizeof body);
    server_stop(&server);
}

static void answer_status(struct connection *c, str request)
{
    (void)request;
    server_reply(c, c->server->ctx, "Prefect-Maintenance: true\r\n", STR("{\"detail\":\"why\"}"));
}

static void statuses_have_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        int number;
        enum err_kind kind;
    } cases[] = {
        {"200 OK", 200, ERR_NONE},           {"201 Created", 201, ERR_NONE},
        {"304 Not Modified", 304, ERR_NONE}, {"400 Bad Request", 400, ERR_INVALID},
        {"401 Unauthorized", 401, ERR_AUTH}, {"403 Forbidden", 403, ERR_FORBIDDEN},
        {"404 Not Found", 404, ERR_MISSING}, {"409 Conflict", 409, ERR_CONFLICT},
        {"410 Gone", 410, ERR_GONE},         {"422 Unprocessable", 422, ERR_INVALID},
        {"429 Too Many", 429, ERR_RETRY},    {"503 Unavailable", 503, ERR_RETRY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got got;
        char want[128];
        serve(answer_status, (void *)cases[i].status);
        exchange(get("/x/y?secret=1"), &got);
        assert_int_equal(got.reply.status, cases[i].number);
        assert_int_equal(got.reply.kind, cases[i].kind);
        assert_true(got.reply.maintenance);
        if (cases[i].number != 304)
            assert_string_equal(got.body, "{\"detail\":\"why\"}");
        if (cases[i].kind) {
            snprintf(want, sizeof want, "GET %s/x/y: HTTP %d", server.base_url, cases[i].number);
            assert_string_equal(got.reply.err.text, want);
            assert_int_equal(got.reply.err.source, ERR_FROM_HTTP);
            assert_int_equal(got.reply.err.code, cases[i].number);
        }
        server_stop(&server);
    }
}

static void answer_retry_after(struct connection *c, str request)
{
    char headers[256];
    (void)request;
    snprintf(headers, sizeof headers, "retry-after: %s\r\n", (const char *)c->server->ctx);
    server_reply(c, "429 Slow Down", headers, STR(""));
}

static void retry_after_in_all_its_forms(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t low, high;
    } cases[] = {
        {"0", 0, 0},
        {"2", 2000, 2000},
        {"1.5", 1500, 1500},
        {"-3", 0, 0},
        {"1e2", 100000, 100000},
        {"soon", -1, -1},
        {"nan", -1, -1},
        {"inf", -1, -1},
        {"0x10", -1, -1},
        {"1 2", -1, -1},
        {"", -1, -1},
        {"1e300", 1, INT64_MAX},
        {"Wed, 21 Oct 2015 07:28:00 GMT", 0, 0},
    };
    struct got got;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        serve(answer_retry_after, (void *)cases[i].value);
        exchange(get("/"), &got);
        assert_true(got.reply.retry_after_ms >= cases[i].low);
        assert_true(got.reply.retry_after_ms <= cases[i].high);
        server_stop(&server);
    }
    char date[64];
    time_t then = (time_t)(time_now_us() / 1000000) + 90;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    serve(answer_retry_after, date);
    exchange(get("/"), &got);
    assert_in_range(got.reply.retry_after_ms, 88000, 90000);
    server_stop(&server);
}

static void answer_interim_chunks_trailers(struct connection *c, str request)
{
    (void)request;
    server_send(c, STR("HTTP/1.1 103 Early\r\nRetry-After: 7\r\nWarning: early\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nWarning: late\r\n\r\n"));
}

static void interim_replies_chunks_and_trailers(void **state)
{
    (void)state;
    struct got got;
    serve(answer_interim_chunks_trailers, NULL);
    exchange(get("/"), &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_int_equal(got.reply.status, 200);
    assert_string_equal(got.body, "abcdefg");
    assert_string_equal(got.warning, "");
    assert_int_equal(got.reply.retry_after_ms, -1);
    server_stop(&server);
}

static void answer_by_size(struct connection *c, str request)
{
    (void)request;
    static char body[100000];
    memset(body, 'z', sizeof body);
    size_t size = *(size_t *)c->server->ctx;
    server_reply(c, "200 OK", "", (str){body, size});
}

static void bodies_have_a_cap(void **state)
{
    (void)state;
    struct got got;
    size_t size = 1000;
    serve(answer_by_size, &size);
    struct http_request request = get("/big");
    request.body_max = 1000;
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_int_equal(got.body_n, 1000);
    for (size = 1001; size < 100000; size *= 9) {
        exchange(request, &got);
        assert_int_equal(got.reply.kind, ERR_LIMIT);
        assert_int_equal(got.reply.status, 200);
        assert_has(got.reply.err.text, "/big: the reply's body is larger than 1000 bytes");
    }
    server_stop(&server);
}

static void answer_huge(struct connection *c, str request)
{
    (void)request;
    server_send(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n"));
}

/* It is not read up to the cap: its length says enough. */
static void a_huge_body_is_refused_at_once(void **state)
{
    (void)state;
    struct got got;
    serve(answer_huge, NULL);
    exchange(get("/huge"), &got);
    assert_int_equal(got.reply.kind, ERR_LIMIT);
    assert_has(got.reply.err.text, "/huge: the reply's body is larger than 4194304 bytes");
    turn_until_zero(&server.open);
    server_stop(&server);
}

static int inherited_sockets(void)
{
    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        n += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return n;
}

static void programs_that_we_start_inherit_no_sockets(void **state)
{
    (void)state;
    struct got got;
    int before = inherited_sockets();
    serve(answer_hello, NULL);
    int own = inherited_sockets() - before; /* the test's server */
    exchange(get("/"), &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_int_equal(server.open, 1);
    assert_int_equal(inherited_sockets() - before, own);
    server_stop(&server);
}

static void requests_have_caps(void **state)
{
    (void)state;
    struct got got = {0};
    struct err e;
    http_id id = 0;
    static struct http_header many[HTTP_HEADERS_MAX + 1];
    static char path[HTTP_URL_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct http_header){STR("X"), STR("y")};
    memset(path, '/', sizeof path);
    serve(answer_hello, NULL);
    struct http_request request = get("/");
    request.on_done = keep_reply;
    request.ctx = &got;
    size_t free_before = http_free(http);

    request.headers = many;
    request.header_count = ARRAY_LEN(many);
    assert_int_equal(http_send(http, &request, &id, &e), ERR_LIMIT);
    request.header_count = 1;
    many[0].value = STR("a\r\nInjected: b");
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    assert_has(e.text, "header X");
    many[0] = (struct http_header){STR("X Y"), STR("z")};
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    request.header_count = 0;
    request.path = (str){path, sizeof path};
    assert_int_equal(http_send(http, &request, &id, &e), ERR_LIMIT);
    request.path = STR("/a b");
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    request.path = STR("/");
    request.body = (str){path, HTTP_EXCHANGE_ARENA + 1};
    assert_int_equal(http_send(http, &request, &id, &e), ERR_LIMIT);
    turn_for(20);
    assert_int_equal(got.times, 0);
    assert_int_equal(id, 0);
    assert_int_equal(http_free(http), free_before);
    server_stop(&server);
}

static void answer_nothing(struct connection *c, str request)
{
    (void)c;
    (void)request;
}

struct chain {
    struct got got;
    http_id own, other;
    int next_done;
};

static void on_next(void *ctx, const struct http_reply *reply)
{
    (void)reply;
    ((struct chain *)ctx)->next_done++;
}

static void on_first(void *ctx, const struct http_reply *reply)
{
    struct chain *chain = ctx;
    struct err e;
    keep_reply(&chain->got, reply);
    http_cancel(http, chain->own); /* over already: nothing happens */
    http_cancel(http, chain->other);
    struct http_request request = get("/next");
    request.on_done = on_next;
    request.ctx = chain;
    assert_int_equal(http_send(http, &request, &chain->own, &e), ERR_NONE);
}

static void answer_but_not_hang(struct connection *c, str request)
{
    if (!str_has(request, STR("/hang")))
        server_reply(c, "200 OK", "", STR("x"));
}

static void on_done_may_send_and_cancel(void **state)
{
    (void)state;
    struct chain chain = {0};
    struct got never;
    serve(answer_but_not_hang, NULL);
    struct http_request hang = get("/hang"), first = get("/");
    chain.other = send_ok(&hang, &never);
    turn_until(&server.requests);
    first.on_done = on_first;
    first.ctx = &chain;
    struct err e;
    assert_int_equal(http_send(http, &first, &chain.own, &e), ERR_NONE);
    turn_until(&chain.next_done);
    assert_int_equal(chain.got.times, 1);
    assert_int_equal(never.times, 0);
    assert_int_equal(http_figures(http).exchanges_used, 0);
    server_stop(&server);
}

static void cancel_ends_without_a_callback(void **state)
{
    (void)state;
    struct got got;
    serve(answer_nothing, NULL);
    struct http_request request = get("/");
    http_id id = send_ok(&request, &got);
    http_cancel(http, id); /* before anything happened */
    id = send_ok(&request, &got);
    turn_until(&server.requests);
    http_cancel(http, id);
    http_cancel(http, id);
    http_cancel(http, 0);
    http_resume(http, id);
    turn_until_zero(&server.open); /* its connection is of no more use */
    turn_for(20);
    assert_int_equal(got.times, 0);
    assert_int_equal(http_figures(http).exchanges_used, 0);
    server_stop(&server);
}

static void the_pool_has_its_size(void **state)
{
    (void)state;
    static struct got got[HTTP_EXCHANGES_MAX];
    struct err e;
    http_id id = 0;
    serve(answer_hello, NULL);
    struct http_request request = get("/");
    for (int i = 0; i < HTTP_EXCHANGES_MAX; i++) {
        request.ctx = NULL;
        send_ok(&request, &got[i]);
    }
    assert_int_equal(http_free(http), 0);
    assert_int_equal(http_send(http, &request, &id, &e), ERR_LIMIT);
    assert_has(e.text, "requests are under way already");
    for (int i = 0; i < HTTP_EXCHANGES_MAX; i++)
        turn_until(&got[i].times);
    for (int i = 0; i < HTTP_EXCHANGES_MAX; i++) {
        assert_int_equal(got[i].times, 1);
        assert_string_equal(got[i].body, "hello");
    }
    assert_int_equal(http_free(http), HTTP_EXCHANGES_MAX);
    assert_in_range(server.most_open, 1, HTTP_HOST_CONNECTIONS_MAX);
    turn_for(20);
    assert_in_range(server.open, 1, HTTP_CONNECTIONS_KEPT);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_is_what_it_should_be),
        cmocka_unit_test(bodies_go_out_with_their_method),
        cmocka_unit_test(a_large_body_is_sent_without_asking_first),
        cmocka_unit_test(statuses_have_kinds),
        cmocka_unit_test(retry_after_in_all_its_forms),
        cmocka_unit_test(interim_replies_chunks_and_trailers),
        cmocka_unit_test(bodies_have_a_cap),
        cmocka_unit_test(a_huge_body_is_refused_at_once),
        cmocka_unit_test(programs_that_we_start_inherit_no_sockets),
        cmocka_unit_test(requests_have_caps),
        cmocka_unit_test(on_done_may_send_and_cancel),
        cmocka_unit_test(cancel_ends_without_a_callback),
        cmocka_unit_test(the_pool_has_its_size),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
