/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_NET_SCRIPT_SERVER_H
#define UNIT_NET_SCRIPT_SERVER_H

/*
 * An HTTP server of the test's own, on loopback, inside the loop that it tests: for each request
 * that has arrived whole it calls the test, which answers byte by byte, closes or resets.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "net/loop.h"

#define SERVER_CONNECTIONS 40
#define SERVER_REQUEST_MAX (64 * 1024)

struct connection {
    struct server *server;
    int fd;
    int requests; /* answered on this connection so far */
    size_t n;
    char in[SERVER_REQUEST_MAX + 1];
};

typedef void answer_fn(struct connection *c, str request);

struct server {
    struct loop *loop;
    int fd;
    uint16_t port;
    char base_url[64];
    int accepted, requests, open, most_open;
    answer_fn *answer;
    void *ctx; /* the test's */
    struct connection connections[SERVER_CONNECTIONS];
};

static inline void server_send(struct connection *c, str bytes)
{
    while (bytes.n) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes = str_skip(bytes, (size_t)n);
    }
}

static inline void server_close(struct connection *c)
{
    if (c->fd < 0)
        return;
    loop_fd_remove(c->server->loop, c->fd);
    close(c->fd);
    c->fd = -1;
    c->server->open--;
}

/* Closes with RST. */
static inline void server_reset(struct connection *c)
{
    struct linger now = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    server_close(c);
}

/* A whole reply with this status line, header lines (each with its line break) and body. */
static inline void server_reply(struct connection *c, const char *status, const char *headers,
                                str body)
{
    char head[4096];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                     headers, body.n);
    server_send(c, (str){head, (size_t)n});
    server_send(c, body);
}

/* Bytes of a whole request at the front of the input, or 0. */
static inline size_t server_request_size(str in)
{
    ptrdiff_t end = str_find(in, STR("\r\n\r\n"));
    if (end < 0)
        return 0;
    size_t size = (size_t)end + 4, body = 0;
    ptrdiff_t at = str_find(str_sub(in, 0, size), STR("Content-Length: "));
    if (at >= 0)
        sscanf(in.p + at, "Content-Length: %zu", &body);
    return in.n >= size + body ? size + body : 0;
}

static inline void server_on_bytes(void *ctx, int fd, short revents)
{
    (void)revents;
    struct connection *c = ctx;
    ssize_t n = recv(fd, c->in + c->n, SERVER_REQUEST_MAX - c->n, 0);
    if (n <= 0) {
        server_close(c);
        return;
    }
    c->n += (size_t)n;
    c->in[c->n] = '\0';
    for (size_t size; c->fd >= 0 && (size = server_request_size((str){c->in, c->n}));) {
        c->server->requests++;
        c->server->answer(c, (str){c->in, size});
        c->requests++;
        memmove(c->in, c->in + size, c->n - size + 1);
        c->n -= size;
    }
}

static inline void server_on_connection(void *ctx, int fd, short revents)
{
    (void)revents;
    struct server *s = ctx;
    int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    struct connection *c = NULL;
    for (int i = 0; i < SERVER_CONNECTIONS && !c; i++)
        if (s->connections[i].fd < 0)
            c = &s->connections[i];
    struct err e;
    if (!c || loop_fd_add(s->loop, got, 1 /* POLLIN */, server_on_bytes, c, &e)) {
        close(got);
        return;
    }
    c->server = s;
    c->fd = got;
    c->n = 0;
    c->requests = 0;
    s->accepted++;
    s->open++;
    if (s->open > s->most_open)
        s->most_open = s->open;
}

static inline bool server_open(struct server *s, struct loop *l, answer_fn *answer, void *ctx)
{
    memset(s, 0, sizeof *s);
    s->loop = l;
    s->answer = answer;
    s->ctx = ctx;
    for (int i = 0; i < SERVER_CONNECTIONS; i++)
        s->connections[i].fd = -1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct err e;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->fd, (struct sockaddr *)&at, size) != 0 || listen(s->fd, 64) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&at, &size) != 0 ||
        loop_fd_add(l, s->fd, 1 /* POLLIN */, server_on_connection, s, &e))
        return false;
    s->port = ntohs(at.sin_port);
    snprintf(s->base_url, sizeof s->base_url, "http://127.0.0.1:%u", s->port);
    return true;
}

static inline void server_stop(struct server *s)
{
    for (int i = 0; i < SERVER_CONNECTIONS; i++)
        server_close(&s->connections[i]);
    loop_fd_remove(s->loop, s->fd);
    close(s->fd);
}

#endif
