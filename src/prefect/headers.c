/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/headers.h"

#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "format/json.h"
#include "prefect/client.h"

/* The fixed ones, the credential, the worker's name, two of CSRF, and the configured ones. */
_Static_assert(4 + 1 + 2 + PREFECT_HEADERS_MAX <= HTTP_HEADERS_MAX, "all headers must fit");

/* Names that no configuration can replace: what the server judges us by, and what frames a body. */
static bool is_protected(str name)
{
    static const str names[] = {
        STR_INIT("User-Agent"),     STR_INIT("Prefect-Csrf-Token"), STR_INIT("Prefect-Csrf-Client"),
        STR_INIT("Content-Length"), STR_INIT("Transfer-Encoding"),  STR_INIT("Content-Type"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, names[i]))
            return true;
    return false;
}

/* A token of RFC 9110, 5.6.2. */
static bool is_name(str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return name.n > 0;
}

static bool is_value(str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum err_kind add_custom(struct prefect_headers *h, struct arena *out, str name,
                                struct json v, struct err *e)
{
    if (!is_name(name))
        return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is no name of an HTTP header",
                       STR_ARG(name));
    if (!json_is(v, JSON_STRING))
        return err_set(e, ERR_INVALID, "the value of \"" STR_FMT "\" must be a string",
                       STR_ARG(name));
    str value = str_trim(json_str(out, v));
    if (!is_value(value))
        return err_set(e, ERR_INVALID, "the value of \"" STR_FMT "\" has a control character",
                       STR_ARG(name));
    if (is_protected(name)) {
        log_warning("The configured header " STR_FMT " is left out: the worker sets it itself",
                    STR_ARG(name));
        return ERR_NONE;
    }
    size_t at = 0;
    while (at < h->custom_count && !str_eq_nocase(h->custom[at].name, name))
        at++;
    if (at == ARRAY_LEN(h->custom))
        return err_set(e, ERR_LIMIT, "there are more than %d headers", PREFECT_HEADERS_MAX);
    h->custom[at] = (struct http_header){name, value};
    if (at == h->custom_count)
        h->custom_count++;
    return ERR_NONE;
}

static enum err_kind read_custom(struct prefect_headers *h, struct arena *out, str text,
                                 struct err *e)
{
    str kept = str_copy(out, text);
    struct json root;
    if (!kept.p)
        return err_set(e, ERR_LIMIT, "no room");
    enum err_kind kind = json_parse(out, kept, &root, e);
    if (kind)
        return kind;
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "a JSON object of strings is expected");
    struct json_iter it = json_each(root);
    while (!kind && json_next(&it))
        kind = add_custom(h, out, json_str(out, it.key), it.value, e);
    return kind;
}

static enum err_kind set_authorization(struct prefect_headers *h, struct arena *out, str api_key,
                                       str auth_string, struct err *e)
{
    if (!auth_string.n && !api_key.n)
        return ERR_NONE;
    struct buf b = buf_new(out, auth_string.n ? auth_string.n * 4 / 3 + 16 : api_key.n + 16);
    buf_cstr(&b, auth_string.n ? "Basic " : "Bearer ");
    if (auth_string.n)
        base64_encode(&b, auth_string);
    else
        buf_put(&b, api_key);
    if (b.full)
        return err_set(e, ERR_LIMIT, "the credential for the Prefect API is too long");
    h->authorization = buf_str(&b);
    if (!is_value(h->authorization))
        return err_set(
            e, ERR_INVALID,
            "PREFECT_API_KEY has a control character (a line break?): set the key alone");
    return ERR_NONE;
}

enum err_kind prefect_headers_init(struct prefect_headers *h, struct arena *out, str api_key,
                                   str auth_string, str custom_json, struct err *e)
{
    *h = (struct prefect_headers){0};
    enum err_kind kind = set_authorization(h, out, api_key, auth_string, e);
    if (!kind && str_trim(custom_json).n) {
        kind = read_custom(h, out, custom_json, e);
        if (kind)
            err_prefix(e, "PREFECT_CLIENT_CUSTOM_HEADERS: ");
    }
    return kind;
}

/* Replaces the header of that name or appends. */
static void put(struct http_header *list, size_t *n, struct http_header header)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq_nocase(list[i].name, header.name)) {
            list[i] = header;
            return;
        }
    ASSERT(*n < HTTP_HEADERS_MAX);
    list[(*n)++] = header;
}

size_t prefect_headers_list(const struct prefect_headers *h,
                            const struct prefect_header_options *options, struct http_header *list)
{
    size_t n = 0;
    put(list, &n,
        (struct http_header){STR("User-Agent"),
                             STR("prefect/" PREFECT_VERSION " (API " PREFECT_API_VERSION ")")});
    put(list, &n, (struct http_header){STR("X-PREFECT-API-VERSION"), STR(PREFECT_API_VERSION)});
    if (options->body)
        put(list, &n, (struct http_header){STR("Content-Type"), STR("application/json")});
    if (h->authorization.n)
        put(list, &n, (struct http_header){STR("Authorization"), h->authorization});
    if (h->worker_name.n)
        put(list, &n, (struct http_header){STR("X-Prefect-Worker-Name"), h->worker_name});
    if (h->worker_id.n)
        put(list, &n, (struct http_header){STR("X-Prefect-Worker-Id"), h->worker_id});
    if (options->csrf_token.n) {
        put(list, &n, (struct http_header){STR("Prefect-Csrf-Token"), options->csrf_token});
        put(list, &n, (struct http_header){STR("Prefect-Csrf-Client"), options->csrf_client});
    }
    for (size_t i = 0; i < h->custom_count; i++)
        put(list, &n, h->custom[i]);
    return n;
}
