/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_CHECK_H
#define NET_TLS_CHECK_H

/*
 * The verification of one server in one handshake: an X.509 class for BearSSL's engine around its
 * "minimal" one, which checks signatures, dates and constraints up to a trust anchor. Names and the
 * extended key usage are checked here, on the server's own certificate, once the chain is good.
 */

#include "base/arena.h"
#include "net/tls_cert.h"
#include "net/tls_store.h"

struct tls_check {
    const br_x509_class *vtable; /* first: BearSSL casts */
    br_x509_minimal_context minimal;
    br_x509_decoder_context decoder; /* insecure: only takes the server's key */
    const struct tls_config *config;
    str host; /* a name, or an address without brackets; not of the check's own memory */
    struct arena *arena;

    unsigned begun; /* certificates so far */
    str leaf;       /* the server's certificate */
    str current;    /* the certificate that is being read, or the last one, or the first bad one */
    size_t got;     /* bytes of it */
    unsigned error; /* of BearSSL's codes; 0 while all is well */
    bool leaf_at_fault; /* whose error it is; else the current one's */
};

/* A check for this host, from `arena`; it and *config live until the handshake is over. NULL when
 * the arena is full. */
struct tls_check *tls_check_new(struct arena *arena, const struct tls_config *config, str host);
/* Makes the engine use it. */
void tls_check_use(struct tls_check *check, br_ssl_engine_context *engine);

/* Why the server's certificate was refused, in words; empty where it was not. From `out`. */
str tls_check_reason(const struct tls_check *check, struct arena *out);

#endif
