/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/slots.h"
#include "base/time.h"
#include "net/loop_curl.h"

/*
 * One epoll descriptor carries curl's sockets (the multi handle's socket interface) and our own.
 * An event's data is the slot id of one of ours, so that an event of a descriptor that was removed
 * earlier in the same turn finds nothing, or curl's socket in the upper half and zero in the lower,
 * which no slot id has.
 */
#define CURL_DATA(fd) ((uint64_t)(uint32_t)(fd) << 32)
#define EVENTS_PER_TURN 64
#define RECOVERY_MS 20

struct watched {
    int fd;
    loop_fd_fn *fn;
    void *ctx;
};

struct loop {
    CURLM *multi;
    int epoll_fd;
    int64_t now_ms;
    struct loop_timer *first, *last; /* by due_ms; equal ones in the order in which they were set */
    struct loop_timer curl_timer, recovery;
    struct slots slots;
    struct watched watched[LOOP_FDS_MAX];
    bool in_curl;
    loop_curl_fn *hook;
    void *hook_ctx;
    int signal_fd;
    loop_signal_fn *signal_fn;
    void *signal_ctx;
};

/* -- timers */

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->set)
        return;
    *(timer->prev ? &timer->prev->next : &loop->first) = timer->next;
    *(timer->next ? &timer->next->prev : &loop->last) = timer->prev;
    timer->prev = timer->next = NULL;
    timer->set = false;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms,
                    loop_timer_fn *fn, void *ctx)
{
    loop_timer_clear(loop, timer);
    ASSERT(delay_ms >= 0);
    /* From the true time and not the turn's, so that after a long turn it is not early. */
    if (__builtin_add_overflow(time_mono_ms(), delay_ms, &timer->due_ms))
        timer->due_ms = INT64_MAX;
    timer->fn = fn;
    timer->ctx = ctx;
    timer->set = true;
    /* From the end: most timers are set for later than those that wait already. */
    struct loop_timer *before = loop->last;
    while (before && before->due_ms > timer->due_ms)
        before = before->prev;
    timer->prev = before;
    timer->next = before ? before->next : loop->first;
    *(timer->prev ? &timer->prev->next : &loop->first) = timer;
    *(timer->next ? &timer->next->prev : &loop->last) = timer;
}

/* At most as many as were due at first, so that a timer that sets itself again with no delay
 * does not keep the turn from ending. */
static void run_timers(struct loop *loop)
{
    size_t due = 0;
    for (struct loop_timer *t = loop->first; t && t->due_ms <= loop->now_ms; t = t->next)
        due++;
    while (due-- && loop->first && loop->first->due_ms <= loop->now_ms) {
        struct loop_timer *timer = loop->first;
        loop_timer_clear(loop, timer);
        timer->fn(timer->ctx);
    }
}

/* -- curl */

static void on_recovery(void *ctx);

/* Curl reports an error where it had no memory to go on. Then some transfer, of whatever socket,
 * may have lost its place in the queue, so a little later all of them are looked at. */
static void leave_curl(struct loop *loop, CURLMcode code)
{
    loop->in_curl = false;
    if (code != CURLM_OK)
        loop_timer_set(loop, &loop->recovery, RECOVERY_MS, on_recovery, loop);
    if (loop->hook)
        loop->hook(loop->hook_ctx);
}

static void on_recovery(void *ctx)
{
    struct loop *loop = ctx;
    int running;
    loop->in_curl = true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* too slow for each event, says curl \
                                                            */
    CURLMcode code = curl_multi_socket_all(loop->multi, &running);
#pragma GCC diagnostic pop
    leave_curl(loop, code);
}

static void drive_curl(struct loop *loop, curl_socket_t socket, int action)
{
    int running;
    loop->in_curl = true;
    leave_curl(loop, curl_multi_socket_action(loop->multi, socket, action, &running));
}

