/* SPDX-License-Identifier: Apache-2.0 */
#include "net/script_server.h"
#include "net/tls_rig.h"

/* Whom we connect to over TLS and whom not, against real servers of another TLS library. */

static void good_certificates_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *server, *host, *trust;
    } cases[] = {
        {"dns", "localhost", "ca.crt"},
        {"dns", "LOCALHOST", "ca.crt"},
        {"dns", "a.wild.localhost", "ca.crt"},
        {"ip4", "127.0.0.1", "ca.crt"},
        {"ip6", "[::1]", "ca.crt"},
        {"ip6", "[0:0:0:0:0:0:0:1]", "ca.crt"},
        {"chain", "localhost", "ca.crt"},
        {"chain", "localhost", "intermediate.crt"}, /* an anchor need not be a root */
        {"selfsigned", "localhost", "selfsigned.crt"},
        {"selfca", "localhost", "selfca.crt"},
        {"rsa", "localhost", "rsaca.crt"},
        {"rsa", "localhost", "both.crt"},
        {"p384", "localhost", "ca.crt"},
        {"p521", "localhost", "ca.crt"},
        {"cbc", "localhost", "rsaca.crt"},
        {"chacha", "localhost", "ca.crt"},
        {"dns", "localhost", "mixed.crt"}, /* with an anchor that cannot be used beside it */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_config config = {.trust = trust_in(cases[i].trust)};
        struct got got;
        fetch(cases[i].server, cases[i].host, &config, &got);
        if (got.reply.kind)
            fail_msg("%s as %s: %s", cases[i].server, cases[i].host, got.reply.err.text);
        assert_int_equal(got.reply.status, 200);
    }
}

