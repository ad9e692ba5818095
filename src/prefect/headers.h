/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_HEADERS_H
#define PREFECT_HEADERS_H

/*
 * The headers of a request to Prefect, for prefect/client: the fixed ones, the credential, the
 * worker's name, the CSRF pair and the configured ones (PREFECT_CLIENT_CUSTOM_HEADERS), which come
 * last and replace what has their name. Pure but for a warning.
 */

#include "base/arena.h"
#include "base/err.h"
#include "net/http.h"

struct prefect_headers { /* everything lives in the arena of prefect_headers_init */
    str authorization;   /* empty: none */
    str worker_name;     /* empty: not known yet */
    str worker_id;       /* Cloud's; empty: not known */
    struct http_header custom[PREFECT_HEADERS_MAX];
    size_t custom_count;
};

/* The auth string (Basic) wins over the key (Bearer); `custom_json` is a JSON object of strings or
 * empty. ERR_INVALID: the text names the header; ERR_LIMIT: too many. */
enum err_kind prefect_headers_init(struct prefect_headers *h, struct arena *out, str api_key,
                                   str auth_string, str custom_json, struct err *e) MUST_CHECK;

struct prefect_header_options {
    bool body;      /* the request has one */
    str csrf_token; /* empty: without the pair */
    str csrf_client;
};
/* Fills `list` (HTTP_HEADERS_MAX places) and returns how many there are. Views of *h. */
size_t prefect_headers_list(const struct prefect_headers *h,
                            const struct prefect_header_options *options, struct http_header *list);

#endif
