/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_HTTP_EXCHANGE_H
#define NET_HTTP_EXCHANGE_H

/*
 * One exchange from its request to its reply, inside net/ only: http.c owns the pool and decides
 * when something happens, http_exchange.c takes the request and what curl brings, http_setup.c
 * prepares curl, http_redirect.c moves it to another URL, http_outcome.c turns what came of it into
 * a reply.
 */

#include <curl/curl.h>

#include "base/buf.h"
#include "net/http.h"
#include "net/tls_curl.h"
#include "net/url.h"

/* Why we ended it ourselves; curl's own reasons are its codes. */
enum exchange_end {
    END_BY_CURL = 0,
    END_IDLE,       /* idle_timeout_ms */
    END_DEADLINE,   /* timeout_ms */
    END_STOPPED,    /* on_data said so; data_err may say why */
    END_OVER_CAP,   /* the collected body is larger than body_max */
    END_REPLY_LOST, /* curl wanted to send a POST or PATCH a second time */
    END_REFUSED,    /* before anything was sent: own_err says why */
};

struct exchange {
    struct http *http;
    struct loop *loop;
    slot_id id;
    CURL *easy;
    struct arena arena; /* all that the request and its reply need; reset when it is over */

    /* what http.c has to do once curl is left */
    bool in_multi, start_wanted, resume_wanted, cancelled, finishing;
    bool paused;

    /* the request; in `arena` */
    const struct http_target *target;
    enum http_method method;
    bool bodyless; /* after a redirect that turns it into a GET */
    str url_text;
    struct url url; /* views of url_text */
    struct http_header *headers;
    size_t header_count;
    str body;
    int64_t connect_timeout_ms, timeout_ms, idle_timeout_ms;
    size_t body_max;
    http_data_fn *on_data;
    http_done_fn *on_done;
    void *ctx;

    /* this hop */
    str proxy_url;
    struct tls_session tls;
    unsigned sendings; /* how often curl began to send the request to this URL */
    unsigned redirects;
    bool elsewhere; /* a redirect led to another origin: no credentials any more */

    /* the reply so far; in `arena` */
    int status;
    bool head_complete; /* curl takes a connection's end within the headers for theirs */
    str location, content_type, warning;
    int64_t retry_after_ms;
    bool maintenance;
    struct buf body_in;
    size_t body_mark; /* of the arena before body_in; `collecting` says that it exists */
    bool collecting;
    uint64_t body_bytes;

    enum exchange_end end;
    struct err own_err;
    bool sent; /* some server may have got the request */
    struct loop_timer deadline, idle;
    int64_t last_byte_ms;
    char curl_text[CURL_ERROR_SIZE];
};

/* Copies the request and checks its caps. */
enum err_kind exchange_take(struct exchange *x, const struct http_request *request,
                            struct err *e) MUST_CHECK;
/* Sets curl's callbacks; false where curl has no memory. */
bool exchange_set_callbacks(struct exchange *x);
/* Sets x->easy up for x->url. */
enum err_kind exchange_set_up(struct exchange *x, struct err *e) MUST_CHECK;

/* Where the reply asks for another URL and it can be followed: changes the exchange and returns
 * true; the caller sets it up and starts it again. False with ERR_NONE: the reply stands. */
bool exchange_redirect(struct exchange *x, struct err *e);

/* The reply for on_done; views into *x. */
struct http_reply exchange_outcome(struct exchange *x, CURLcode code);

/* "GET https://host/path": for error texts; no userinfo, no query. Copied to `out`. */
str exchange_label(const struct exchange *x, struct arena *out);

#endif
