/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "net/script_server.h"
#include "net/tls_rig.h"

static bool bypassed(const char *no_proxy, const char *url_text)
{
    struct url url;
    struct err e;
    if (url_parse(str_of(url_text), &url, &e))
        fail_msg("%s: %s", url_text, e.text);
    return proxy_bypassed(str_of(no_proxy), &url);
}

static void no_proxy_lists(void **state)
{
    (void)state;
    static const struct {
        const char *no_proxy, *url;
        bool want;
    } cases[] = {
        {"", "http://a.example", false},
        {"*", "http://a.example", true},
        {"b.example, *", "http://a.example", true},
        {"example", "http://a.example", true},
        {"a.example", "http://A.Example/x", true},
        {"a.example", "http://b.a.example", true},
        {"a.example", "http://ba.example", false},
        {".a.example", "http://b.a.example", true},
        {".a.example", "http://a.example", false},
        {"*.a.example", "http://b.a.example", true},
        {"*.a.example", "http://a.example", false},
        {"a.example.", "http://a.example", true},
        {"a.example", "http://a.example.", true},
        {"x.example,,  a.example ,", "http://a.example", true},
        {"a.example:8080", "http://a.example:8080", true},
        {"a.example:8080", "http://a.example", false},
        {"a.example:80", "http://a.example", true},
        {"a.example:443", "https://a.example", true},
        {"a.example:x", "http://a.example", false},
        {"https://a.example", "https://a.example", true},
        {"https://a.example", "http://a.example", false},
        {"all://a.example", "http://a.example", true},
        {"localhost", "http://localhost:4200", true},
        {"10.1.2.3", "http://10.1.2.3", true},
        {"10.1.2.3", "http://10.1.2.30", false},
        {"10.1.2.3:81", "http://10.1.2.3:81", true},
        {"10.1.2.3:81", "http://10.1.2.3:82", false},
        {"10.0.0.0/8", "http://10.255.0.1", true},
        {"10.0.0.0/8", "http://11.0.0.1", false},
        {"10.96.0.0/12", "https://10.111.255.255:6443", true},
        {"10.96.0.0/12", "https://10.112.0.0:6443", false},
        {"0.0.0.0/0", "http://1.2.3.4", true},
        {"0.0.0.0/0", "http://[::1]", false},
        {"10.1.2.3/32", "http://10.1.2.3", true},
        {"10.1.2.3/33", "http://10.1.2.3", false},
        {"10.1.2.3/x", "http://10.1.2.3", false},
        {"10.1.2.3/", "http://10.1.2.3", false},
        {"10.0.0.0/8", "http://ten.example", false}, /* names are not resolved */
        {"1.2.3", "http://0.1.2.3", false},          /* an address is not a name */
        {"::1", "http://[::1]", true},
        {"[::1]", "http://[::1]:81", true},
        {"[::1]:81", "http://[::1]:81", true},
        {"[::1]:81", "http://[::1]:82", false},
        {"0:0:0:0:0:0:0:1", "http://[::1]", true},
        {"fd00::/8", "http://[fdff::1]", true},
        {"fd00::/8", "http://[fe00::1]", false},
        {"fd00:1:2:8000::/49", "http://[fd00:1:2:ffff::1]", true},
        {"fd00:1:2:8000::/49", "http://[fd00:1:2:7fff::1]", false},
        {"[fd00::]/8", "http://[fdff::1]", true},
        {"::/0", "http://[fdff::1]", true},
        {"::ffff:10.0.0.1", "http://10.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (bypassed(cases[i].no_proxy, cases[i].url) != cases[i].want)
            fail_msg("NO_PROXY=%s for %s: not %d", cases[i].no_proxy, cases[i].url, cases[i].want);
}

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static void the_environment_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    struct http_proxy p = http_proxy_from_environment();
    assert_true(p.http_url.n == 0 && p.https_url.n == 0 && p.no_proxy.n == 0);
    setenv("ALL_PROXY", "http://all:1", 1);
    setenv("HTTPS_PROXY", "http://upper:1", 1);
    setenv("NO_PROXY", "upper", 1);
    p = http_proxy_from_environment();
    assert_true(str_eq(p.http_url, STR("http://all:1")));
    assert_true(str_eq(p.https_url, STR("http://upper:1")));
    assert_true(str_eq(p.no_proxy, STR("upper")));
    setenv("https_proxy", " http://lower:1 ", 1);
    setenv("no_proxy", "", 1);
    p = http_proxy_from_environment();
    assert_true(str_eq(p.https_url, STR("http://lower:1")));
    assert_int_equal(p.no_proxy.n, 0);
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
}

/* -- through a proxy */

static char last_request[4096];
static char to_host[64]; /* where CONNECT leads; empty: 407 */

struct tunnel {
    int client, server;
};
static struct tunnel tunnel;

static void on_tunnel(void *ctx, int fd, short revents)
{
    (void)ctx;
    (void)revents;
    char bytes[16384];
    int other = fd == tunnel.client ? tunnel.server : tunnel.client;
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        send(other, bytes, (size_t)n, MSG_NOSIGNAL);
        return;
    }
    loop_fd_remove(loop, tunnel.client);
    loop_fd_remove(loop, tunnel.server);
    close(tunnel.client);
    close(tunnel.server);
}

static void start_tunnel(struct connection *c)
{
    struct err e;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port_of(to_host))};
    server_send(c, STR("HTTP/1.1 200 Connected\r\nRetry-After: 5\r\n\r\n"));
    tunnel.client = dup(c->fd);
    server_close(c);
    tunnel.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(tunnel.server, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(loop_fd_add(loop, tunnel.client, 1, on_tunnel, NULL, &e), ERR_NONE);
    assert_int_equal(loop_fd_add(loop, tunnel.server, 1, on_tunnel, NULL, &e), ERR_NONE);
}

