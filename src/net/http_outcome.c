/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "net/http_exchange.h"

/* What became of an exchange, in words: one line that names method, URL and reason. */

#define LABEL_PATH_MAX 200

str exchange_label(const struct exchange *x, struct arena *out)
{
    char host[264], port[8] = "";
    str path = x->url.path;
    ptrdiff_t query = str_find_char(path, '?');
    if (query >= 0)
        path = str_sub(path, 0, (size_t)query);
    bool cut = path.n > LABEL_PATH_MAX;
    path = str_sub(path, 0, LABEL_PATH_MAX);
    if (x->url.port_given)
        snprintf(port, sizeof port, ":%u", x->url.port);
    return str_printf(out, "%s %s://" STR_FMT "%s" STR_FMT "%s",
                      x->bodyless ? "GET" : http_method_name(x->method),
                      x->url.https ? "https" : "http", STR_ARG(url_host_text(&x->url, host)), port,
                      STR_ARG(path), cut ? "..." : "");
}

/* Where curl connects to: the proxy, without its credentials, or the server. */
static str peer_label(const struct exchange *x, struct arena *out)
{
    char host[264];
    if (x->proxy_url.n == 0)
        return str_printf(out, STR_FMT ":%u", STR_ARG(url_host_text(&x->url, host)), x->url.port);
    str rest = str_skip(x->proxy_url, (size_t)str_find(x->proxy_url, STR("://")) + 3);
    ptrdiff_t at = str_rfind_char(rest, '@');
    rest = str_trim_chars(str_skip(rest, (size_t)(at + 1)), STR("/"));
    return str_printf(out, "the proxy " STR_FMT, STR_ARG(rest));
}

static str seconds(int64_t ms, struct arena *out)
{
    return ms % 1000 ? str_printf(out, "%.3g s", (double)ms / 1000)
                     : str_printf(out, "%lld s", (long long)(ms / 1000));
}

/* The reason why no connection was made. */
static str connect_reason(const struct exchange *x, CURLcode code, struct arena *out)
{
    str peer = peer_label(x, out);
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return str_printf(out, "the name of " STR_FMT " cannot be resolved", STR_ARG(peer));
    long os_error = 0;
    curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os_error);
    return str_printf(out, "cannot connect to " STR_FMT ": %s", STR_ARG(peer),
                      os_error ? strerror((int)os_error) : x->curl_text);
}

static str timeout_reason(const struct exchange *x, struct arena *out)
{
    if (x->end == END_DEADLINE)
        return str_printf(out, "not finished within " STR_FMT,
                          STR_ARG(seconds(x->timeout_ms, out)));
    if (x->end == END_IDLE)
        return str_printf(out, "nothing arrived for " STR_FMT,
                          STR_ARG(seconds(x->idle_timeout_ms, out)));
    return str_printf(out, "no connection to " STR_FMT " within " STR_FMT,
                      STR_ARG(peer_label(x, out)), STR_ARG(seconds(x->connect_timeout_ms, out)));
}

/* The reason why a connection broke. */
static str broken_reason(const struct exchange *x, CURLcode code, struct arena *out)
{
    if (x->sendings == 0 && x->url.https && x->tls.check)
        return str_printf(out, "the connection to " STR_FMT " broke in the TLS handshake (%s)%s",
                          STR_ARG(peer_label(x, out)), x->curl_text,
                          x->tls.config->identity
                              ? "; the server may not accept our client certificate"
                              : "; the server may want a client certificate");
    if (x->sendings == 0)
        return str_printf(out,
                          "the connection to " STR_FMT " broke before the request was sent (%s)",
                          STR_ARG(peer_label(x, out)), x->curl_text);
    if (x->status)
        return str_printf(out,
                          "the connection broke in the middle of the reply (HTTP %d, %llu bytes of "
                          "its body arrived)",
                          x->status, (unsigned long long)x->body_bytes);
    if (code == CURLE_GOT_NOTHING)
        return STR("the server closed the connection without a reply");
    return STR("the connection was reset before the reply began");
}

