/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

/*
 * Which proxy a URL goes through. The choice is made here and not by curl, whose NO_PROXY knows no
 * ports, no ranges of IPv6 addresses that do not end at a byte, and no dot in front as the Python
 * client and Go read it.
 */

#include "net/http.h"
#include "net/url.h"

/*
 * True where an entry of the list covers the URL. Entries are separated by commas:
 *   *                     everything
 *   example.com           that name and all names below it
 *   .example.com          only names below it ("*.example.com" too)
 *   10.1.2.3, fd00::1     that address ([fd00::1] too); names are not resolved
 *   10.0.0.0/8, fd00::/8  addresses of the range
 * each but the first with ":port" ("[fd00::1]:port") or "http://", "https://", "all://" in front.
 */
bool proxy_bypassed(str no_proxy, const struct url *url);

/* The proxy's URL with its scheme, copied to `out` and terminated; empty for a direct connection.
 * ERR_INVALID for a kind of proxy that is not supported. */
enum err_kind proxy_choose(const struct http_proxy *proxy, const struct url *url, struct arena *out,
                           str *proxy_url, struct err *e) MUST_CHECK;

#endif
