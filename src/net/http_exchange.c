/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_exchange.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"

#define CONNECT_TIMEOUT_DEFAULT_MS 60000
#define RETRY_AFTER_MAX_S 1e9

/* -- taking the request */

static bool copy_header(struct arena *out, struct http_header from, struct http_header *to)
{
    to->name = str_copy(out, from.name);
    to->value = str_copy(out, from.value);
    return to->name.p && to->value.p;
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && str_find_char(STR("!#$%&'*+-.^_`|~"), s.p[i]) < 0)
            return false;
    return s.n > 0;
}

static bool is_field_value(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum err_kind take_headers(struct exchange *x, const struct http_request *r, struct err *e)
{
    if (r->header_count > HTTP_HEADERS_MAX)
        return err_set(e, ERR_LIMIT, "a request may have %d headers, not %zu", HTTP_HEADERS_MAX,
                       r->header_count);
    x->headers = ARENA_ARRAY(&x->arena, struct http_header, r->header_count);
    if (!x->headers)
        return err_set(e, ERR_LIMIT, "the request's headers are too large");
    for (size_t i = 0; i < r->header_count; i++) {
        if (!is_token(r->headers[i].name))
            return err_set(e, ERR_INVALID, "'" STR_FMT "' cannot be the name of an HTTP header",
                           STR_ARG(r->headers[i].name));
        if (!is_field_value(r->headers[i].value))
            return err_set(e, ERR_INVALID,
                           "header " STR_FMT ": its value has a line break or another "
                           "control character",
                           STR_ARG(r->headers[i].name));
        if (!copy_header(&x->arena, r->headers[i], &x->headers[i]))
            return err_set(e, ERR_LIMIT, "the request's headers are too large");
    }
    x->header_count = r->header_count;
    return ERR_NONE;
}

enum err_kind exchange_take(struct exchange *x, const struct http_request *r, struct err *e)
{
    ASSERT(r->target && r->on_done);
    x->target = r->target;
    x->method = r->method;
    x->connect_timeout_ms =
        r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS;
    x->timeout_ms = r->timeout_ms;
    x->idle_timeout_ms = r->idle_timeout_ms;
    x->body_max = r->body_max ? r->body_max : HTTP_BODY_MAX;
    x->on_data = r->on_data;
    x->on_done = r->on_done;
    x->ctx = r->ctx;
    if (r->target->base_url.n + r->path.n > HTTP_URL_MAX)
        return err_set(e, ERR_LIMIT, "a URL may have %zu bytes, not %zu", HTTP_URL_MAX,
                       r->target->base_url.n + r->path.n);
    x->url_text =
        str_printf(&x->arena, STR_FMT STR_FMT, STR_ARG(r->target->base_url), STR_ARG(r->path));
    x->body = str_copy(&x->arena, r->body);
    if (!x->url_text.p || !x->body.p)
        return err_set(e, ERR_LIMIT, "the request's body of %zu bytes is too large", r->body.n);
    enum err_kind kind = url_parse(x->url_text, &x->url, e);
    if (kind)
        return err_prefix(e, "URL: "), kind;
    return take_headers(x, r, e);
}

/* -- callbacks of curl */

static void touch(struct exchange *x)
{
    x->last_byte_ms = loop_now_ms(x->loop);
}

/* Called when a connection is there and the request is about to be sent on it, again where a kept
 * connection turned out to be dead. Then it is sent again only where that is harmless (RFC 9110
 * 9.2.2): the server may have acted on it before the connection died. */
static int on_sending(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    struct exchange *x = ctx;
    if (x->cancelled)
        return CURL_PREREQFUNC_ABORT;
    bool once_only = !x->bodyless && (x->method == HTTP_POST || x->method == HTTP_PATCH);
    if (x->sendings++ > 0 && once_only) {
        x->end = END_REPLY_LOST;
        return CURL_PREREQFUNC_ABORT;
    }
    x->sent = true;
    touch(x);
    return CURL_PREREQFUNC_OK;
}

/* Seconds, also with a fraction, or a date (RFC 9110 10.2.3); -1 for anything else. */
static int64_t parse_retry_after(str value)
{
    char text[64], *end;
    int64_t at_us;
    if (time_parse_http(value, &at_us)) {
        int64_t wait_us = at_us - time_now_us();
        return wait_us < 0 ? 0 : wait_us / 1000;
    }
    if (value.n == 0 || !str_to_cstr(value, text, sizeof text) || strpbrk(text, "xXpP \t"))
        return -1;
    double seconds = strtod(text, &end);
    if (*end || !isfinite(seconds))
        return -1;
    return seconds <= 0 ? 0 : (int64_t)(fmin(seconds, RETRY_AFTER_MAX_S) * 1000);
}

/* Whether the body is handed on as it arrives. */
static bool is_streamed(const struct exchange *x)
{
    return x->on_data && x->status >= 200 && x->status < 300;
}

static void check_length(struct exchange *x, str value)
{
    int64_t length;
    if (!is_streamed(x) && str_to_i64(value, &length) && length > 0 &&
        (uint64_t)length > x->body_max)
        x->end = END_OVER_CAP;
}

static void keep_header(struct exchange *x, str name, str value)
{
    if (str_eq_nocase(name, STR("Retry-After")))
        x->retry_after_ms = parse_retry_after(value);
    else if (str_eq_nocase(name, STR("Prefect-Maintenance")))
        x->maintenance = str_eq_nocase(value, STR("true"));
    else if (str_eq_nocase(name, STR("Location")))
        x->location = str_copy(&x->arena, value);
    else if (str_eq_nocase(name, STR("Content-Type")))
        x->content_type = str_copy(&x->arena, value);
    else if (str_eq_nocase(name, STR("Warning")) && x->warning.n == 0)
        x->warning = str_copy(&x->arena, value);
    else if (str_eq_nocase(name, STR("Content-Length")))
        check_length(x, value);
}

/* Called once for each header line; a status line begins a reply (interim ones come first). */
static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    str line = {bytes, n}, name, value;
    if (x->cancelled)
        return 0;
    touch(x);
    if (str_starts(line, STR("HTTP/"))) {
        str version, rest;
        int64_t status = 0;
        str_cut(line, ' ', &version, &rest);
        if (!str_to_i64(str_trim(str_sub(rest, 0, 3)), &status))
            status = 0;
        x->status = (int)status;
        x->head_complete = false;
        x->location = x->content_type = x->warning = (str){0};
        x->retry_after_ms = -1;
        x->maintenance = false;
    } else if (str_trim(line).n == 0) {
        x->head_complete = x->status >= 200;
    } else if (!x->collecting && str_cut(line, ':', &name, &value)) { /* no trailers */
        keep_header(x, str_trim(name), str_trim(value));
    }
    return x->end == END_BY_CURL ? n : 0;
}

