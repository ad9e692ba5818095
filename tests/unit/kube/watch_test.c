/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_rig.h"
#include "net/script_server.h"

#include "kube/watch.h"

/* A collection followed on a server that streams, breaks off, refuses and forgets. */

static struct server server;
static struct kube *kube;
static struct kube_config config;
static struct kube_watch *watch;

/* What the test's server has seen and whom it can still write to. */
static struct connection *stream;
static char requests[16][2048];
static int count;
static void (*reply)(struct connection *c, int n);

static void answer(struct connection *c, str request)
{
    assert_true(count < (int)ARRAY_LEN(requests));
    str_to_cstr(request, requests[count], sizeof requests[count]);
    stream = c;
    reply(c, count++);
}

static void begin_stream(struct connection *c)
{
    server_send(c, STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"));
}

static void say(const char *line)
{
    server_send(stream, str_of(line));
    server_send(stream, STR("\n"));
}

#define OBJECT(name, version) \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LINE(type, object) "{\"type\":\"" type "\",\"object\":" object "}"
#define END_MARK(version)                                                                  \
    LINE("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" version "\",\"annotations\":" \
                     "{\"k8s.io/initial-events-end\":\"true\"}}}")

/* ---- what the watch tells ------------------------------------------------------------------ */

static char story[4096];
static size_t story_n;
static int stories;
static bool stop_at_object;

static void tell(const char *format, ...) PRINTF_LIKE(1, 2);
static void tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    story_n += (size_t)vsnprintf(story + story_n, sizeof story - story_n, format, args);
    va_end(args);
    stories++;
}

static void on_object(void *ctx, enum kube_event event, str text)
{
    (void)ctx;
    static const char *const names[] = {"listed", "added", "modified", "deleted"};
    ptrdiff_t at = str_find(text, STR("\"name\":\""));
    str name = str_skip(text, (size_t)at + 8);
    name = str_sub(name, 0, (size_t)str_find_char(name, '"'));
    tell("%s " STR_FMT "; ", names[event], STR_ARG(name));
    if (stop_at_object)
        kube_watch_stop(watch);
}

static void on_list(void *ctx)
{
    (void)ctx;
    tell("list; ");
}

static void on_synced(void *ctx)
{
    (void)ctx;
    tell("synced; ");
}

static void on_recovered(void *ctx)
{
    (void)ctx;
    tell("recovered; ");
}

static char trouble[ERR_TEXT_MAX];
static int64_t trouble_delay_ms;

static void on_trouble(void *ctx, const struct err *e, int64_t delay_ms)
{
    (void)ctx;
    tell("trouble; ");
    str_to_cstr(str_of(e->text), trouble, sizeof trouble);
    trouble_delay_ms = delay_ms;
}

static void begin_with(void (*with)(struct connection *, int), struct kube_watch_options o)
{
    struct err e = {0};
    reply = with;
    count = 0;
    story_n = 0;
    story[0] = '\0';
    stop_at_object = false;
    assert_true(server_open(&server, loop, answer, NULL));
    config = (struct kube_config){.target.base_url = str_of(server.base_url)};
    if (kube_open(&perm, loop, http, &config, &kube, &e))
        fail_msg("%s", e.text);
    struct kube_watch_handler handler = {on_object,    on_list,    on_synced,
                                         on_recovered, on_trouble, NULL};
    o.api = "/api/v1";
    o.resource = "pods";
    o.label_selector = STR("prefect.io/flow-run-id,a=b");
    watch = kube_watch_open(&perm, loop, kube, &o, &handler);
}

static void begin(void (*with)(struct connection *, int))
{
    begin_with(with, (struct kube_watch_options){0});
}

static void end(void)
{
    kube_watch_stop(watch);
    server_stop(&server);
    turn_for(1);
}

/* Turns until the story is this one. */
static void expect(const char *want)
{
    int64_t end_ms = time_mono_ms() + RIG_PATIENCE_MS;
    while (strcmp(story, want) && strlen(story) <= strlen(want) && time_mono_ms() < end_ms)
        loop_turn(loop, 50);
    assert_string_equal(story, want);
}

static void expect_requests(int n)
{
    int64_t end_ms = time_mono_ms() + RIG_PATIENCE_MS;
    while (count < n && time_mono_ms() < end_ms)
        loop_turn(loop, 50);
    assert_int_equal(count, n);
}

/* ---- the streaming list -------------------------------------------------------------------- */

static void stream_all(struct connection *c, int n)
{
    (void)n;
    begin_stream(c);
}