static void on_curl_timer(void *ctx)
{
    drive_curl(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int set_curl_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    (void)multi;
    struct loop *loop = ctx;
    if (timeout_ms < 0)
        loop_timer_clear(loop, &loop->curl_timer);
    else
        loop_timer_set(loop, &loop->curl_timer, timeout_ms, on_curl_timer, loop);
    return 0;
}

static int set_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    (void)easy;
    (void)socket_ctx;
    struct loop *loop = ctx;
    struct epoll_event event = {.data.u64 = CURL_DATA(fd)};
    if (what == CURL_POLL_REMOVE) {
        /* It may be closed already, and then epoll has forgotten it. */
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

CURLM *loop_multi(struct loop *loop)
{
    return loop->multi;
}

bool loop_in_curl(const struct loop *loop)
{
    return loop->in_curl;
}

void loop_set_curl_hook(struct loop *loop, loop_curl_fn *fn, void *ctx)
{
    loop->hook = fn;
    loop->hook_ctx = ctx;
}

static enum err_kind open_curl(struct loop *loop, struct err *e)
{
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_malloc, heap_free, heap_realloc,
                                         heap_strdup, heap_calloc);
    if (code != CURLE_OK)
        return err_set(e, ERR_FATAL, "curl cannot start: %s", curl_easy_strerror(code));
    loop->multi = curl_multi_init();
    if (!loop->multi)
        return err_set(e, ERR_FATAL, "curl cannot start: its memory budget is too small");
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, set_curl_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    return ERR_NONE;
}

/* -- descriptors */

static int find_fd(const struct loop *loop, int fd)
{
    for (uint32_t i = 0; i < loop->slots.fresh; i++)
        if (slots_at(&loop->slots, i) && loop->watched[i].fd == fd)
            return (int)i;
    return -1;
}

enum err_kind loop_fd_add(struct loop *loop, int fd, short events, loop_fd_fn *fn, void *ctx,
                          struct err *e)
{
    slot_id id = slots_take(&loop->slots);
    if (!id)
        return err_set(e, ERR_LIMIT, "the event loop watches %d descriptors already", LOOP_FDS_MAX);
    struct epoll_event event = {.events = (uint32_t)events, .data.u64 = id};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        slots_free(&loop->slots, id);
        return err_errno(e, ERR_FATAL, "cannot watch descriptor %d", fd);
    }
    loop->watched[slots_index(&loop->slots, id)] = (struct watched){fd, fn, ctx};
    return ERR_NONE;
}

void loop_fd_set_events(struct loop *loop, int fd, short events)
{
    int i = find_fd(loop, fd);
    ASSERT(i >= 0);
    struct epoll_event event = {.events = (uint32_t)events,
                                .data.u64 = slots_at(&loop->slots, (uint32_t)i)};
    ASSERT(epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0);
}

void loop_fd_remove(struct loop *loop, int fd)
{
    int i = find_fd(loop, fd);
    if (i < 0)
        return;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    slots_free(&loop->slots, slots_at(&loop->slots, (uint32_t)i));
}

static void dispatch_fd(struct loop *loop, slot_id id, uint32_t events)
{
    ptrdiff_t i = slots_index(&loop->slots, id);
    if (i < 0)
        return;
    struct watched w = loop->watched[i];
    w.fn(w.ctx, w.fd, (short)events); /* epoll's values are those of poll(2) */
}

/* -- signals */

static void on_signal(void *ctx, int fd, short revents)
{
    (void)revents;
    struct loop *loop = ctx;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
        loop->signal_fn(loop->signal_ctx, (int)info.ssi_signo);
}

enum err_kind loop_signals(struct loop *loop, loop_signal_fn *fn, void *ctx, struct err *e)
{
    ASSERT(loop->signal_fd < 0);
    sigset_t set;
    sigemptyset(&set);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaddset(&set, numbers[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_errno(e, ERR_FATAL, "cannot block signals");
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_FATAL, "cannot receive signals");
    loop->signal_fn = fn;
    loop->signal_ctx = ctx;
    enum err_kind kind = loop_fd_add(loop, fd, EPOLLIN, on_signal, loop, e);
    if (kind) {
        close(fd);
        return kind;
    }
    loop->signal_fd = fd;
    return ERR_NONE;
}

/* -- the loop */

enum err_kind loop_open(struct arena *perm, struct loop **out, struct err *e)
{
    struct loop *loop = arena_must(perm, sizeof *loop);
    *loop = (struct loop){.signal_fd = -1, .now_ms = time_mono_ms()};
    slots_init(&loop->slots, perm, LOOP_FDS_MAX);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return err_errno(e, ERR_FATAL, "cannot create an epoll descriptor");
    enum err_kind kind = open_curl(loop, e);
    if (kind) {
        close(loop->epoll_fd);
        return kind;
    }
    *out = loop;
    return ERR_NONE;
}

void loop_close(struct loop *loop)
{
    loop->hook = NULL;
    curl_multi_cleanup(loop->multi);
    curl_global_cleanup();
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

static int wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
    int64_t wait = max_wait_ms;
    if (loop->first) {
        int64_t until = loop->first->due_ms - time_mono_ms();
        if (wait < 0 || until < wait)
            wait = until;
    }
    if (wait < 0)
        return 0;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

void loop_turn(struct loop *loop, int64_t max_wait_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int wait = wait_ms(loop, max_wait_ms < 0 ? 0 : max_wait_ms);
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, wait);
    ASSERT(n >= 0 || errno == EINTR);
    loop->now_ms = time_mono_ms();
    for (int i = 0; i < n; i++) {
        uint64_t data = events[i].data.u64;
        uint32_t got = events[i].events;
        if ((uint32_t)data == 0) {
            int action = (got & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                         (got & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                         (got & EPOLLERR ? CURL_CSELECT_ERR : 0);
            drive_curl(loop, (curl_socket_t)(data >> 32), action);
        } else {
            dispatch_fd(loop, data, got);
        }
    }
    run_timers(loop);
}
