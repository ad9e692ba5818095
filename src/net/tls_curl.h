/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_CURL_H
#define NET_TLS_CURL_H

/*
 * TLS of one exchange, between http and curl's BearSSL backend, inside net/ only. Curl's own
 * verification is off; each connection's engine gets a tls_check instead.
 */

#include <curl/curl.h>

#include "net/tls_check.h"

struct tls_session {
    const struct tls_config *config;
    str host; /* what the certificate must be for */
    struct arena *arena;
    struct tls_check *check; /* of the last handshake; NULL where a connection was reused */
};

/* Prepares curl's handle; *session and what it points to live as long as the transfer. False where
 * curl has no memory. */
bool tls_curl_set_up(CURL *easy, struct tls_session *session);

/* A sentence for a connection that failed with a TLS error of curl; `curl_text` is its error
 * buffer. */
str tls_curl_reason(const struct tls_session *session, const char *curl_text, struct arena *out);

#endif
