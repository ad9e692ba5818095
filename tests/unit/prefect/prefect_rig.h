/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_PREFECT_RIG_H
#define UNIT_PREFECT_RIG_H

/* A Prefect client whose server is a script: statuses and bodies by the number of the request. */

#include "net/http_rig.h"
#include "net/script_server.h"

#include "prefect/client.h"

static struct server server;
static struct prefect *client;

static struct {
    char requests[32][8192]; /* as they came, cut */
    int count;
    const char *statuses[32]; /* of the nth request; NULL: the last one again */
    const char *headers[32];
    const char *bodies[32];
} script;

static inline const char *body_of(int n)
{
    const char *end = strstr(script.requests[n], "\r\n\r\n");
    return end ? end + 4 : "";
}

static inline void answer(struct connection *c, str request)
{
    int n = script.count++;
    assert_true(n < (int)ARRAY_LEN(script.requests));
    str_to_cstr(request, script.requests[n], sizeof script.requests[n]);
    while (n > 0 && !script.statuses[n])
        n--;
    if (!strcmp(script.statuses[n], "reset")) {
        server_reset(c);
        return;
    }
    server_reply(c, script.statuses[n], script.headers[n] ? script.headers[n] : "",
                 str_of(script.bodies[n]));
}

static inline struct prefect_options options(void)
{
    return (struct prefect_options){
        .api_url = str_of(server.base_url),
        .request_timeout_s = 5,
        .max_retries = 2,
        .jitter_factor = 0,
    };
}

static inline void begin(void)
{
    memset(&script, 0, sizeof script);
    assert_true(server_open(&server, loop, answer, NULL));
}

static inline void connect_with(const struct prefect_options *o)
{
    struct err e = {0};
    if (prefect_open(&perm, loop, http, o, &client, &e))
        fail_msg("%s", e.text);
}

#endif