static enum err_kind by_curl(struct exchange *x, CURLcode code, struct http_reply *r, str *reason)
{
    struct arena *out = &x->arena;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        r->refused = true;
        *reason = connect_reason(x, code, out);
        return ERR_RETRY;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        r->refused = true;
        *reason = tls_curl_reason(&x->tls, x->curl_text, out);
        return ERR_RETRY;
    case CURLE_OPERATION_TIMEDOUT:
        r->timed_out = true;
        *reason = timeout_reason(x, out);
        return ERR_RETRY;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        *reason = broken_reason(x, code, out);
        return ERR_RETRY;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        *reason = str_printf(out, "the reply is not HTTP/1 (%s)", x->curl_text);
        return ERR_RETRY;
    case CURLE_OUT_OF_MEMORY:
        *reason = STR("curl's memory budget is used up (--memory-budget raises it)");
        return ERR_RETRY;
    default:
        *reason = x->curl_text[0]
                      ? str_of(x->curl_text)
                      : str_printf(out, "the exchange failed (curl code %d)", (int)code);
        return ERR_RETRY;
    }
}

/* Kind and reason of whatever kept a reply from arriving whole. */
static enum err_kind failure(struct exchange *x, CURLcode code, struct http_reply *r, str *reason)
{
    switch (x->end) {
    case END_IDLE:
    case END_DEADLINE:
        r->timed_out = true;
        *reason = timeout_reason(x, &x->arena);
        return ERR_RETRY;
    case END_STOPPED:
        *reason = x->own_err.kind
                      ? str_of(x->own_err.text)
                      : STR("the reply was not read to its end: it is larger than its reader "
                            "takes");
        return x->own_err.kind ? x->own_err.kind : ERR_LIMIT;
    case END_OVER_CAP:
        *reason = str_printf(&x->arena, "the reply's body is larger than %zu bytes", x->body_max);
        return ERR_LIMIT;
    case END_REPLY_LOST:
        *reason =
            STR("the connection broke before the reply, and the request may have been acted on");
        return ERR_RETRY;
    case END_REFUSED:
        *reason = str_of(x->own_err.text);
        return x->own_err.kind;
    case END_BY_CURL:
        break;
    }
    return by_curl(x, code, r, reason);
}

static void fill_error(struct exchange *x, CURLcode code, struct http_reply *r)
{
    str reason = {0};
    enum err_source source = ERR_FROM_CURL;
    int number = (int)code;
    if (code != CURLE_OK || x->end != END_BY_CURL) {
        r->kind = failure(x, code, r, &reason);
    } else {
        r->kind = err_kind_of_status(x->status);
        reason = str_printf(&x->arena, "HTTP %d", x->status);
        source = ERR_FROM_HTTP;
        number = x->status;
    }
    err_set(&r->err, r->kind, STR_FMT ": " STR_FMT, STR_ARG(exchange_label(x, &x->arena)),
            STR_ARG(reason));
    err_origin(&r->err, source, number);
}

struct http_reply exchange_outcome(struct exchange *x, CURLcode code)
{
    struct http_reply r = {
        .status = x->status,
        .retry_after_ms = x->retry_after_ms,
        .maintenance = x->maintenance,
        .connected = x->sent,
        .warning = x->warning,
        .content_type = x->content_type,
        .arena = &x->arena,
    };
    if (x->collecting && x->body_in.p) {
        /* What the buffer does not use goes back to the arena, for the caller's decoding. */
        size_t used = (size_t)(x->body_in.p - x->arena.base) + x->body_in.n + 1;
        x->body_in.p[x->body_in.n] = '\0';
        arena_rewind(&x->arena, used);
        r.body = buf_str(&x->body_in);
    }
    if (code != CURLE_OK || x->end != END_BY_CURL || x->status >= 400)
        fill_error(x, code, &r);
    return r;
}