static bool collect(struct exchange *x, str bytes)
{
    if (!x->collecting) {
        /* One byte more than the cap, for a terminator. Untouched until written. */
        x->body_mark = arena_mark(&x->arena);
        x->body_in = buf_new(&x->arena, x->body_max + 1);
        x->collecting = true;
    }
    if (x->body_in.n + bytes.n <= x->body_max)
        buf_put(&x->body_in, bytes);
    else
        x->body_in.full = true;
    if (x->body_in.full)
        x->end = END_OVER_CAP;
    return !x->body_in.full;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    if (x->cancelled || x->end != END_BY_CURL)
        return CURL_WRITEFUNC_ERROR;
    touch(x);
    if (!is_streamed(x)) {
        x->body_bytes += n;
        return collect(x, (str){bytes, n}) ? n : CURL_WRITEFUNC_ERROR;
    }
    enum http_data_verdict verdict = x->on_data(x->ctx, (str){bytes, n}, &x->own_err);
    if (x->cancelled)
        return CURL_WRITEFUNC_ERROR;
    if (verdict == HTTP_DATA_PAUSE) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->body_bytes += n;
    if (verdict == HTTP_DATA_TAKEN)
        return n;
    x->end = END_STOPPED;
    return CURL_WRITEFUNC_ERROR;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(x->easy, option, value) == CURLE_OK)

/* As curl's own, but programs that we start do not inherit it. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

bool exchange_set_callbacks(struct exchange *x)
{
    bool ok = true;
    SET(CURLOPT_PRIVATE, x);
    SET(CURLOPT_ERRORBUFFER, x->curl_text);
    SET(CURLOPT_PREREQFUNCTION, on_sending);
    SET(CURLOPT_PREREQDATA, x);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return ok;
}
