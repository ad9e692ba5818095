/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_NET_HTTP_RIG_H
#define UNIT_NET_HTTP_RIG_H

/* What the tests of net/ share: one loop and one pool for the whole program, and requests whose
 * reply is kept after it is gone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/time.h"
#include "net/http.h"

#define RIG_PATIENCE_MS 10000

static struct arena perm;
static struct loop *loop;
static struct http *http;

struct got {
    int times;               /* how often on_done was called */
    struct http_reply reply; /* its views are cleared but for those below */
    char body[65536], warning[256], content_type[128];
    size_t body_n;
};

static inline void keep_reply(void *ctx, const struct http_reply *reply)
{
    struct got *got = ctx;
    got->times++;
    got->reply = *reply;
    got->body_n = reply->body.n;
    str_to_cstr(reply->body, got->body, sizeof got->body);
    str_to_cstr(reply->warning, got->warning, sizeof got->warning);
    str_to_cstr(reply->content_type, got->content_type, sizeof got->content_type);
    got->reply.body = got->reply.warning = got->reply.content_type = (str){0};
    got->reply.arena = NULL;
}

/* Turns the loop until *flag is not zero. */
static inline void turn_until(const int *flag)
{
    int64_t end_ms = time_mono_ms() + RIG_PATIENCE_MS;
    while (!*flag && time_mono_ms() < end_ms)
        loop_turn(loop, 50);
    assert_true(*flag);
}

/* Turns the loop until *number is zero. */
static inline void turn_until_zero(const int *number)
{
    int64_t end_ms = time_mono_ms() + RIG_PATIENCE_MS;
    while (*number && time_mono_ms() < end_ms)
        loop_turn(loop, 50);
    assert_int_equal(*number, 0);
}

static inline void turn_for(int64_t ms)
{
    for (int64_t end_ms = time_mono_ms() + ms; time_mono_ms() < end_ms;)
        loop_turn(loop, end_ms - time_mono_ms());
}

static inline http_id send_ok(struct http_request *request, struct got *got)
{
    http_id id = 0;
    struct err e = {0};
    *got = (struct got){0};
    if (!request->on_done)
        request->on_done = keep_reply;
    if (!request->ctx)
        request->ctx = got;
    if (http_send(http, request, &id, &e))
        fail_msg("http_send: %s", e.text);
    assert_true(id != 0);
    return id;
}

static inline void exchange(struct http_request request, struct got *got)
{
    send_ok(&request, got);
    turn_until(&got->times);
    assert_int_equal(got->times, 1);
}

static inline int rig_open(void **state)
{
    (void)state;
    struct err e;
    arena_reserve(&perm, "perm", 16 * MIB);
    if (loop_open(&perm, &loop, &e) || http_open(&perm, loop, &http, &e))
        return -1;
    return 0;
}

static inline int rig_close(void **state)
{
    (void)state;
    http_close(http);
    loop_close(loop);
    arena_release(&perm);
    return 0;
}

#define assert_has(text, part)                               \
    do {                                                     \
        if (!strstr((text), (part)))                         \
            fail_msg("'%s' is not in '%s'", (part), (text)); \
    } while (0)

#endif
