/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_check.h"

#include <string.h>

#include "base/time.h"

#define RSA_BITS_MIN 2048

/* -- the X.509 class */

/* BearSSL passes a pointer to the first member. */
static struct tls_check *check_of(const br_x509_class *const *class)
{
    return (struct tls_check *)(uintptr_t) class;
}

static void start_chain(const br_x509_class **class, const char *server_name)
{
    (void)server_name; /* what curl sends as SNI; we compare with `host` */
    struct tls_check *c = check_of(class);
    c->begun = 0;
    c->error = 0;
    c->leaf_at_fault = false;
    c->leaf = c->current = (str){0};
    if (c->config->insecure)
        br_x509_decoder_init(&c->decoder, NULL, NULL);
    else
        c->minimal.vtable->start_chain(&c->minimal.vtable, NULL);
}

/* The leaf and the certificate after it are kept; a further one takes the latter's place, unless a
 * bad one was found: that one is named in the error. */
static void start_cert(const br_x509_class **class, uint32_t length)
{
    struct tls_check *c = check_of(class);
    c->begun++;
    c->got = 0;
    if (c->error)
        return;
    if (length > TLS_PEER_CERT_MAX) {
        c->error = BR_ERR_X509_LIMIT_EXCEEDED;
        return;
    }
    char *room = NULL;
    if (c->current.n >= length && c->begun > 2)
        room = (char *)c->current.p;
    else
        room = arena_bytes(c->arena, length);
    if (!room) {
        c->error = BR_ERR_X509_LIMIT_EXCEEDED;
        return;
    }
    c->current = (str){room, length};
    if (c->begun == 1)
        c->leaf = c->current;
    if (!c->config->insecure)
        c->minimal.vtable->start_cert(&c->minimal.vtable, length);
}

static void append(const br_x509_class **class, const unsigned char *bytes, size_t n)
{
    struct tls_check *c = check_of(class);
    if (c->error)
        return;
    ASSERT(n <= c->current.n - c->got);
    memcpy((char *)c->current.p + c->got, bytes, n);
    c->got += n;
    if (!c->config->insecure)
        c->minimal.vtable->append(&c->minimal.vtable, bytes, n);
    else if (c->begun == 1)
        br_x509_decoder_push(&c->decoder, bytes, n);
}

static void end_cert(const br_x509_class **class)
{
    struct tls_check *c = check_of(class);
    if (c->error || c->config->insecure)
        return;
    c->minimal.vtable->end_cert(&c->minimal.vtable);
    /* It is at its end once a trust anchor was found; else it says what is wrong with this one. */
    if (c->minimal.err && c->minimal.err != BR_ERR_X509_OK)
        c->error = (unsigned)c->minimal.err;
}

static unsigned check_leaf(const struct tls_check *c)
{
    struct tls_cert cert;
    if (!tls_cert_read(c->leaf, &cert))
        return BR_ERR_X509_UNEXPECTED;
    if (cert.has_usage && !cert.for_server)
        return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
    return tls_cert_covers(&cert, c->host) ? 0 : BR_ERR_X509_BAD_SERVER_NAME;
}

static unsigned end_chain(const br_x509_class **class)
{
    struct tls_check *c = check_of(class);
    if (c->config->insecure)
        return c->error ? c->error : (unsigned)br_x509_decoder_last_error(&c->decoder);
    if (!c->error)
        c->error = c->minimal.vtable->end_chain(&c->minimal.vtable);
    if (!c->error) {
        c->error = check_leaf(c);
        c->leaf_at_fault = true;
    }
    return c->error;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *class, unsigned *usages)
{
    struct tls_check *c = check_of(class);
    if (!c->config->insecure)
        return c->minimal.vtable->get_pkey(&c->minimal.vtable, usages);
    if (usages)
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return br_x509_decoder_get_pkey(&c->decoder);
}