static void bad_certificates_are_refused_with_their_reason(void **state)
{
    (void)state;
    static const struct {
        const char *server, *host, *trust, *reason;
    } cases[] = {
        {"wrong", "localhost", "ca.crt",
         "its certificate is for other.example, 10.0.0.1, not for localhost"},
        {"wrong", "127.0.0.1", "ca.crt",
         "its certificate is for other.example, 10.0.0.1, not for 127.0.0.1"},
        {"cn", "localhost", "ca.crt",
         "no alternative names, so it is not for localhost (the name "
         "'localhost' in its subject does not count)"},
        {"cnip", "127.0.0.1", "ca.crt", "no alternative names"},
        {"ip4", "localhost", "ca.crt", "is for 127.0.0.1, not for localhost"},
        {"ip4dns", "127.0.0.1", "ca.crt", "is for 127.0.0.1, not for 127.0.0.1"},
        {"mapped", "127.0.0.1", "ca.crt", "is for ::ffff:127.0.0.1, not for 127.0.0.1"},
        {"dns", "127.0.0.1", "ca.crt", "not for 127.0.0.1"},
        {"dns", "a.b.wild.localhost", "ca.crt", "not for a.b.wild.localhost"},
        {"dns", "wild.localhost", "ca.crt", "not for wild.localhost"},
        {"expired", "localhost", "ca.crt",
         "its certificate ('expired', issued by 'ca') expired at 2020-02-01T00:00:00Z"},
        {"future", "localhost", "ca.crt", "is not valid before 2040-01-01T00:00:00Z"},
        {"unknown", "localhost", "ca.crt",
         "the issuer of its certificate, 'otherca', is not among the 1 of ca.crt, and it sent no "
         "intermediate certificate"},
        {"rsa", "localhost", "ca.crt", "'RSA authority', is not among the 1 of ca.crt"},
        {"selfsigned", "localhost", "ca.crt",
         "its certificate ('selfsigned') is signed by itself and is not among the 1 of ca.crt"},
        {"below", "localhost", "ca.crt", "the issuer of its certificate, 'intermediate'"},
        {"chain", "localhost", "otherca.crt",
         "the issuer of its last intermediate certificate, 'ca', is not among the 1 of "
         "otherca.crt"},
        {"disorder", "localhost", "ca.crt", "sends its chain in a wrong order"},
        {"usedca", "localhost", "ca.crt", "('notca', issued by 'ca') is no CA's"},
        {"oldchain", "localhost", "ca.crt",
         "an intermediate certificate ('oldca', issued by 'ca') expired"},
        {"sha1", "localhost", "ca.crt", "signature of a kind that is not supported"},
        {"weak", "localhost", "ca.crt", "RSA key of less than 2048 bits"},
        {"clientonly", "localhost", "ca.crt",
         "its certificate ('clientonly', issued by 'ca') is not "
         "meant for TLS servers"},
        {"critical", "localhost", "ca.crt", "critical extension"},
        {"unknown", "localhost", "mixed.crt",
         "is not among the 1 of mixed.crt (1 more are of a kind"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_config config = {.trust = trust_in(cases[i].trust)};
        struct got got;
        fetch(cases[i].server, cases[i].host, &config, &got);
        if (got.reply.kind != ERR_RETRY || !strstr(got.reply.err.text, cases[i].reason))
            fail_msg("%s as %s: '%s', and not '%s'", cases[i].server, cases[i].host,
                     got.reply.err.text, cases[i].reason);
        assert_has(got.reply.err.text, ": the server's identity cannot be verified: ");
        assert_true(got.reply.refused);
        assert_false(got.reply.connected);
        assert_int_equal(got.reply.status, 0);
        config.insecure = true; /* the same server, without any check */
        fetch(cases[i].server, cases[i].host, &config, &got);
        if (got.reply.kind)
            fail_msg("%s, insecure: %s", cases[i].server, got.reply.err.text);
    }
}

static void servers_that_cannot_be_talked_to(void **state)
{
    (void)state;
    struct tls_config config = {.trust = trust_in("both.crt")};
    static const struct {
        const char *server, *reason;
    } cases[] = {
        {"tls13",
         "alert 70, protocol_version: it does not speak TLS 1.2, the only version of this program "
         "(TLS 1.3 alone is not enough)"},
        {"tls11", "alert 40, handshake_failure"},
        {"norsakx", "alert 40, handshake_failure: no cipher suite in common"},
        {"clients", "a client certificate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got got;
        fetch(cases[i].server, "localhost", &config, &got);
        assert_int_equal(got.reply.kind, ERR_RETRY);
        assert_has(got.reply.err.text, cases[i].reason);
        assert_has(got.reply.err.text, "GET https://localhost:");
        assert_false(got.reply.connected);
    }
}

static void client_certificates_of_all_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *key, *name;
    } cases[] = {
        {"client-rsa2048.crt", "client-rsa2048.key", "client-rsa2048"},
        {"client-rsa2048.crt", "pkcs1.key", "client-rsa2048"},
        {"client-rsa4096.crt", "client-rsa4096.key", "client-rsa4096"},
        {"client-P-256.crt", "client-P-256.key", "client-P-256"},
        {"client-P-256.crt", "sec1.key", "client-P-256"},
        {"client-P-384.crt", "client-P-384.key", "client-P-384"},
        {"client-P-521.crt", "client-P-521.key", "client-P-521"},
    };
    const struct tls_trust *trust = trust_in("ca.crt");
    struct got got;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_config config = {.trust = trust,
                                    .identity = identity_in(cases[i].certificate, cases[i].key)};
        char want[64];
        snprintf(want, sizeof want, "client=%s ", cases[i].name);
        fetch("clients", "localhost", &config, &got);
        if (got.reply.kind)
            fail_msg("%s: %s", cases[i].key, got.reply.err.text);
        assert_has(got.body, want);
    }
    struct tls_config other = {.trust = trust,
                               .identity = identity_in("client-other.crt", "client-other.key")};
    fetch("clients", "localhost", &other, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_has(got.reply.err.text, "not accept our client certificate");
}

