/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_rig.h"
#include "net/script_server.h"

/* Redirects, and what of the request goes along with them. */

static struct server here, there;
static struct http_target target;

/* What the servers do: reply with this status and Location to the first `times` requests. */
static struct script {
    const char *status;
    char location[256];
    int times;
} script;

static char last_here[4096], last_there[4096];

static void answer_here(struct connection *c, str request)
{
    char headers[512];
    str_to_cstr(request, last_here, sizeof last_here);
    snprintf(headers, sizeof headers, "Location: %s\r\n", script.location);
    if (script.times-- > 0)
        server_reply(c, script.status, headers,
                     str_starts(str_of(script.status), STR("304")) ? STR("") : STR("moved"));
    else
        server_reply(c, "200 OK", "", STR("here"));
}

static void answer_there(struct connection *c, str request)
{
    str_to_cstr(request, last_there, sizeof last_there);
    server_reply(c, "200 OK", "", STR("there"));
}

static const struct http_header headers[] = {
    {STR_INIT("Authorization"), STR_INIT("Bearer geheim")},
    {STR_INIT("cookie"), STR_INIT("a=geheim")},
    {STR_INIT("X-Other"), STR_INIT("kept")},
    {STR_INIT("Content-Type"), STR_INIT("application/json")},
};

static void ask(enum http_method method, const char *status, const char *location, int times,
                struct got *got)
{
    script = (struct script){.status = status, .times = times};
    snprintf(script.location, sizeof script.location, "%s", location);
    last_here[0] = last_there[0] = '\0';
    here.requests = there.requests = 0;
    exchange((struct http_request){.target = &target,
                                   .method = method,
                                   .path = STR("/a/b?c=1"),
                                   .headers = headers,
                                   .header_count = ARRAY_LEN(headers),
                                   .body = method == HTTP_GET ? STR("") : STR("{}")},
             got);
}

static void methods_change_as_the_status_says(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *status, *first_line;
        bool body;
    } cases[] = {
        {HTTP_GET, "301 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_GET, "307 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_POST, "301 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_POST, "302 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_POST, "303 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_POST, "307 x", "POST /z HTTP/1.1\r\n", true},
        {HTTP_POST, "308 x", "POST /z HTTP/1.1\r\n", true},
        {HTTP_PATCH, "301 x", "PATCH /z HTTP/1.1\r\n", true},
        {HTTP_PATCH, "303 x", "GET /z HTTP/1.1\r\n", false},
        {HTTP_DELETE, "308 x", "DELETE /z HTTP/1.1\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got got;
        ask(cases[i].method, cases[i].status, "/z", 1, &got);
        assert_int_equal(got.reply.kind, ERR_NONE);
        assert_int_equal(got.reply.status, 200);
        assert_string_equal(got.body, "here");
        assert_true(str_starts(str_of(last_here), str_of(cases[i].first_line)));
        assert_has(last_here, "Authorization: Bearer geheim\r\n"); /* the same server */
        if (cases[i].body) {
            assert_has(last_here, "Content-Type: application/json\r\n");
            assert_string_equal(strstr(last_here, "\r\n\r\n"), "\r\n\r\n{}");
        } else if (cases[i].method != HTTP_GET) { /* nothing is left of its body */
            assert_null(strstr(last_here, "Content-"));
        }
    }
}

static void credentials_stay_with_their_server(void **state)
{
    (void)state;
    struct got got;
    char location[128];
    snprintf(location, sizeof location, "%s/q?r#fragment", there.base_url);
    ask(HTTP_POST, "307 x", location, 1, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_string_equal(got.body, "there");
    assert_has(last_here, "Bearer geheim");
    assert_true(str_starts(str_of(last_there), STR("POST /q?r HTTP/1.1\r\n")));
    assert_null(strstr(last_there, "geheim"));
    assert_has(last_there, "X-Other: kept\r\n");
    snprintf(location, sizeof location, "Host: 127.0.0.1:%u\r\n", there.port);
    assert_has(last_there, location);

    /* The user and password of the configured URL too. */
    char url[128];
    snprintf(url, sizeof url, "http://me:geheim@127.0.0.1:%u", here.port);
    struct http_target with_user = {.base_url = str_of(url)};
    snprintf(script.location, sizeof script.location, "%s/q", there.base_url);
    script.times = 1;
    exchange((struct http_request){.target = &with_user, .path = STR("/")}, &got);
    assert_string_equal(got.body, "there");
    assert_has(last_here, "Authorization: Basic bWU6Z2VoZWlt\r\n");
    assert_null(strstr(last_there, "Authorization"));
}

static void locations_are_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *location, *line;
    } cases[] = {
        {"/x", "GET /x HTTP/1.1"},
        {"x", "GET /a/x HTTP/1.1"},
        {"../x", "GET /x HTTP/1.1"},
        {"?q=2", "GET /a/b?q=2 HTTP/1.1"},
        {"/with blank", "GET /with%20blank HTTP/1.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got got;
        ask(HTTP_GET, "302 x", cases[i].location, 1, &got);
        assert_int_equal(got.reply.kind, ERR_NONE);
        assert_true(str_starts(str_of(last_here), str_of(cases[i].line)));
    }
}

static void circles_and_nonsense_end(void **state)
{
    (void)state;
    struct got got;
    ask(HTTP_GET, "302 x", "/again", 1000, &got);
    assert_int_equal(got.reply.kind, ERR_INVALID);
    assert_has(got.reply.err.text, "/again: redirected more than 20 times");
    assert_int_equal(here.requests, HTTP_REDIRECTS_MAX + 1);
    static const char *const nonsense[] = {"ftp://127.0.0.1/x", "file:///etc/passwd", "http://",
                                           "http://a b/"};
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        ask(HTTP_GET, "302 x", nonsense[i], 1, &got);
        assert_int_equal(got.reply.kind, ERR_INVALID);
        assert_has(got.reply.err.text, "redirected to something that is not an http or https URL");
    }
    ask(HTTP_GET, "302 x", "https://127.0.0.1:1/", 1, &got);
    assert_int_equal(got.reply.kind, ERR_INVALID);
    assert_has(got.reply.err.text, "redirected to https, but the configured URL is http");
    ask(HTTP_GET, "304 x", "/y", 1, &got); /* no redirect */
    assert_int_equal(got.reply.status, 304);
    ask(HTTP_GET, "302 x", "", 1, &got);
    assert_int_equal(got.reply.status, 302);
    assert_int_equal(got.reply.kind, ERR_NONE);
}

/* A redirect to a server that is not there: the first one got the request. */
static void the_second_server_may_be_gone(void **state)
{
    (void)state;
    struct got got;
    char location[128];
    struct server gone;
    assert_true(server_open(&gone, loop, answer_there, NULL));
    server_stop(&gone);
    snprintf(location, sizeof location, "%s/q", gone.base_url);
    ask(HTTP_POST, "307 x", location, 1, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.refused && got.reply.connected);
    assert_has(got.reply.err.text, location);
}

static int open_all(void **state)
{
    if (rig_open(state) != 0 || !server_open(&here, loop, answer_here, NULL) ||
        !server_open(&there, loop, answer_there, NULL))
        return -1;
    target = (struct http_target){.base_url = str_of(here.base_url)};
    return 0;
}

static int close_all(void **state)
{
    server_stop(&here);
    server_stop(&there);
    return rig_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_change_as_the_status_says),
        cmocka_unit_test(credentials_stay_with_their_server),
        cmocka_unit_test(locations_are_resolved),
        cmocka_unit_test(circles_and_nonsense_end),
        cmocka_unit_test(the_second_server_may_be_gone),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
