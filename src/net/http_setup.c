/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "net/http_exchange.h"
#include "net/proxy.h"

/* What curl is told for one URL: everything, as its handle comes from an earlier exchange. */

#define IDLE_CONNECTION_S 25L /* no longer used then: servers close theirs at 30 s or later */
#define KEEPALIVE_IDLE_S 30L
#define KEEPALIVE_INTERVAL_S 6L
#define KEEPALIVE_PROBES 6L

#define SET(option, value) (ok = ok && curl_easy_setopt(x->easy, option, value) == CURLE_OK)

/* -- headers */

static bool is_credential(str name)
{
    return str_eq_nocase(name, STR("Authorization")) || str_eq_nocase(name, STR("Cookie"));
}

/* The lists' nodes are ours; curl only reads them. */
static bool append(struct exchange *x, struct curl_slist ***end, str line)
{
    struct curl_slist *node = ARENA_NEW(&x->arena, struct curl_slist);
    if (!node || !line.p)
        return false;
    node->data = (char *)line.p;
    **end = node;
    *end = &node->next;
    return true;
}

/* `host` replaces the Host header where it is not empty. In curl's lists "Name;" is a header
 * without a value, and "Name:" one that curl shall not add. */
static struct curl_slist *header_list(struct exchange *x, str host)
{
    struct curl_slist *list = NULL, **end = &list;
    struct arena *a = &x->arena;
    bool has_type = false;
    bool ok = append(x, &end, STR("Expect:"));
    if (host.n)
        ok = ok && append(x, &end, str_printf(a, "Host: " STR_FMT, STR_ARG(host)));
    for (size_t i = 0; i < x->header_count; i++) {
        struct http_header h = x->headers[i];
        bool is_type = str_eq_nocase(h.name, STR("Content-Type"));
        if ((x->elsewhere && is_credential(h.name)) || (x->bodyless && is_type))
            continue;
        has_type |= is_type;
        ok = ok && append(x, &end,
                          h.value.n ? str_printf(a, STR_FMT ": " STR_FMT, STR_ARG(h.name),
                                                 STR_ARG(h.value))
                                    : str_printf(a, STR_FMT ";", STR_ARG(h.name)));
    }
    if (!has_type)
        ok = ok && append(x, &end, STR("Content-Type:"));
    return ok ? list : NULL;
}

/* -- the request */

static bool set_request(struct exchange *x, str url, str host)
{
    bool ok = url.p;
    bool with_body = !x->bodyless && (x->body.n > 0 || x->method == HTTP_POST ||
                                      x->method == HTTP_PUT || x->method == HTTP_PATCH);
    SET(CURLOPT_URL, url.p);
    if (with_body) {
        SET(CURLOPT_POSTFIELDS, x->body.p);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, x->bodyless ? "GET" : http_method_name(x->method));
    struct curl_slist *headers = header_list(x, host);
    ok = ok && headers;
    SET(CURLOPT_HTTPHEADER, headers);
    return ok;
}

/* The name that is verified stands in curl's URL, so that it becomes the SNI too; where to connect
 * and what the Host header says remain those of the true URL. */
static bool set_renamed_request(struct exchange *x, str name)
{
    char true_bytes[264], other_bytes[264], port[8] = "";
    struct url other = x->url;
    struct arena *a = &x->arena;
    other.host = name;
    str host = url_host_text(&x->url, true_bytes), as = url_host_text(&other, other_bytes);
    if (x->url.port_given)
        snprintf(port, sizeof port, ":%u", x->url.port);
    struct curl_slist *list = NULL, **end = &list;
    bool ok = append(x, &end,
                     str_printf(a, STR_FMT ":%u:" STR_FMT ":%u", STR_ARG(as), x->url.port,
                                STR_ARG(host), x->url.port));
    SET(CURLOPT_CONNECT_TO, list);
    str url = str_printf(a, "https://" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(x->url.userinfo),
                         x->url.userinfo.n ? "@" : "", STR_ARG(as), port, STR_ARG(x->url.path));
    return ok && set_request(x, url, str_printf(a, STR_FMT "%s", STR_ARG(host), port));
}

/* -- the connection */

static bool set_connection(struct exchange *x)
{
    bool ok = true;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_timeout_ms);
    SET(CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    SET(CURLOPT_BUFFERSIZE, (long)HTTP_CHUNK_MAX);
    SET(CURLOPT_PROXY, x->proxy_url.p); /* "" also keeps curl from asking the environment */
    SET(CURLOPT_NOPROXY, "");
    if (x->target->tcp_keepalive) {
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
        SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
        SET(CURLOPT_TCP_KEEPCNT, KEEPALIVE_PROBES);
    }
    return ok;
}

/* A name that is configured is that of the configured server, not of one that it redirects to. */
static str server_name(const struct exchange *x)
{
    bool configured = x->target->tls && x->target->tls->server_name.n && !x->elsewhere;
    return configured ? x->target->tls->server_name : (str){0};
}

static enum err_kind prepare_tls(struct exchange *x, struct err *e)
{
    const struct tls_config *config = x->target->tls;
    if (!config)
        return err_set(e, ERR_INVALID,
                       "%s https, but the configured URL is http: configure the https URL",
                       x->redirects ? "redirected to" : "the URL is");
    if (!config->insecure && !config->trust)
        return err_set(e, ERR_INVALID, "there are no CA certificates to verify the server with");
    str name = server_name(x);
    x->tls = (struct tls_session){
        .config = config, .host = name.n ? name : x->url.host, .arena = &x->arena};
    return ERR_NONE;
}

enum err_kind exchange_set_up(struct exchange *x, struct err *e)
{
    enum err_kind kind = proxy_choose(&x->target->proxy, &x->url, &x->arena, &x->proxy_url, e);
    if (!kind && x->url.https)
        kind = prepare_tls(x, e);
    if (kind)
        return kind;
    curl_easy_reset(x->easy);
    str name = x->url.https ? server_name(x) : (str){0};
    bool ok = name.n ? set_renamed_request(x, name) : set_request(x, x->url_text, (str){0});
    ok = ok && exchange_set_callbacks(x) && set_connection(x);
    if (ok && x->url.https)
        ok = tls_curl_set_up(x->easy, &x->tls);
    return ok ? ERR_NONE : err_set(e, ERR_RETRY, "curl's memory budget is used up");
}
