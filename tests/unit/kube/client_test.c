/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_rig.h"
#include "net/script_server.h"

#include "kube/client.h"
#include "kube/folder.h"
#include "kube/pem.h"

/* Requests to an API server that is a script: credentials, their renewal, refusals. */

static struct server server;
static struct kube *kube;
static struct kube_config config;

static struct {
    char requests[16][4096];
    int count;
    const char *statuses[16]; /* of the nth request; NULL: the last one again */
    const char *bodies[16];
} script;

static void answer(struct connection *c, str request)
{
    int n = script.count++;
    assert_true(n < (int)ARRAY_LEN(script.requests));
    str_to_cstr(request, script.requests[n], sizeof script.requests[n]);
    while (n > 0 && !script.statuses[n])
        n--;
    server_reply(c, script.statuses[n] ? script.statuses[n] : "200 OK", "",
                 str_of(script.bodies[n]));
}

static void begin(struct kube_config with)
{
    struct err e = {0};
    memset(&script, 0, sizeof script);
    assert_true(server_open(&server, loop, answer, NULL));
    config = with;
    config.target.base_url = str_of(server.base_url);
    if (kube_open(&perm, loop, http, &config, &kube, &e))
        fail_msg("%s", e.text);
}

struct outcome {
    int times;
    enum err_kind kind;
    int status;
    char reason[64], message[256], body[256], error[ERR_TEXT_MAX];
};

static void on_done(void *ctx, const struct kube_reply *reply)
{
    struct outcome *o = ctx;
    o->times++;
    o->kind = reply->kind;
    o->status = reply->http->status;
    str_to_cstr(reply->reason, o->reason, sizeof o->reason);
    str_to_cstr(reply->message, o->message, sizeof o->message);
    str_to_cstr(reply->http->body, o->body, sizeof o->body);
    if (reply->kind)
        str_to_cstr(str_of(reply->err->text), o->error, sizeof o->error);
}

static kube_id send_request(struct outcome *o)
{
    struct err e = {0};
    kube_id id = 0;
    *o = (struct outcome){0};
    struct kube_request request = {
        .method = HTTP_POST,
        .path = STR("/apis/batch/v1/namespaces/ns/jobs"),
        .body = STR("{}"),
        .on_done = on_done,
        .ctx = o,
    };
    if (kube_send(kube, &request, &id, &e))
        fail_msg("%s", e.text);
    assert_int_equal(o->times, 0);
    return id;
}

static void call(struct outcome *o)
{
    send_request(o);
    turn_until(&o->times);
    assert_int_equal(o->times, 1);
}

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

