/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"

static struct arena perm;
static struct loop *loop;

static char order[64];

struct named {
    struct loop_timer timer;
    char name;
    struct named *clears;
    int again;
};

static void on_named(void *ctx)
{
    struct named *n = ctx;
    strncat(order, &n->name, 1);
    if (n->clears)
        loop_timer_clear(loop, &n->clears->timer);
    if (n->again-- > 0)
        loop_timer_set(loop, &n->timer, 0, on_named, n);
}

static void set(struct named *n, int64_t delay_ms)
{
    loop_timer_set(loop, &n->timer, delay_ms, on_named, n);
}

static void turn_for(int64_t ms)
{
    for (int64_t end = time_mono_ms() + ms; time_mono_ms() < end;)
        loop_turn(loop, end - time_mono_ms());
}

static void timers_fire_once_in_order_of_their_time(void **state)
{
    (void)state;
    struct named a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
    order[0] = '\0';
    set(&c, 150);
    set(&a, 10);
    set(&b, 10);
    set(&d, 5);
    set(&d, 250); /* armed anew */
    int64_t began = time_mono_ms();
    turn_for(50);
    assert_string_equal(order, "ab");
    assert_true(c.timer.set && d.timer.set && !a.timer.set);
    turn_for(230);
    assert_string_equal(order, "abcd");
    assert_true(time_mono_ms() - began >= 250);
}

static void a_timer_may_clear_others_and_set_itself(void **state)
{
    (void)state;
    struct named b = {.name = 'b'}, a = {.name = 'a', .clears = &b, .again = 3};
    order[0] = '\0';
    set(&a, 0);
    set(&b, 0);
    /* Each turn runs what was due when it began, so a timer without a delay cannot hold it up. */
    loop_turn(loop, 0);
    assert_true(strlen(order) < 4);
    turn_for(10);
    assert_string_equal(order, "aaaa");
    loop_timer_clear(loop, &b.timer); /* not set: nothing happens */
}

struct watch {
    int fd, other_fd, calls, reads;
    short revents;
};

static void on_fd(void *ctx, int fd, short revents)
{
    struct watch *w = ctx;
    char byte;
    w->calls++;
    w->revents = revents;
    if (revents & POLLIN)
        w->reads += read(fd, &byte, 1) == 1;
    if (w->other_fd >= 0)
        loop_fd_remove(loop, w->other_fd);
    if (revents & POLLHUP)
        loop_fd_remove(loop, fd);
}

static void descriptors_report_data_and_hang_up(void **state)
{
    (void)state;
    int fds[2];
    struct err e;
    assert_int_equal(pipe(fds), 0);
    struct watch w = {.fd = fds[0], .other_fd = -1};
    assert_int_equal(loop_fd_add(loop, fds[0], POLLIN, on_fd, &w, &e), ERR_NONE);
    loop_turn(loop, 0);
    assert_int_equal(w.calls, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(loop, 1000);
    assert_int_equal(w.reads, 1);
    loop_fd_set_events(loop, fds[0], 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(loop, 10);
    assert_int_equal(w.calls, 1);
    loop_fd_set_events(loop, fds[0], POLLIN);
    loop_turn(loop, 1000);
    assert_int_equal(w.reads, 2);
    close(fds[1]);
    loop_turn(loop, 1000);
    assert_true(w.revents & POLLHUP);
    loop_fd_remove(loop, fds[0]); /* gone already: nothing happens */
    close(fds[0]);
    assert_int_equal(loop_fd_add(loop, fds[0], POLLIN, on_fd, &w, &e), ERR_FATAL);
    assert_non_null(strstr(e.text, "cannot watch descriptor"));
}

static void a_descriptor_removed_in_the_same_turn_is_not_called(void **state)
{
    (void)state;
    int one[2], two[2];
    struct err e;
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    struct watch a = {.fd = one[0], .other_fd = two[0]}, b = {.fd = two[0], .other_fd = one[0]};
    assert_int_equal(loop_fd_add(loop, one[0], POLLIN, on_fd, &a, &e), ERR_NONE);
    assert_int_equal(loop_fd_add(loop, two[0], POLLIN, on_fd, &b, &e), ERR_NONE);
    assert_int_equal(write(one[1], "x", 1), 1);
    assert_int_equal(write(two[1], "x", 1), 1);
    loop_turn(loop, 1000);
    loop_turn(loop, 0);
    assert_int_equal(a.calls + b.calls, 1);
    loop_fd_remove(loop, one[0]);
    loop_fd_remove(loop, two[0]);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}

static void descriptors_have_a_cap(void **state)
{
    (void)state;
    int fds[LOOP_FDS_MAX + 1][2];
    struct watch w = {.other_fd = -1};
    struct err e;
    int n = 0;
    for (; n <= LOOP_FDS_MAX; n++) {
        assert_int_equal(pipe(fds[n]), 0);
        if (loop_fd_add(loop, fds[n][0], POLLIN, on_fd, &w, &e) == ERR_LIMIT)
            break;
    }
    assert_in_range(n, LOOP_FDS_MAX - 1, LOOP_FDS_MAX); /* signals may hold one */
    assert_non_null(strstr(e.text, "descriptors already"));
    for (int i = 0; i <= n; i++) {
        loop_fd_remove(loop, fds[i][0]);
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

static int seen_signal;

static void on_signal(void *ctx, int number)
{
    *(int *)ctx += 1;
    seen_signal = number;
}

static void signals_arrive_in_a_turn(void **state)
{
    (void)state;
    int times = 0;
    struct err e;
    assert_int_equal(loop_signals(loop, on_signal, &times, &e), ERR_NONE);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    for (int i = 0; i < 4; i++) {
        raise(numbers[i]);
        loop_turn(loop, 1000);
        assert_int_equal(times, i + 1);
        assert_int_equal(seen_signal, numbers[i]);
    }
    struct sigaction pipe_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    assert_true(pipe_action.sa_handler == SIG_IGN);
}

static void time_stands_still_within_a_turn(void **state)
{
    (void)state;
    loop_turn(loop, 0);
    int64_t now = loop_now_ms(loop);
    usleep(5000);
    assert_int_equal(loop_now_ms(loop), now);
    loop_turn(loop, 0);
    assert_true(loop_now_ms(loop) >= now + 5);
}

static int open_loop(void **state)
{
    (void)state;
    struct err e;
    arena_reserve(&perm, "perm", MIB);
    return loop_open(&perm, &loop, &e) ? -1 : 0;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(loop);
    arena_release(&perm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_once_in_order_of_their_time),
        cmocka_unit_test(a_timer_may_clear_others_and_set_itself),
        cmocka_unit_test(descriptors_report_data_and_hang_up),
        cmocka_unit_test(a_descriptor_removed_in_the_same_turn_is_not_called),
        cmocka_unit_test(descriptors_have_a_cap),
        cmocka_unit_test(signals_arrive_in_a_turn),
        cmocka_unit_test(time_stands_still_within_a_turn),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
