/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_rig.h"
#include "net/script_server.h"

/* Bodies that are handed on as they arrive. */

static struct server server;
static struct http_target target;

struct stream {
    struct got got;
    http_id id;
    char bytes[200000];
    size_t n;
    int calls, largest;
    int pause_at, stop_at, cancel_at, send_at; /* calls */
    bool with_reason;
    int paused, other_done;
};

static void on_other(void *ctx, const struct http_reply *reply)
{
    assert_int_equal(reply->kind, ERR_NONE);
    ((struct stream *)ctx)->other_done++;
}

static void act(struct stream *s)
{
    struct err e;
    if (s->calls == s->cancel_at)
        http_cancel(http, s->id);
    if (s->calls == s->send_at) {
        struct http_request request = {
            .target = &target, .path = STR("/other"), .on_done = on_other, .ctx = s};
        http_id id;
        assert_int_equal(http_send(http, &request, &id, &e), ERR_NONE);
        assert_int_equal(http_send(http, &request, &id, &e), ERR_NONE);
        http_cancel(http, id);
    }
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct stream *s = ctx;
    s->calls++;
    act(s);
    if (s->calls == s->pause_at) {
        s->paused = 1;
        return HTTP_DATA_PAUSE;
    }
    if (s->calls == s->stop_at) {
        if (s->with_reason)
            err_set(e, ERR_GONE, "seen enough");
        return HTTP_DATA_STOP;
    }
    if ((int)bytes.n > s->largest)
        s->largest = (int)bytes.n;
    assert_true(s->n + bytes.n <= sizeof s->bytes);
    memcpy(s->bytes + s->n, bytes.p, bytes.n);
    s->n += bytes.n;
    return HTTP_DATA_TAKEN;
}

static void on_stream_done(void *ctx, const struct http_reply *reply)
{
    keep_reply(&((struct stream *)ctx)->got, reply);
}

