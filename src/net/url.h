/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_URL_H
#define NET_URL_H

/*
 * http and https URLs in parts, as views of the text (RFC 3986, without what servers never have).
 * Deliberately strict, so that what is checked here is what curl connects to.
 */

#include <netinet/in.h>

#include "base/err.h"

struct url {
    bool https;
    str userinfo;  /* "user:password", percent-encoded; usually empty */
    str host;      /* without the brackets of an IPv6 address */
    uint16_t port; /* the scheme's where the URL names none */
    bool port_given;
    str path; /* path and query; may be empty */
};

/* ERR_INVALID says what is wrong, without naming the URL's user or password. */
enum err_kind url_parse(str text, struct url *out, struct err *e) MUST_CHECK;
/* Same scheme, host and port (RFC 6454). */
bool url_same_origin(const struct url *a, const struct url *b);

/* An address in text: 4 or 16 bytes in network order; 0 where it is none. */
size_t url_address(str host, uint8_t out[16]);
/* The host as a URL writes it: an IPv6 address in brackets. */
str url_host_text(const struct url *url, char out[static 264]);

#endif
