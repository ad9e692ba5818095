/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/figures.h"
#include "worker/poll.h"
#include "worker/pool.h"

#define CONNECTIONS 8
#define REQUEST_MAX 4096
#define REPLY_MAX 4096
#define REQUEST_TIMEOUT_MS 5000
#define INTERVALS_MISSED_MAX 30 /* the Python worker's window */

struct connection {
    struct health *health;
    int fd; /* -1: free */
    size_t received;
    char request[REQUEST_MAX];
    struct loop_timer timer;
};

struct health {
    struct worker *w;
    int listener;
    int64_t started_ms;
    bool late_said;
    struct connection connections[CONNECTIONS];
};

static void drop(struct connection *c)
{
    loop_timer_clear(c->health->w->loop, &c->timer);
    loop_fd_remove(c->health->w->loop, c->fd);
    close(c->fd);
    c->fd = -1;
}

static void drop_late(void *ctx)
{
    drop(ctx);
}

/* ---- what is answered ---------------------------------------------------------------------- */

static bool alive(struct health *h)
{
    struct worker *w = h->w;
    int64_t reference_ms = poll_last_ms(w->poll);
    if (reference_ms == 0)
        reference_ms = h->started_ms;
    if (prefect_maintenance_until_ms(w->prefect) > reference_ms)
        reference_ms = prefect_maintenance_until_ms(w->prefect);
    int64_t late_ms = loop_now_ms(w->loop) - reference_ms;
    bool ok = late_ms <= (int64_t)(w->config->query_s * 1000) * INTERVALS_MISSED_MAX;
    if (!ok && !h->late_said)
        log_error("no successful poll for %lld s; /health answers 503 until there is one",
                  (long long)late_ms / 1000);
    h->late_said = !ok;
    return ok;
}

static bool ready(struct health *h)
{
    return alive(h) && h->w->kube_ready && pool_known(h->w->pool) && poll_last_ms(h->w->poll);
}

static void reply(struct connection *c, const char *status, const char *headers, str body)
{
    char text[REPLY_MAX];
    struct buf out = buf_over(text, sizeof text);
    buf_printf(&out,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n%s\r\n",
               status, body.n, headers);
    buf_put(&out, body);
    ssize_t sent = send(c->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a reply fits into any socket buffer; a reader that is gone does not matter */
    shutdown(c->fd, SHUT_WR);
    drop(c);
}

static void answer(struct connection *c, str method, str path)
{
    struct health *h = c->health;
    char body[REPLY_MAX / 2];
    struct buf figures = buf_over(body, sizeof body);
    str name, query;
    str_cut(path, '?', &name, &query);
    bool known = str_eq(name, STR("/health")) || str_eq(name, STR("/ready")) ||
                 str_eq(name, STR("/figures"));
    if (str_eq(name, STR("/health/")))
        reply(c, "307 Temporary Redirect", "Location: /health\r\n", (str){0});
    else if (!known)
        reply(c, "404 Not Found", "", STR("{\"detail\":\"Not Found\"}"));
    else if (!str_eq(method, STR("GET")))
        reply(c, "405 Method Not Allowed", "Allow: GET\r\n",
              STR("{\"detail\":\"Method Not Allowed\"}"));
    else if (str_eq(name, STR("/figures"))) {
        figures_write(h->w, &figures);
        reply(c, "200 OK", "", buf_str(&figures));
    } else if (str_eq(name, STR("/ready")) ? ready(h) : alive(h))
        reply(c, "200 OK", "", STR("{\"message\":\"OK\"}"));
    else
        reply(c, "503 Service Unavailable", "",
              str_eq(name, STR("/ready"))
                  ? STR("{\"message\":\"Not ready\"}")
                  : STR("{\"message\":\"Worker may be unresponsive at this time\"}"));
}

/* ---- connections --------------------------------------------------------------------------- */

static void on_readable(void *ctx, int fd, short revents)
{
    struct connection *c = ctx;
    (void)revents;
    ssize_t got = recv(fd, c->request + c->received, REQUEST_MAX - c->received, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(c);
        return;
    }
    c->received += (size_t)got;
    str request = {c->request, c->received}, line, rest, method, path, version;
    if (!str_has(request, STR("\r\n\r\n")) && !str_has(request, STR("\n\n"))) {
        if (c->received == REQUEST_MAX)
            reply(c, "431 Request Header Fields Too Large", "", (str){0});
        return;
    }
    str_cut(request, '\n', &line, &rest);
    if (str_cut(str_trim(line), ' ', &method, &rest) && str_cut(rest, ' ', &path, &version) &&
        str_starts(version, STR("HTTP/")))
        answer(c, method, path);
    else
        reply(c, "400 Bad Request", "", (str){0});
}

static void on_connection(void *ctx, int fd, short revents)
{
    struct health *h = ctx;
    struct err e;
    (void)revents;
    int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &h->connections[i];
        if (c->fd >= 0)
            continue;
        if (loop_fd_add(h->w->loop, peer, POLLIN, on_readable, c, &e) != ERR_NONE)
            break;
        c->fd = peer;
        c->received = 0;
        loop_timer_set(h->w->loop, &c->timer, REQUEST_TIMEOUT_MS, drop_late, c);
        return;
    }
    close(peer);
}

/* Addresses only (and localhost): a name would have to be resolved, and that can block. */
static socklen_t address_of(const char *host, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    *out = (struct sockaddr_storage){0};
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
}

static int listen_on(const char *host, int port, char *why, size_t why_size)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(host, port, &address);
    int one = 1;
    if (!length) {
        snprintf(why, why_size, "it is no IP address");
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
        listen(fd, CONNECTIONS) == 0)
        return fd;
    snprintf(why, why_size, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

struct health *health_open(struct arena *perm, struct worker *w)
{
    char why[128] = "no usable address", host[256];
    struct err e;
    str_to_cstr(w->config->health_host, host, sizeof host);
    int fd = listen_on(host, w->config->health_port, why, sizeof why);
    struct health *h = arena_must(perm, sizeof *h);
    h->w = w;
    h->listener = fd;
    h->started_ms = loop_now_ms(w->loop);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        h->connections[i].health = h;
        h->connections[i].fd = -1;
    }
    if (fd < 0 || loop_fd_add(w->loop, fd, POLLIN, on_connection, h, &e) != ERR_NONE) {
        log_error("the health server can't listen on %s port %d: %s; the worker goes on without it "
                  "(PREFECT_WORKER_WEBSERVER_HOST and _PORT choose another address)",
                  host, w->config->health_port, fd < 0 ? why : e.text);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    return h;
}

void health_close(struct health *h)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (h->connections[i].fd >= 0)
            drop(&h->connections[i]);
    loop_fd_remove(h->w->loop, h->listener);
    close(h->listener);
}
