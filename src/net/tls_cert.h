/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_CERT_H
#define NET_TLS_CERT_H

/*
 * The parts of an X.509 certificate that BearSSL's engine does not hand out: names, dates, extended
 * key usage, read from DER (RFC 5280). Says nothing about trust.
 */

#include "base/str.h"

/* Views of the certificate's bytes. */
struct tls_cert {
    str subject; /* the common name, else the organisation; may be empty */
    str issuer;
    int64_t not_before_us, not_after_us;
    str alt_names;   /* the GeneralNames of subjectAltName; empty where there is none */
    bool has_usage;  /* an extended key usage is given */
    bool for_server; /* and TLS servers are among it */
};

/* False where the bytes are not a certificate. */
bool tls_cert_read(str der, struct tls_cert *out);

/*
 * True where a subjectAltName covers `host`: for an address an iPAddress of the same bytes (an IPv4
 * address and its IPv6-mapped form are different ones), for a name a dNSName that is equal or has
 * "*" as its first label (RFC 6125 6.4). The subject's name never counts.
 */
bool tls_cert_covers(const struct tls_cert *cert, str host);

/* "a.example, b.example, 10.0.0.1": the alternative names, cut to the room; unprintable bytes
 * become question marks. */
str tls_cert_names(const struct tls_cert *cert, char *out, size_t size);

#endif
