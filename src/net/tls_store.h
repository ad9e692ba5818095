/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_STORE_H
#define NET_TLS_STORE_H

/* What tls_trust and tls_identity hold, inside net/ only. */

#include <bearssl.h>

#include "net/tls.h"

/* Names the content, so that equal ones may share connections: SHA-256 in hex, cut. */
#define TLS_MARK_SIZE 33

struct tls_trust {
    br_x509_trust_anchor *anchors;
    size_t count;
    size_t unusable; /* certificates whose key or form BearSSL does not know */
    const char *what;
    char mark[TLS_MARK_SIZE];
};

struct tls_identity {
    br_x509_certificate *chain;
    size_t chain_length;
    int key_type; /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
    union {
        br_rsa_private_key rsa;
        br_ec_private_key ec;
    } key;
    char mark[TLS_MARK_SIZE];
};

#endif