static void a_streaming_list(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    assert_has(requests[0],
               "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds=2");
    assert_has(requests[0],
               "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
               "&resourceVersion=&labelSelector=prefect.io%2Fflow-run-id%2Ca%3Db HTTP");
    say(LINE("ADDED", OBJECT("a", "5")));
    say(LINE("ADDED", OBJECT("b", "3")));
    expect("list; listed a; listed b; ");
    assert_false(kube_watch_figures(watch).synced);
    say(END_MARK("9"));
    expect("list; listed a; listed b; synced; ");
    assert_true(kube_watch_figures(watch).synced);
    say(LINE("ADDED", OBJECT("c", "10")));
    say(LINE("MODIFIED", OBJECT("a", "11")));
    say(LINE("DELETED", OBJECT("b", "12")));
    say(LINE("NEW-KIND", OBJECT("b", "13")));
    expect("list; listed a; listed b; synced; added c; modified a; deleted b; ");
    assert_int_equal(kube_watch_figures(watch).events, 5);
    assert_int_equal(kube_watch_figures(watch).lists, 1);
    end();
}

static void lines_arrive_byte_by_byte(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    const char *text = LINE("ADDED", OBJECT("a", "5")) "\n" END_MARK("9") "\n";
    for (const char *p = text; *p; p++) {
        server_send(stream, (str){p, 1});
        loop_turn(loop, 1);
    }
    expect("list; listed a; synced; ");
    end();
}

static void a_cut_list_begins_anew(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    say(LINE("ADDED", OBJECT("a", "5")));
    expect("list; listed a; ");
    server_close(stream);
    expect_requests(2);
    assert_has(requests[1], "sendInitialEvents=true");
    assert_string_equal(story, "list; listed a; trouble; list; ");
    end();
}

/* ---- pages --------------------------------------------------------------------------------- */

static void pages_then_stream(struct connection *c, int n)
{
    if (n == 0)
        server_reply(c, "422 Unprocessable Entity", "",
                     STR("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
                         "\"sendInitialEvents is forbidden\"}"));
    else if (n == 1)
        server_reply(
            c, "200 OK", "",
            STR("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"20\","
                "\"continue\":\"t=1\"},\"items\":[" OBJECT("a", "1") "," OBJECT("b", "2") "]}"));
    else if (n == 2)
        server_reply(c, "200 OK", "",
                     STR("{\"items\":[" OBJECT("c", "3") "],\"metadata\":{\"resourceVersion\":"
                                                         "\"20\"}}"));
    else
        begin_stream(c);
}

static void a_list_in_pages(void **state)
{
    (void)state;
    begin(pages_then_stream);
    expect("list; list; listed a; listed b; listed c; synced; ");
    expect_requests(4);
    assert_has(requests[1], "GET /api/v1/pods?limit=500&labelSelector=");
    assert_has(requests[2], "?limit=500&continue=t%3D1&labelSelector=");
    assert_has(requests[3], "&resourceVersion=20&labelSelector=");
    assert_null(strstr(requests[3], "sendInitialEvents"));
    say(LINE("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"33\"}}"));
    turn_for(1100); /* a stream that stood for a second is renewed without trouble */
    server_close(stream);
    expect_requests(5);
    assert_has(requests[4], "&resourceVersion=33&");
    assert_true(kube_watch_figures(watch).synced);
    expect("list; list; listed a; listed b; listed c; synced; ");
    end();
}

static void expired_page(struct connection *c, int n)
{
    if (n == 2)
        server_reply(c, "410 Gone", "",
                     STR("{\"kind\":\"Status\",\"reason\":\"Expired\",\"code\":410}"));
    else
        pages_then_stream(c, n < 2 ? n : n - 2);
}

static void a_page_that_expired(void **state)
{
    (void)state;
    begin(expired_page);
    expect("list; list; listed a; listed b; list; listed a; listed b; listed c; synced; ");
    assert_null(strstr(requests[3], "continue="));
    end();
}

static void silent_then_pages(struct connection *c, int n)
{
    if (n == 0)
        begin_stream(c);
    else
        pages_then_stream(c, n == 1 ? 2 : 3);
}

static void a_server_that_ignores_the_streaming_list(void **state)
{
    (void)state;
    begin_with(silent_then_pages, (struct kube_watch_options){.list_silence_ms = 200});
    expect_requests(1);
    say(LINE("ADDED", OBJECT("a", "5")));
    expect("list; listed a; list; listed c; synced; ");
    expect_requests(3);
    assert_has(requests[1], "?limit=500&");
    end();
}

/* ---- what goes wrong ----------------------------------------------------------------------- */

static void an_error_event_of_410_lists_again(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    say(END_MARK("9"));
    say(LINE("ERROR",
             "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"m\"}"));
    expect_requests(2);
    assert_has(requests[1], "sendInitialEvents=true");
    expect("list; synced; list; ");
    /* Again at once: that is no way to go on. */
    say(END_MARK("10"));
    say(LINE("ERROR",
             "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"m\"}"));
    expect("list; synced; list; synced; trouble; ");
    assert_has(trouble, "too far behind");
    end();
}

