/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_exchange.h"

/*
 * Redirects (RFC 9110 15.4), followed here and not by curl, so that proxy, trust and credentials
 * are chosen anew for each URL. Methods change as the Python client changes them: 303 asks for a
 * GET, and so do, for what was a POST, 301 and 302 (the latter for any method).
 */

static bool wants_get(const struct exchange *x)
{
    return x->status == 303 || x->status == 302 || (x->status == 301 && x->method == HTTP_POST);
}

/* The same server over TLS, both at the usual ports: what a proxy in front of it does. */
static bool is_upgrade(const struct url *from, const struct url *to)
{
    return !from->https && to->https && from->port == 80 && to->port == 443 &&
           str_eq_nocase(from->host, to->host);
}

/* Location may be relative (RFC 3986 5); curl knows how to resolve it. */
static str resolve(struct exchange *x, str location)
{
    str result = {0};
    CURLU *u = curl_url();
    char *whole = NULL;
    if (u && curl_url_set(u, CURLUPART_URL, x->url_text.p, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, location.p, CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK)
        result = str_copy(&x->arena, str_of(whole));
    curl_free(whole);
    curl_url_cleanup(u);
    return result;
}

bool exchange_redirect(struct exchange *x, struct err *e)
{
    bool asked = (x->status >= 301 && x->status <= 303) || x->status == 307 || x->status == 308;
    if (!asked || x->location.n == 0)
        return false;
    if (x->redirects++ >= HTTP_REDIRECTS_MAX) {
        err_set(e, ERR_INVALID, "redirected more than %d times", HTTP_REDIRECTS_MAX);
        return false;
    }
    if (x->collecting)
        arena_rewind(&x->arena, x->body_mark); /* of no interest; the Location came before it */
    x->collecting = false;
    str text = resolve(x, x->location);
    struct url to;
    struct err why = {0};
    if (text.n == 0 || text.n > HTTP_URL_MAX || url_parse(text, &to, &why)) {
        err_set(e, ERR_INVALID, "redirected to something that is not an http or https URL%s%s",
                why.kind ? ": " : "", why.text);
        return false;
    }
    if (!url_same_origin(&x->url, &to) && !is_upgrade(&x->url, &to))
        x->elsewhere = true;
    x->bodyless = x->bodyless || wants_get(x);
    x->url_text = text;
    x->url = to;
    x->sendings = 0;
    x->status = 0;
    x->head_complete = false;
    x->body_bytes = 0;
    return true;
}