static const br_x509_class check_class = {
    sizeof(struct tls_check), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

/* -- setting up */

struct tls_check *tls_check_new(struct arena *arena, const struct tls_config *config, str host)
{
    struct tls_check *c = ARENA_NEW(arena, struct tls_check);
    if (!c)
        return NULL;
    c->vtable = &check_class;
    c->config = config;
    c->host = host;
    c->arena = arena;
    return c;
}

void tls_check_use(struct tls_check *c, br_ssl_engine_context *engine)
{
    static const br_hash_class *const hashes[] = {&br_sha256_vtable, &br_sha384_vtable,
                                                  &br_sha512_vtable};
    br_ssl_engine_set_x509(engine, &c->vtable);
    if (c->config->insecure)
        return;
    const struct tls_trust *trust = c->config->trust;
    br_x509_minimal_init(&c->minimal, &br_sha256_vtable, trust->anchors, trust->count);
    br_x509_minimal_set_rsa(&c->minimal, br_ssl_engine_get_rsavrfy(engine));
    br_x509_minimal_set_ecdsa(&c->minimal, br_ssl_engine_get_ec(engine),
                              br_ssl_engine_get_ecdsa(engine));
    br_x509_minimal_set_minrsa(&c->minimal, RSA_BITS_MIN / 8);
    /* SHA-1 signatures are not accepted any more. */
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        br_x509_minimal_set_hash(&c->minimal, br_sha256_ID + (int)i, hashes[i]);
}

/* -- in words */

static str printable(str s, struct arena *out)
{
    s = str_copy(out, str_sub(s, 0, 64));
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            ((char *)s.p)[i] = '?';
    return s;
}

static str date(int64_t at_us, struct arena *out)
{
    char text[TIME_TEXT_MAX];
    return str_copy(out, time_format_rfc3339(at_us, text));
}

/* "its certificate ('x', issued by 'y')". */
static str name_of(const struct tls_check *c, str der, const struct tls_cert *cert,
                   struct arena *out)
{
    str subject = printable(cert->subject, out);
    if (subject.n == 0) {
        char names[64];
        subject = str_copy(out, tls_cert_names(cert, names, sizeof names));
    }
    return str_printf(out, "%s certificate ('" STR_FMT "', issued by '" STR_FMT "')",
                      der.p == c->leaf.p ? "its" : "an intermediate", STR_ARG(subject),
                      STR_ARG(printable(cert->issuer, out)));
}

static str wrong_name(const struct tls_check *c, struct arena *out)
{
    struct tls_cert leaf;
    char bytes[200];
    if (!tls_cert_read(c->leaf, &leaf))
        return STR("its certificate cannot be read");
    str names = tls_cert_names(&leaf, bytes, sizeof bytes);
    if (names.n)
        return str_printf(out, "its certificate is for " STR_FMT ", not for " STR_FMT,
                          STR_ARG(names), STR_ARG(c->host));
    return str_printf(out,
                      "its certificate has no alternative names, so it is not for " STR_FMT
                      " (the name '" STR_FMT "' in its subject does not count)",
                      STR_ARG(c->host), STR_ARG(printable(leaf.subject, out)));
}

static str not_in_time(str name, const struct tls_cert *cert, struct arena *out)
{
    if (time_now_us() < cert->not_before_us)
        return str_printf(out, STR_FMT " is not valid before " STR_FMT, STR_ARG(name),
                          STR_ARG(date(cert->not_before_us, out)));
    return str_printf(out, STR_FMT " expired at " STR_FMT, STR_ARG(name),
                      STR_ARG(date(cert->not_after_us, out)));
}

static str not_trusted(const struct tls_check *c, const struct tls_cert *last, struct arena *out)
{
    const struct tls_trust *trust = c->config->trust;
    str issuer = printable(last->issuer, out), unusable = STR("");
    if (trust->unusable)
        unusable =
            str_printf(out, " (%zu more are of a kind that is not supported)", trust->unusable);
    if (c->begun == 1 && str_eq(last->issuer, last->subject))
        return str_printf(out,
                          "its certificate ('" STR_FMT
                          "') is signed by itself and is not among the "
                          "%zu of %s" STR_FMT,
                          STR_ARG(issuer), trust->count, trust->what, STR_ARG(unusable));
    return str_printf(
        out, "the issuer of %s certificate, '" STR_FMT "', is not among the %zu of %s" STR_FMT "%s",
        c->begun == 1 ? "its" : "its last intermediate", STR_ARG(issuer), trust->count, trust->what,
        STR_ARG(unusable), c->begun == 1 ? ", and it sent no intermediate certificate" : "");
}

static const char *other_reason(unsigned error)
{
    switch (error) {
    case BR_ERR_X509_BAD_SIGNATURE:
        return "has a wrong signature";
    case BR_ERR_X509_UNSUPPORTED:
        return "has a key or signature of a kind that is not supported (RSA PKCS#1 and ECDSA with "
               "SHA-2 are)";
    case BR_ERR_X509_DN_MISMATCH:
        return "is not the issuer of the one before it (the server sends its chain in a wrong "
               "order)";
    case BR_ERR_X509_CRITICAL_EXTENSION:
        return "has a critical extension that is not supported";
    case BR_ERR_X509_NOT_CA:
        return "is no CA's, but has issued another one";
    case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
        return "is not meant for TLS servers";
    case BR_ERR_X509_WEAK_PUBLIC_KEY:
        return "has an RSA key of less than 2048 bits";
    case BR_ERR_X509_LIMIT_EXCEEDED:
        return "is too large, or its key is";
    default:
        return "is damaged";
    }
}

str tls_check_reason(const struct tls_check *c, struct arena *out)
{
    if (!c->error)
        return (str){0};
    struct tls_cert cert = {0};
    str der = c->leaf_at_fault ? c->leaf : c->current;
    tls_cert_read(der, &cert);
    str name = name_of(c, der, &cert, out);
    switch (c->error) {
    case BR_ERR_X509_BAD_SERVER_NAME:
        return wrong_name(c, out);
    case BR_ERR_X509_EXPIRED:
        return not_in_time(name, &cert, out);
    case BR_ERR_X509_NOT_TRUSTED:
        return not_trusted(c, &cert, out);
    case BR_ERR_X509_EMPTY_CHAIN:
        return STR("it sent no certificate");
    default:
        return str_printf(out, STR_FMT " %s (BearSSL's error %u)", STR_ARG(name),
                          other_reason(c->error), c->error);
    }
}
