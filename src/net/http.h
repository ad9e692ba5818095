/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

/*
 * One HTTP exchange at a time, many at once: curl multi behind a fixed pool of exchanges. No
 * retries, no meaning: what a status says is its caller's business (prefect/client, kube/client).
 * HTTP/1.1, keep-alive, no compression asked for. Up to 20 redirects are followed; Authorization
 * and Cookie do not go to another origin. Nothing outside of net/ includes curl's headers.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slots.h"
#include "net/loop.h"
#include "net/tls.h"

struct http;

/* Once; memory from `perm`. */
enum err_kind http_open(struct arena *perm, struct loop *loop, struct http **http,
                        struct err *e) MUST_CHECK;
void http_close(struct http *http);

/* Proxies of a target. Views must stay valid. Empty: none. */
struct http_proxy {
    str http_url;  /* for http:// targets */
    str https_url; /* for https:// targets (CONNECT) */
    str no_proxy;  /* comma separated: hosts, .suffixes, addresses, CIDR, "*" */
};
/* From HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY (either case; lower case wins). */
struct http_proxy http_proxy_from_environment(void);

/* A server: where its requests go and how it is trusted. Lives as long as any of its requests. */
struct http_target {
    str base_url; /* scheme://host[:port][/prefix], without a trailing slash */
    struct http_proxy proxy;
    const struct tls_config *tls; /* may be NULL for http:// that is not redirected to https:// */
    bool tcp_keepalive;           /* idle 30 s, interval 6 s, 6 probes */
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };
const char *http_method_name(enum http_method method);

struct http_header {
    str name;
    str value;
};

enum http_data_verdict {
    HTTP_DATA_TAKEN,
    HTTP_DATA_PAUSE, /* not taken: the same bytes come again after http_resume() */
    HTTP_DATA_STOP,  /* ends the exchange; on_done gets ERR_LIMIT unless *e was set */
};
/* Body bytes of a 2xx reply as they arrive. Other statuses are collected as usual. */
typedef enum http_data_verdict http_data_fn(void *ctx, str bytes, struct err *e);

struct http_reply {
    enum err_kind kind;     /* ERR_NONE: a reply with status < 400 arrived whole */
    int status;             /* 0 where no reply arrived */
    str body;               /* collected body; empty when it was streamed */
    int64_t retry_after_ms; /* Retry-After, from seconds or a date; -1 without a usable one */
    bool maintenance;       /* Prefect-Maintenance: true */
    bool connected;         /* the request reached the connection: its effect is unknown on error */
    bool refused; /* no connection: refused, name not found, TLS failed. With !connected nothing
                   * was sent (a redirect may have led from a server that answered). */
    bool timed_out;
    str warning; /* first Warning header (Kubernetes' field validation); may be empty */
    str content_type;
    struct arena *arena; /* the exchange's arena: scratch for decoding, gone after on_done */
    struct err err; /* where kind != ERR_NONE: one line with method, URL (no secrets), reason */
};
/* Called exactly once for each http_send that succeeded, never from inside http_send; not after
 * http_cancel. *reply and all its views die on return. */
typedef void http_done_fn(void *ctx, const struct http_reply *reply);

struct http_request {
    const struct http_target *target;
    enum http_method method;
    str path; /* begins with '/', percent-encoded, with its query; appended to base_url */
    const struct http_header *headers;
    size_t header_count;
    str body;                   /* copied; empty for none */
    int64_t connect_timeout_ms; /* 0: 60 s */
    int64_t timeout_ms;         /* whole exchange; 0: no limit (streams) */
    int64_t idle_timeout_ms;    /* no byte for so long ends it as timed out; 0: no limit */
    size_t body_max;            /* 0: HTTP_BODY_MAX; more is ERR_LIMIT */
    http_data_fn *on_data;      /* NULL: the body is collected */
    http_done_fn *on_done;
    void *ctx;
};

typedef slot_id http_id; /* 0 is none */

/* Starts an exchange; everything in *request is copied. ERR_LIMIT when all exchanges are taken or
 * the request is larger than its caps; ERR_INVALID for a URL, header, proxy or TLS setting that
 * does not work; ERR_RETRY when curl's memory is used up. On an error there is no callback. A POST
 * or PATCH is never sent twice; curl may repeat the others on a kept connection that turns out to
 * be dead. */
enum err_kind http_send(struct http *http, const struct http_request *request, http_id *id,
                        struct err *e) MUST_CHECK;
/* Ends it without a callback; a stale id is ignored. */
void http_cancel(struct http *http, http_id id);
/* Continues a paused stream; a stale id is ignored. */
void http_resume(struct http *http, http_id id);
/* Status of the reply whose head has arrived; 0 before that, and for a stale id. */
int http_status(const struct http *http, http_id id);
/* Exchanges that are free now. */
size_t http_free(const struct http *http);

struct http_figures {
    uint64_t requests, failures;
    size_t exchange_arena_high; /* most used by one exchange */
    uint32_t exchanges_used;
};
struct http_figures http_figures(const struct http *http);

#endif