static void answer(struct connection *c, str request)
{
    static char body[150000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 23);
    if (str_has(request, STR("/large")))
        server_reply(c, "200 OK", "", (str){body, sizeof body});
    else if (str_has(request, STR("/missing")))
        server_reply(c, "404 Not Found", "", STR("no such thing"));
    else if (str_has(request, STR("/open")))
        server_send(c, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n"));
    else
        server_reply(c, "200 OK", "", STR("small"));
}

static struct stream *begin(const char *path, struct stream settings)
{
    static struct stream s;
    struct err e;
    s = settings;
    struct http_request request = {.target = &target,
                                   .path = str_of(path),
                                   .on_data = on_data,
                                   .on_done = on_stream_done,
                                   .ctx = &s};
    assert_int_equal(http_send(http, &request, &s.id, &e), ERR_NONE);
    return &s;
}

static void assert_large(const struct stream *s)
{
    assert_int_equal(s->got.reply.kind, ERR_NONE);
    assert_int_equal(s->n, 150000);
    for (size_t i = 0; i < s->n; i++)
        assert_true(s->bytes[i] == (char)('a' + i % 23));
    assert_in_range(s->largest, 1, HTTP_CHUNK_MAX);
    assert_int_equal(s->got.body_n, 0);
}

static void a_stream_arrives_in_chunks(void **state)
{
    (void)state;
    struct stream *s = begin("/large", (struct stream){0});
    turn_until(&s->got.times);
    assert_large(s);
    assert_true(s->calls > 5);
}

static void other_statuses_are_collected(void **state)
{
    (void)state;
    struct stream *s = begin("/missing", (struct stream){0});
    turn_until(&s->got.times);
    assert_int_equal(s->calls, 0);
    assert_int_equal(s->got.reply.kind, ERR_MISSING);
    assert_string_equal(s->got.body, "no such thing");
}

static void a_paused_stream_waits_and_repeats_its_bytes(void **state)
{
    (void)state;
    struct stream *s = begin("/large", (struct stream){.pause_at = 3});
    turn_until(&s->paused);
    size_t n = s->n;
    turn_for(30);
    assert_int_equal(s->calls, 3);
    assert_int_equal(s->n, n);
    http_resume(http, s->id);
    turn_until(&s->got.times);
    assert_large(s);
    http_resume(http, s->id); /* over: nothing happens */
}

static void a_paused_stream_is_not_idle(void **state)
{
    (void)state;
    static struct stream s;
    struct err e;
    s = (struct stream){.pause_at = 1};
    struct http_request request = {.target = &target,
                                   .path = STR("/large"),
                                   .on_data = on_data,
                                   .on_done = on_stream_done,
                                   .ctx = &s,
                                   .idle_timeout_ms = 30};
    assert_int_equal(http_send(http, &request, &s.id, &e), ERR_NONE);
    turn_until(&s.paused);
    turn_for(100);
    assert_int_equal(s.got.times, 0);
    http_resume(http, s.id);
    turn_until(&s.got.times);
    assert_large(&s);
}

static void a_paused_stream_can_be_cancelled(void **state)
{
    (void)state;
    struct stream *s = begin("/large", (struct stream){.pause_at = 1});
    turn_until(&s->paused);
    http_cancel(http, s->id);
    turn_for(20);
    assert_int_equal(s->got.times, 0);
    assert_int_equal(http_figures(http).exchanges_used, 0);
}

static void a_reader_may_stop(void **state)
{
    (void)state;
    struct stream *s = begin("/large", (struct stream){.stop_at = 2});
    turn_until(&s->got.times);
    assert_int_equal(s->got.reply.kind, ERR_LIMIT);
    assert_has(s->got.reply.err.text, "/large: the reply was not read to its end");
    s = begin("/large", (struct stream){.stop_at = 2, .with_reason = true});
    turn_until(&s->got.times);
    assert_int_equal(s->got.reply.kind, ERR_GONE);
    assert_has(s->got.reply.err.text, "/large: seen enough");
    assert_int_equal(s->calls, 2);
}

static void a_reader_may_cancel_itself(void **state)
{
    (void)state;
    for (int at = 1; at < 4; at++) {
        struct stream *s = begin("/large", (struct stream){.cancel_at = at});
        turn_until(&s->calls);
        for (int turns = 0; s->calls < at && turns < 1000; turns++)
            loop_turn(loop, 10);
        turn_for(20);
        assert_int_equal(s->calls, at);
        assert_int_equal(s->got.times, 0);
        assert_int_equal(http_figures(http).exchanges_used, 0);
    }
}

static void a_reader_may_send(void **state)
{
    (void)state;
    struct stream *s = begin("/large", (struct stream){.send_at = 2});
    turn_until(&s->other_done);
    turn_until(&s->got.times);
    turn_for(20);
    assert_large(s);
    assert_int_equal(s->other_done, 1); /* the other one was cancelled at once */
    assert_int_equal(http_figures(http).exchanges_used, 0);
}

static void an_open_stream_delivers_at_once_and_ends_as_cut(void **state)
{
    (void)state;
    struct stream *s = begin("/open", (struct stream){0});
    turn_until(&s->calls);
    assert_int_equal(s->n, 4);
    assert_int_equal(s->got.times, 0);
    for (int c = 0; c < SERVER_CONNECTIONS; c++)
        server_close(&server.connections[c]);
    turn_until(&s->got.times);
    assert_int_equal(s->got.reply.kind, ERR_RETRY);
    assert_has(s->got.reply.err.text, "broke in the middle of the reply (HTTP 200, 4 bytes");
}

static int open_all(void **state)
{
    if (rig_open(state) != 0 || !server_open(&server, loop, answer, NULL))
        return -1;
    target = (struct http_target){.base_url = str_of(server.base_url)};
    return 0;
}

static int close_all(void **state)
{
    server_stop(&server);
    return rig_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_arrives_in_chunks),
        cmocka_unit_test(other_statuses_are_collected),
        cmocka_unit_test(a_paused_stream_waits_and_repeats_its_bytes),
        cmocka_unit_test(a_paused_stream_is_not_idle),
        cmocka_unit_test(a_paused_stream_can_be_cancelled),
        cmocka_unit_test(a_reader_may_stop),
        cmocka_unit_test(a_reader_may_cancel_itself),
        cmocka_unit_test(a_reader_may_send),
        cmocka_unit_test(an_open_stream_delivers_at_once_and_ends_as_cut),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