static void answer_as_proxy(struct connection *c, str request)
{
    str_to_cstr(request, last_request, sizeof last_request);
    if (!str_starts(request, STR("CONNECT ")))
        server_reply(c, "200 OK", "", STR("by proxy"));
    else if (to_host[0])
        start_tunnel(c);
    else
        server_reply(c, "407 Who Are You", "", STR("no"));
}

static struct server proxy;

static const struct http_header headers[] = {
    {STR_INIT("Authorization"), STR_INIT("Bearer geheim")}};

static void http_goes_through_a_proxy(void **state)
{
    (void)state;
    struct got got;
    char url[128];
    assert_true(server_open(&proxy, loop, answer_as_proxy, NULL));
    snprintf(url, sizeof url, "http://me:pass%%20word@127.0.0.1:%u", proxy.port);
    struct http_target target = {
        .base_url = STR("http://api.example/base"),
        .proxy = {.http_url = str_of(url), .no_proxy = STR("other.example")}};
    struct http_request request = {
        .target = &target, .path = STR("/x"), .headers = headers, .header_count = 1};
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_string_equal(got.body, "by proxy");
    assert_true(
        str_starts(str_of(last_request), STR("GET http://api.example/base/x HTTP/1.1\r\n")));
    assert_has(last_request, "Host: api.example\r\n");
    assert_has(last_request, "Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n");
    assert_has(last_request, "Authorization: Bearer geheim\r\n");

    target.proxy.http_url = str_skip(str_of(url), strlen("http://")); /* without a scheme */
    exchange(request, &got);
    assert_string_equal(got.body, "by proxy");
    server_stop(&proxy);

    exchange(request, &got);
    assert_true(got.reply.refused);
    assert_false(got.reply.connected);
    assert_has(got.reply.err.text,
               "GET http://api.example/base/x: cannot connect to the proxy 127.0.0.1:");
    assert_null(strstr(got.reply.err.text, "word"));
}

static void https_goes_through_a_tunnel(void **state)
{
    (void)state;
    struct got got;
    char proxy_url[64], url[64], want[64];
    assert_true(server_open(&proxy, loop, answer_as_proxy, NULL));
    snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", proxy.port);
    snprintf(url, sizeof url, "https://api.wild.localhost:%d", port_of("dns"));
    struct tls_config config = {.trust = trust_in("ca.crt")};
    struct http_target target = {
        .base_url = str_of(url), .tls = &config, .proxy = {.https_url = str_of(proxy_url)}};
    struct http_request request = {
        .target = &target, .path = STR("/x"), .headers = headers, .header_count = 1};
    strcpy(to_host, "dns");
    exchange(request, &got);
    if (got.reply.kind)
        fail_msg("%s", got.reply.err.text);
    snprintf(want, sizeof want, "CONNECT api.wild.localhost:%d HTTP/1.1\r\n", port_of("dns"));
    assert_true(str_starts(str_of(last_request), str_of(want)));
    assert_null(strstr(last_request, "geheim")); /* for the server alone */
    assert_has(got.body, "sni=api.wild.localhost ");
    assert_int_equal(got.reply.retry_after_ms, -1); /* the proxy's headers are not the reply's */

    /* With a name to verify the tunnel still goes to the true host. */
    snprintf(url, sizeof url, "https://10.9.8.7:%d", port_of("dns"));
    config.server_name = STR("localhost");
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    snprintf(want, sizeof want, "CONNECT 10.9.8.7:%d HTTP/1.1\r\n", port_of("dns"));
    assert_true(str_starts(str_of(last_request), str_of(want)));
    assert_has(got.body, "sni=localhost ");
    snprintf(want, sizeof want, "host=10.9.8.7:%d", port_of("dns"));
    assert_has(got.body, want);

    to_host[0] = '\0';
    snprintf(url, sizeof url, "https://other.wild.localhost:%d", port_of("dns"));
    config.server_name = (str){0};
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_false(got.reply.connected);
    assert_int_equal(got.reply.status, 0);
    assert_has(got.reply.err.text, "407");
    server_stop(&proxy);
}

static void https_proxies_are_refused(void **state)
{
    (void)state;
    struct got got = {0};
    struct http_target target = {.base_url = STR("http://a.example"),
                                 .proxy = {.http_url = STR("https://proxy.example:3128")}};
    struct http_request request = {
        .target = &target, .path = STR("/"), .on_done = keep_reply, .ctx = &got};
    struct err e;
    http_id id;
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    assert_has(e.text, "a proxy of kind 'https' is not supported");
}

/* Variables of the environment alone change nothing: each target says what it wants. */
static void curl_does_not_ask_the_environment(void **state)
{
    (void)state;
    struct got got;
    struct server server;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    assert_true(server_open(&server, loop, answer_as_proxy, NULL));
    struct http_target target = {.base_url = str_of(server.base_url)};
    exchange((struct http_request){.target = &target, .path = STR("/direct")}, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_true(str_starts(str_of(last_request), STR("GET /direct ")));
    setenv("no_proxy", "*", 1);
    target.base_url = STR("http://api.example");
    target.proxy.http_url = str_of(server.base_url);
    exchange((struct http_request){.target = &target, .path = STR("/p")}, &got);
    assert_string_equal(got.body, "by proxy");
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proxy_lists),
        cmocka_unit_test(the_environment_is_read),
        cmocka_unit_test(http_goes_through_a_proxy),
        cmocka_unit_test(https_goes_through_a_tunnel),
        cmocka_unit_test(https_proxies_are_refused),
        cmocka_unit_test(curl_does_not_ask_the_environment),
    };
    return cmocka_run_group_tests(tests, tls_rig_open, tls_rig_close);
}
