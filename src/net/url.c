/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4, as text without the last dot */

static bool only_of(str s, const char *marks)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && !(s.p[i] && strchr(marks, s.p[i])))
            return false;
    return true;
}

static bool parse_port(str text, struct url *out)
{
    int64_t port;
    if (!only_of(text, "") || !str_to_i64(text, &port) || port < 1 || port > 65535)
        return false;
    out->port = (uint16_t)port;
    out->port_given = true;
    return true;
}

static enum err_kind parse_authority(str authority, struct url *out, struct err *e)
{
    ptrdiff_t at = str_rfind_char(authority, '@');
    if (at >= 0) {
        out->userinfo = str_sub(authority, 0, (size_t)at);
        authority = str_skip(authority, (size_t)at + 1);
        if (!only_of(out->userinfo, "-._~%!$&'()*+,;=:"))
            return err_set(e, ERR_INVALID, "user or password in the URL must be percent-encoded");
    }
    str port = {0};
    bool has_port;
    uint8_t address[16];
    if (str_starts(authority, STR("["))) {
        ptrdiff_t end = str_find_char(authority, ']');
        if (end < 0)
            return err_set(e, ERR_INVALID, "']' is missing after the IPv6 address");
        out->host = str_sub(authority, 1, (size_t)end);
        str rest = str_skip(authority, (size_t)end + 1);
        has_port = rest.n > 0;
        if ((has_port && rest.p[0] != ':') || url_address(out->host, address) != 16)
            return err_set(e, ERR_INVALID,
                           "'" STR_FMT "' is not an IPv6 address with or without port",
                           STR_ARG(authority));
        port = str_skip(rest, 1);
    } else {
        has_port = str_cut(authority, ':', &out->host, &port);
        if (out->host.n == 0)
            return err_set(e, ERR_INVALID, "host is missing");
        if (out->host.n > HOST_MAX || !only_of(out->host, "-._"))
            return err_set(e, ERR_INVALID, "'" STR_FMT "' is not a host name", STR_ARG(out->host));
    }
    if (has_port && !parse_port(port, out))
        return err_set(e, ERR_INVALID, "'" STR_FMT "' is not a port", STR_ARG(port));
    return ERR_NONE;
}

enum err_kind url_parse(str text, struct url *out, struct err *e)
{
    *out = (struct url){0};
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f || text.p[i] == '\\')
            return err_set(e, ERR_INVALID,
                           "blanks, control characters and backslashes must be "
                           "percent-encoded");
    ptrdiff_t colon = str_find(text, STR("://"));
    str scheme = str_sub(text, 0, colon < 0 ? 0 : (size_t)colon);
    out->https = str_eq_nocase(scheme, STR("https"));
    if (!out->https && !str_eq_nocase(scheme, STR("http")))
        return err_set(e, ERR_INVALID, "must begin with http:// or https://");
    out->port = out->https ? 443 : 80;
    str rest = str_skip(text, (size_t)colon + 3);
    size_t n = 0;
    while (n < rest.n && str_find_char(STR("/?#"), rest.p[n]) < 0)
        n++;
    out->path = str_skip(rest, n);
    return parse_authority(str_sub(rest, 0, n), out, e);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->https == b->https && a->port == b->port && str_eq_nocase(a->host, b->host);
}

size_t url_address(str host, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];
    if (!str_to_cstr(host, text, sizeof text))
        return 0;
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

str url_host_text(const struct url *url, char out[static 264])
{
    bool v6 = str_find_char(url->host, ':') >= 0;
    int n = snprintf(out, 264, "%s" STR_FMT "%s", v6 ? "[" : "", STR_ARG(url->host), v6 ? "]" : "");
    return (str){out, (size_t)n};
}