static void a_password(void **state)
{
    (void)state;
    struct outcome o;
    begin((struct kube_config){
        .credential = KUBE_BASIC, .username = STR("me"), .password = STR("p:w")});
    call(&o);
    assert_has(script.requests[0], "\r\nAuthorization: Basic bWU6cDp3\r\n");
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

static void a_token_file_is_read_again_after_401(void **state)
{
    (void)state;
    struct outcome o;
    write_file("token", "first\n");
    begin((struct kube_config){.credential = KUBE_TOKEN_FILE,
                               .token_file = str_of(in_folder("token"))});
    call(&o);
    assert_has(script.requests[0], "Bearer first\r\n");
    write_file("token", "second\n");
    call(&o);
    assert_has(script.requests[1], "Bearer first\r\n"); /* for a minute */
    script.statuses[2] = "401 Unauthorized";
    script.statuses[3] = "200 OK";
    call(&o);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(script.count, 4);
    assert_has(script.requests[2], "Bearer first\r\n");
    assert_has(script.requests[3], "Bearer second\r\n");
    /* Twice 401 is an answer; a file that is gone leaves the token as it was. */
    unlink(in_folder("token"));
    script.statuses[4] = "401 Unauthorized";
    call(&o);
    assert_int_equal(script.count, 6);
    assert_has(script.requests[5], "Bearer second\r\n");
    assert_int_equal(o.kind, ERR_AUTH);
    assert_has(o.error, "/token (401)");
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

/* ---- plugins ------------------------------------------------------------------------------- */

#define API "client.authentication.k8s.io/v1"

static struct kube_config plugin(const char *shell)
{
    write_file("plugin", shell);
    chmod(in_folder("plugin"), 0700);
    return (struct kube_config){
        .credential = KUBE_EXEC,
        .exec = {.api_version = STR(API),
                 .command = str_of(in_folder("plugin")),
                 .install_hint = STR("ask the\nadmins")},
    };
}

static void a_plugin_runs_once_for_all(void **state)
{
    (void)state;
    struct outcome a, b;
    begin(plugin("#!/bin/sh\necho x >>\"$0.runs\"\ncat >\"$0.in\"\n"
                 "printf %s \"$KUBERNETES_EXEC_INFO\" >\"$0.info\"\n"
                 "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
                 "\",\"status\":{\"token\":\"from-plugin\"}}'\n"));
    send_request(&a);
    send_request(&b);
    turn_until(&a.times);
    turn_until(&b.times);
    assert_int_equal(a.kind, ERR_NONE);
    assert_has(script.requests[0], "Bearer from-plugin\r\n");
    assert_has(script.requests[1], "Bearer from-plugin\r\n");
    call(&a);
    struct stat s;
    assert_int_equal(stat(in_folder("plugin.runs"), &s), 0);
    assert_int_equal(s.st_size, 2); /* one run */
    assert_int_equal(stat(in_folder("plugin.in"), &s), 0);
    assert_int_equal(s.st_size, 0);
    char info[256] = "";
    FILE *f = fopen(in_folder("plugin.info"), "r");
    assert_non_null(f);
    assert_non_null(fgets(info, sizeof info, f));
    fclose(f);
    assert_string_equal(info, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
                              "\",\"spec\":{\"interactive\":false}}");
    /* A refused token makes it run again. */
    script.statuses[3] = "401 Unauthorized";
    script.statuses[4] = "200 OK";
    call(&a);
    assert_int_equal(a.kind, ERR_NONE);
    assert_int_equal(stat(in_folder("plugin.runs"), &s), 0);
    assert_int_equal(s.st_size, 4);
    server_stop(&server);
}

static void a_plugin_that_gives_certificates(void **state)
{
    (void)state;
    struct outcome o;
    char shell[4096], pem[2048];
    size_t n = 0;
    for (const char *p = CLIENT_PEM "\",\"clientKeyData\":\"" CLIENT_KEY_PEM; *p; p++)
        n += (size_t)snprintf(pem + n, sizeof pem - n, *p == '\n' ? "\\n" : "%c", *p);
    snprintf(shell, sizeof shell,
             "#!/bin/sh\ncat <<'E'\n{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
             "\",\"status\":{\"expirationTimestamp\":\"2199-01-01T00:00:00Z\","
             "\"clientCertificateData\":\"%s\"}}\nE\n",
             pem);
    begin(plugin(shell));
    call(&o);
    if (o.kind)
        fail_msg("%s", o.error);
    assert_null(strstr(script.requests[0], "Authorization"));
    server_stop(&server);
}

static void a_plugin_that_expires_runs_again(void **state)
{
    (void)state;
    struct outcome o;
    struct kube_config with =
        plugin("#!/bin/sh\necho x >>\"$0.again\"\n"
               "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
               "\",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}"
               "'\n");
    begin(with);
    call(&o);
    assert_int_equal(o.kind, ERR_NONE);
    call(&o); /* it has expired, but it is used for 10 s at least */
    struct stat s;
    assert_int_equal(stat(in_folder("plugin.again"), &s), 0);
    assert_int_equal(s.st_size, 2);
    server_stop(&server);
}

static void plugins_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *shell, *want;
    } cases[] = {
        {"#!/bin/sh\necho one >&2\necho 'log in first' >&2\nexit 3\n",
         "exit status 3: log in first (its hint: ask the admins)"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
        {"#!/bin/sh\necho hello\n", "no JSON"},
        {"#!/bin/sh\necho '{}'\n", "no ExecCredential"},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"x/v2\"}'\n", API},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
         "\",\"status\":{}}'\n",
         "neither a token"},
        {"#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
         "\",\"status\":{\"clientKeyData\":\"x\"}}'\n",
         "only one of"},
        {"#!/bin/sh\nhead -c 300000 /dev/zero\n", "256 KiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome o;
        begin(plugin(cases[i].shell));
        call(&o);
        assert_int_equal(o.kind, ERR_AUTH);
        assert_int_equal(script.count, 0);
        assert_has(o.error, "exec plugin /");
        assert_has(o.error, cases[i].want);
        server_stop(&server);
    }
    struct outcome o;
    struct kube_config with = plugin("");
    with.exec.command = STR("no-such-plugin");
    begin(with);
    call(&o);
    assert_has(o.error, "exec plugin no-such-plugin: not found");
    assert_has(o.error, "ask the admins");
    server_stop(&server);
}

static void a_plugin_that_hangs_is_killed(void **state)
{
    (void)state;
    struct outcome o;
    /* What it starts holds its output open: the whole group has to go. */
    struct kube_config with = plugin("#!/bin/sh\nsleep 100 &\necho $! >\"$0.child\"\nwait\n");
    with.exec.timeout_ms = 300;
    begin(with);
    call(&o);
    assert_int_equal(o.kind, ERR_AUTH);
    assert_has(o.error, "no answer in 0.3 s");
    int child = 0;
    FILE *f = fopen(in_folder("plugin.child"), "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    turn_for(50);
    char path[64], status[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    if ((f = fopen(path, "r"))) { /* not reaped yet, where nobody does */
        assert_non_null(fgets(status, sizeof status, f));
        fclose(f);
        assert_has(status, ") Z ");
    }
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

static int open_all(void **state)
{
    return rig_open(state) || folder_open(state);
}

static int close_all(void **state)
{
    return folder_close(state) || rig_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_and_a_fixed_token),
        cmocka_unit_test(a_password),
        cmocka_unit_test(nobody),
        cmocka_unit_test(a_token_file_is_read_again_after_401),
        cmocka_unit_test(no_token_no_request),
        cmocka_unit_test(refusals_have_parts),
        cmocka_unit_test(a_plugin_runs_once_for_all),
        cmocka_unit_test(a_plugin_that_gives_certificates),
        cmocka_unit_test(a_plugin_that_expires_runs_again),
        cmocka_unit_test(plugins_that_fail),
        cmocka_unit_test(a_plugin_that_hangs_is_killed),
        cmocka_unit_test(calls_can_be_cancelled_while_a_plugin_runs),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
