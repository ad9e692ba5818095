/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

/* -- the environment */

/* As Python's urllib reads it: the lower-case name wins, also when it is set to nothing. */
static str variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    return str_trim(str_of(value ? value : getenv(upper)));
}

struct http_proxy http_proxy_from_environment(void)
{
    str all = variable("all_proxy", "ALL_PROXY");
    struct http_proxy proxy = {
        .http_url = variable("http_proxy", "HTTP_PROXY"),
        .https_url = variable("https_proxy", "HTTPS_PROXY"),
        .no_proxy = variable("no_proxy", "NO_PROXY"),
    };
    if (proxy.http_url.n == 0)
        proxy.http_url = all;
    if (proxy.https_url.n == 0)
        proxy.https_url = all;
    return proxy;
}

/* -- NO_PROXY */

static bool same_bits(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static bool address_matches(str entry, str host)
{
    str network, bits_text;
    bool range = str_cut(entry, '/', &network, &bits_text);
    uint8_t want[16], got[16];
    size_t size = url_address(str_trim_chars(network, STR("[]")), want);
    if (size == 0 || url_address(host, got) != size)
        return false;
    int64_t bits = (int64_t)size * 8;
    if (range && (!str_to_i64(bits_text, &bits) || bits < 0 || bits > (int64_t)size * 8))
        return false;
    return same_bits(want, got, (size_t)bits);
}

static bool name_matches(str entry, str host)
{
    if (str_starts(entry, STR("*.")))
        entry = str_skip(entry, 1);
    bool below_only = str_starts(entry, STR("."));
    if (below_only)
        entry = str_skip(entry, 1);
    if (str_ends(entry, STR(".")))
        entry.n--;
    if (str_ends(host, STR(".")))
        host.n--;
    if (entry.n == 0 || host.n < entry.n || (below_only && host.n == entry.n))
        return false;
    if (!str_eq_nocase(str_skip(host, host.n - entry.n), entry))
        return false;
    return host.n == entry.n || host.p[host.n - entry.n - 1] == '.';
}

/* Takes ":port" off; false where it is another port. "fd00::1" has colons, but no port. */
static bool port_matches(str *entry, uint16_t port)
{
    ptrdiff_t colon = str_rfind_char(*entry, ':');
    if (colon < 0)
        return true;
    bool bracketed = colon > 0 && entry->p[colon - 1] == ']';
    if (!bracketed && str_find_char(*entry, ':') != colon)
        return true;
    if (str_starts(*entry, STR("[")) && !bracketed)
        return true; /* the colon is inside of the brackets */
    int64_t want;
    bool number = str_to_i64(str_skip(*entry, (size_t)colon + 1), &want);
    *entry = str_sub(*entry, 0, (size_t)colon);
    return number && want == port;
}

static bool entry_matches(str entry, const struct url *url)
{
    ptrdiff_t scheme_end = str_find(entry, STR("://"));
    if (scheme_end >= 0) {
        str scheme = str_sub(entry, 0, (size_t)scheme_end);
        if (!str_eq_nocase(scheme, STR("all")) &&
            !str_eq_nocase(scheme, url->https ? STR("https") : STR("http")))
            return false;
        entry = str_skip(entry, (size_t)scheme_end + 3);
    }
    if (str_eq(entry, STR("*")))
        return true;
    if (!port_matches(&entry, url->port))
        return false;
    uint8_t address[16];
    if (url_address(url->host, address))
        return address_matches(entry, url->host);
    return name_matches(entry, url->host);
}

bool proxy_bypassed(str no_proxy, const struct url *url)
{
    for (str entry, rest = no_proxy; rest.n;) {
        str_cut(rest, ',', &entry, &rest);
        entry = str_trim(entry);
        if (entry.n && entry_matches(entry, url))
            return true;
    }
    return false;
}

/* -- the choice */

enum err_kind proxy_choose(const struct http_proxy *proxy, const struct url *url, struct arena *out,
                           str *proxy_url, struct err *e)
{
    static const str known[] = {STR_INIT("http"), STR_INIT("socks4"), STR_INIT("socks4a"),
                                STR_INIT("socks5"), STR_INIT("socks5h")};
    *proxy_url = STR("");
    str chosen = url->https ? proxy->https_url : proxy->http_url;
    if (chosen.n == 0 || proxy_bypassed(proxy->no_proxy, url))
        return ERR_NONE;
    ptrdiff_t scheme_end = str_find(chosen, STR("://"));
    bool supported = scheme_end < 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        supported |=
            scheme_end >= 0 && str_eq_nocase(str_sub(chosen, 0, (size_t)scheme_end), known[i]);
    if (!supported)
        return err_set(e, ERR_INVALID,
                       "a proxy of kind '" STR_FMT "' is not supported: use http:// or socks5://",
                       STR_ARG(str_sub(chosen, 0, (size_t)scheme_end)));
    *proxy_url = str_printf(out, "%s" STR_FMT, scheme_end < 0 ? "http://" : "", STR_ARG(chosen));
    return proxy_url->p ? ERR_NONE : err_set(e, ERR_LIMIT, "the proxy's URL is too long");
}
