/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

/*
 * The one event loop: curl's sockets, our own descriptors, timers. One turn: wait, take the time
 * once, run what is due. Callbacks run inside loop_turn and may start requests, set timers and add
 * or remove descriptors, of themselves too.
 */

#include "base/arena.h"
#include "base/err.h"

struct loop;

/* Memory from `perm`; lives as long as the process (loop_close ends curl). */
enum err_kind loop_open(struct arena *perm, struct loop **loop, struct err *e) MUST_CHECK;
void loop_close(struct loop *loop);

/* Waits for something to happen (at most max_wait_ms) and handles it. */
void loop_turn(struct loop *loop, int64_t max_wait_ms);
/* Monotonic time of this turn, in ms. */
int64_t loop_now_ms(const struct loop *loop);

/* A timer lives in its owner's struct (zero-initialised) and costs no memory of the loop. */
typedef void loop_timer_fn(void *ctx);
struct loop_timer {
    int64_t due_ms;
    loop_timer_fn *fn;
    void *ctx;
    struct loop_timer *prev, *next; /* the loop's */
    bool set;
};
/* (Re)arms: fires once, delay_ms (>= 0) from now (the true time), in a later turn or later in this
 * one. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms,
                    loop_timer_fn *fn, void *ctx);
/* Disarms; nothing happens where it is not set. */
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Descriptors beside curl's; events are those of poll(2) (POLLIN, POLLOUT). */
typedef void loop_fd_fn(void *ctx, int fd, short revents);
enum err_kind loop_fd_add(struct loop *loop, int fd, short events, loop_fd_fn *fn, void *ctx,
                          struct err *e) MUST_CHECK;
void loop_fd_set_events(struct loop *loop, int fd, short events);
void loop_fd_remove(struct loop *loop, int fd);

/* SIGTERM, SIGINT, SIGHUP, SIGCHLD by signalfd: blocks them for the process and calls fn with the
 * signal's number. Once. */
typedef void loop_signal_fn(void *ctx, int signal_number);
enum err_kind loop_signals(struct loop *loop, loop_signal_fn *fn, void *ctx,
                           struct err *e) MUST_CHECK;

#endif