static void another_error_event_backs_off(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    say(END_MARK("9"));
    say(LINE("ERROR", "{\"kind\":\"Status\",\"code\":500,\"reason\":\"InternalError\",\"message\":"
                      "\"etcd\",\"details\":{\"retryAfterSeconds\":1}}"));
    expect("list; synced; trouble; ");
    assert_has(trouble, "etcd (InternalError, 500)");
    assert_true(trouble_delay_ms >= 750);
    assert_false(kube_watch_figures(watch).synced);
    expect_requests(2);
    assert_has(requests[1], "&resourceVersion=9&"); /* not listed again */
    expect("list; synced; trouble; recovered; ");   /* an accepted stream is enough */
    assert_true(kube_watch_figures(watch).synced);
    end();
}

static void short_streams_are_renewed_but_not_for_ever(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    say(END_MARK("9"));
    for (int i = 1; i <= 3; i++) {
        turn_for(20);
        server_close(stream);
        if (i < 3)
            expect_requests(i + 1);
    }
    expect("list; synced; trouble; ");
    assert_has(trouble, "ended the watch on pods early");
    assert_int_equal(count, 3);
    end();
}

static void refuse(struct connection *c, int n)
{
    (void)n;
    server_reply(c, "403 Forbidden", "Retry-After: 2\r\n",
                 STR("{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"pods is "
                     "forbidden: User \\\"u\\\" cannot watch resource \\\"pods\\\" in API group "
                     "\\\"\\\" at the cluster scope\"}"));
}

static void a_missing_verb_is_told(void **state)
{
    (void)state;
    begin(refuse);
    expect("list; trouble; ");
    assert_has(trouble, "not allowed to watch pods in any namespace");
    assert_has(trouble, "ClusterRole");
    assert_true(trouble_delay_ms >= 2000);
    turn_for(300);
    assert_int_equal(count, 1);
    end();
}

static void silence_is_a_dead_connection(void **state)
{
    (void)state;
    begin_with(stream_all, (struct kube_watch_options){.idle_timeout_ms = 1300});
    expect_requests(1);
    say(END_MARK("9"));
    expect("list; synced; ");
    int64_t before = time_mono_ms();
    expect_requests(2);
    assert_true(time_mono_ms() - before >= 1200);
    assert_has(requests[1], "&resourceVersion=9&");
    expect("list; synced; ");
    end();
}

static void an_object_above_the_cap(void **state)
{
    (void)state;
    begin(stream_all);
    expect_requests(1);
    say(END_MARK("9"));
    expect("list; synced; ");
    static char part[64 * 1024];
    memset(part, 'x', sizeof part);
    size_t left = WATCH_LINE_MAX + 1000;
    server_send(stream, STR("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\""));
    while (left) {
        ssize_t n = send(stream->fd, part, left < sizeof part ? left : sizeof part,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        left -= n > 0 ? (size_t)n : 0;
        loop_turn(loop, 5);
    }
    server_send(stream, STR("\"}}}\n"));
    say(LINE("ADDED", OBJECT("small", "10")));
    say("this is no event");
    say(LINE("ADDED", OBJECT("next", "11")));
    expect("list; synced; added small; added next; ");
    assert_int_equal(kube_watch_figures(watch).skipped, 2);
    end();
}

static void stopped_from_inside(void **state)
{
    (void)state;
    begin(stream_all);
    stop_at_object = true;
    expect_requests(1);
    say(LINE("ADDED", OBJECT("a", "5")));
    say(LINE("ADDED", OBJECT("b", "6")));
    expect("list; listed a; ");
    turn_for(100);
    assert_string_equal(story, "list; listed a; ");
    assert_int_equal(count, 1);
    end();
    begin(pages_then_stream);
    stop_at_object = true;
    expect("list; list; listed a; ");
    turn_for(100);
    assert_int_equal(count, 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streaming_list),
        cmocka_unit_test(lines_arrive_byte_by_byte),
        cmocka_unit_test(a_cut_list_begins_anew),
        cmocka_unit_test(a_list_in_pages),
        cmocka_unit_test(a_page_that_expired),
        cmocka_unit_test(a_server_that_ignores_the_streaming_list),
        cmocka_unit_test(an_error_event_of_410_lists_again),
        cmocka_unit_test(another_error_event_backs_off),
        cmocka_unit_test(short_streams_are_renewed_but_not_for_ever),
        cmocka_unit_test(a_missing_verb_is_told),
        cmocka_unit_test(silence_is_a_dead_connection),
        cmocka_unit_test(an_object_above_the_cap),
        cmocka_unit_test(stopped_from_inside),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
