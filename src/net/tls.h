/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_H
#define NET_TLS_H

/*
 * Trust and identity for TLS 1.2 (BearSSL): trust anchors from PEM, client certificate and key,
 * and the check of the peer's certificate, for DNS names and, which BearSSL's engine does not do,
 * for IP addresses (RFC 5280 4.2.1.6, RFC 6125; the name in the subject never counts).
 */

#include "base/arena.h"
#include "base/err.h"

struct tls_trust;    /* a set of trust anchors */
struct tls_identity; /* a client certificate chain with its key */

/* How one server is verified. Zero value: default trust, the URL's host, no client certificate. */
struct tls_config {
    const struct tls_trust *trust;       /* NULL is refused unless insecure: load it first */
    const struct tls_identity *identity; /* may be NULL */
    str server_name;                     /* verified (and sent as SNI) instead of the URL's host */
    bool insecure;                       /* no verification at all */
};

/* Anchors from PEM text (several certificates). `what` names the source in errors ("CA file /x").
 * Memory from `out`. ERR_INVALID where there is no usable certificate. */
enum err_kind tls_trust_from_pem(struct arena *out, str pem, const char *what,
                                 const struct tls_trust **trust, struct err *e) MUST_CHECK;
/* The system's bundle: `file` (may be NULL), else $SSL_CERT_FILE, else the usual paths of
 * distributions. The error names all paths that were tried. */
enum err_kind tls_trust_system(struct arena *out, const char *file, const struct tls_trust **trust,
                               struct err *e) MUST_CHECK;
size_t tls_trust_count(const struct tls_trust *trust);

/* Certificate chain and private key (PKCS#8, PKCS#1, SEC1; RSA or EC), both PEM. */
enum err_kind tls_identity_from_pem(struct arena *out, str certificate_pem, str key_pem,
                                    const char *what, const struct tls_identity **identity,
                                    struct err *e) MUST_CHECK;

#endif
