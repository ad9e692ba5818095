/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_KUBE_CLIENT_RIG_H
#define UNIT_KUBE_CLIENT_RIG_H

/* A client whose API server is a script: statuses and bodies by the number of the request. */

#include "net/http_rig.h"
#include "net/script_server.h"

#include "kube/client.h"
#include "kube/folder.h"
#include "kube/pem.h"

static struct server server;
static struct kube *kube;
static struct kube_config config;

static struct {
    char requests[16][4096];
    int count;
    const char *statuses[16]; /* of the nth request; NULL: the last one again */
    const char *bodies[16];
} script;

UNUSED static void answer(struct connection *c, str request)
{
    int n = script.count++;
    assert_true(n < (int)ARRAY_LEN(script.requests));
    str_to_cstr(request, script.requests[n], sizeof script.requests[n]);
    while (n > 0 && !script.statuses[n])
        n--;
    server_reply(c, script.statuses[n] ? script.statuses[n] : "200 OK", "",
                 str_of(script.bodies[n]));
}

UNUSED static void begin(struct kube_config with)
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

UNUSED static void on_done(void *ctx, const struct kube_reply *reply)
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

UNUSED static kube_id send_request(struct outcome *o)
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

UNUSED static void call(struct outcome *o)
{
    send_request(o);
    turn_until(&o->times);
    assert_int_equal(o->times, 1);
}

#define API "client.authentication.k8s.io/v1"

UNUSED static struct kube_config plugin(const char *shell)
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

UNUSED static int open_all(void **state)
{
    return rig_open(state) || folder_open(state);
}

UNUSED static int close_all(void **state)
{
    return folder_close(state) || rig_close(state);
}

#endif