static void a_configured_name_is_verified_and_sent(void **state)
{
    (void)state;
    struct tls_config config = {.trust = trust_in("ca.crt"), .server_name = STR("localhost")};
    struct got got;
    char want[64];
    fetch("dns", "127.0.0.1", &config, &got);
    if (got.reply.kind)
        fail_msg("%s", got.reply.err.text);
    assert_has(got.body, "sni=localhost ");
    snprintf(want, sizeof want, "host=127.0.0.1:%d", port_of("dns"));
    assert_has(got.body, want);

    fetch("wrong", "127.0.0.1", &config, &got);
    assert_has(got.reply.err.text, "is for other.example, 10.0.0.1, not for localhost");
    assert_has(got.reply.err.text, "GET https://127.0.0.1:");

    config.server_name = STR("other.example");
    fetch("wrong", "127.0.0.1", &config, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_has(got.body, "sni=other.example ");

    config.server_name = STR("10.0.0.1"); /* an address is verified, but is no SNI (RFC 6066 3) */
    fetch("wrong", "localhost", &config, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    assert_has(got.body, "sni=None ");
    snprintf(want, sizeof want, "host=localhost:%d", port_of("wrong"));
    assert_has(got.body, want);

    config.server_name = STR("::1");
    fetch("ip6", "[::1]", &config, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    fetch("dns", "127.0.0.1", &config, &got);
    assert_has(got.reply.err.text, "not for ::1");
}

static int connection_in(const struct got *got)
{
    int number = 0;
    const char *at = strstr(got->body, "connection=");
    assert_non_null(at);
    sscanf(at, "connection=%d", &number);
    return number;
}

/* A connection that was verified in one way is not used where another way is asked for. */
static void connections_are_shared_by_equal_settings_only(void **state)
{
    (void)state;
    struct got got;
    struct tls_config configs[] = {
        {.insecure = true},
        {.trust = trust_in("ca.crt")},
        {.trust = trust_in("both.crt")},
        {.trust = trust_in("ca.crt"), .server_name = STR("x.wild.localhost")},
        {.trust = trust_in("ca.crt"), .identity = identity_in("client-P-256.crt", "sec1.key")},
        {.trust = trust_in("ca.crt"),
         .identity = identity_in("client-P-384.crt", "client-P-384.key")},
        {.insecure = true, .identity = identity_in("client-P-384.crt", "client-P-384.key")},
    };
    int seen[ARRAY_LEN(configs)];
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        fetch("dns", "localhost", &configs[i], &got);
        if (got.reply.kind)
            fail_msg("%zu: %s", i, got.reply.err.text);
        assert_has(got.body, "resumed=False");
        seen[i] = connection_in(&got);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
    }
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        fetch("dns", "localhost", &configs[i], &got);
        assert_int_equal(connection_in(&got), seen[i]);
    }
    struct tls_config again = {.trust = trust_in("ca.crt")}; /* the same content, read again */
    fetch("dns", "localhost", &again, &got);
    assert_int_equal(connection_in(&got), seen[1]);
    /* A connection that nobody verified does not serve one who wants it verified. */
    struct tls_config blind = {.insecure = true};
    fetch("cn", "localhost", &blind, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
    fetch("cn", "localhost", &again, &got);
    assert_has(got.reply.err.text, "no alternative names");
}

static void answer_plainly(struct connection *c, str request)
{
    (void)request;
    server_reply(c, "200 OK", "", STR("plain"));
}

static void on_hello_bytes(void *ctx, int fd, short revents)
{
    (void)revents;
    char bytes[4096];
    const char *answer = ctx;
    if (recv(fd, bytes, sizeof bytes, 0) > 0 && answer)
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    if (answer || revents & 0x10) {
        loop_fd_remove(loop, fd);
        close(fd);
    }
}

static const char *hello_answer;

static void on_hello(void *ctx, int fd, short revents)
{
    (void)ctx;
    (void)revents;
    struct err e;
    int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(loop_fd_add(loop, got, 1, on_hello_bytes, (void *)hello_answer, &e), ERR_NONE);
}

/* Servers that are none: they answer the hello with text, with nothing, or not at all. */
static void peers_that_do_not_speak_tls(void **state)
{
    (void)state;
    struct server server;
    assert_true(server_open(&server, loop, answer_plainly, NULL));
    loop_fd_remove(loop, server.fd);
    struct err e;
    assert_int_equal(loop_fd_add(loop, server.fd, 1, on_hello, NULL, &e), ERR_NONE);
    char url[64];
    struct tls_config config = {.trust = trust_in("ca.crt")};
    snprintf(url, sizeof url, "https://127.0.0.1:%u", server.port);
    struct http_target target = {.base_url = str_of(url), .tls = &config};
    struct http_request request = {.target = &target, .path = STR("/")};
    struct got got;

    hello_answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_has(got.reply.err.text, "is not TLS 1.2: is this its https port?");

    hello_answer = "";
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_has(got.reply.err.text, "broke in the TLS handshake");
    assert_false(got.reply.connected);

    hello_answer = NULL;
    request.connect_timeout_ms = 100;
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
    assert_true(got.reply.timed_out);
    assert_has(got.reply.err.text, "within 0.1 s");
    assert_false(got.reply.connected);
    turn_for(20);
    server_stop(&server);

    /* And a TLS server that is asked in plain text. */
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port_of("dns"));
    target = (struct http_target){.base_url = str_of(url)};
    exchange(request, &got);
    assert_int_equal(got.reply.kind, ERR_RETRY);
}

static void settings_must_be_there(void **state)
{
    (void)state;
    struct tls_config nothing = {0};
    struct http_target target = {.base_url = STR("https://localhost:1")};
    struct got got = {0};
    struct http_request request = {
        .target = &target, .path = STR("/"), .on_done = keep_reply, .ctx = &got};
    struct err e;
    http_id id;
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    target.tls = &nothing;
    assert_int_equal(http_send(http, &request, &id, &e), ERR_INVALID);
    assert_has(e.text, "no CA certificates");
    assert_int_equal(got.times, 0);
}

/* Each budget that is too small ends one exchange, in the handshake too, and none hangs. */
static void memory_may_run_out(void **state)
{
    (void)state;
    struct tls_config config = {.trust = trust_in("ca.crt")};
    struct heap_figures before = heap_figures();
    struct got got;
    char url[64];
    int failed = 0, passed = 0;
    for (size_t more = 1; more < 120000; more += 2999) {
        /* Another name each time, so that no connection is there yet. */
        snprintf(url, sizeof url, "https://n%zu.wild.localhost:%d", more, port_of("dns"));
        struct http_target target = {.base_url = str_of(url), .tls = &config};
        struct http_request request = {
            .target = &target, .path = STR("/x"), .on_done = keep_reply, .ctx = &got};
        struct err e;
        http_id id;
        got = (struct got){0};
        heap_set_budget(heap_figures().used + more);
        if (http_send(http, &request, &id, &e)) {
            assert_int_equal(e.kind, ERR_RETRY);
            failed++;
            continue;
        }
        turn_until(&got.times);
        failed += got.reply.kind == ERR_RETRY;
        passed += got.reply.kind == ERR_NONE;
    }
    heap_set_budget(before.budget);
    assert_int_equal(failed + passed, 41);
    assert_true(failed > 3 && passed > 3);
    fetch("dns", "localhost", &config, &got);
    assert_int_equal(got.reply.kind, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_certificates_are_taken),
        cmocka_unit_test(bad_certificates_are_refused_with_their_reason),
        cmocka_unit_test(servers_that_cannot_be_talked_to),
        cmocka_unit_test(client_certificates_of_all_kinds),
        cmocka_unit_test(a_configured_name_is_verified_and_sent),
        cmocka_unit_test(connections_are_shared_by_equal_settings_only),
        cmocka_unit_test(peers_that_do_not_speak_tls),
        cmocka_unit_test(settings_must_be_there),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, tls_rig_open, tls_rig_close);
}
