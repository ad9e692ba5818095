/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "net/tls_pem.h"
#include "net/tls_store.h"

/* -- anchors from PEM */

struct reading {
    struct arena *out;
    struct tls_trust *trust;
    size_t room;
};

static void keep_name(void *ctx, const void *bytes, size_t n)
{
    buf_put(ctx, (str){bytes, n});
}

/* Moves the bytes at *p into the arena. */
static bool keep_bytes(struct arena *out, unsigned char **p, size_t n)
{
    char *copy = arena_bytes(out, n);
    if (copy)
        *p = memcpy(copy, *p, n);
    return copy;
}

static bool keep_key(struct arena *out, br_x509_pkey *key)
{
    if (key->key_type == BR_KEYTYPE_RSA)
        return keep_bytes(out, &key->key.rsa.n, key->key.rsa.nlen) &&
               keep_bytes(out, &key->key.rsa.e, key->key.rsa.elen);
    return keep_bytes(out, &key->key.ec.q, key->key.ec.qlen);
}

static enum err_kind add_anchor(void *ctx, str kind, str der, struct err *e)
{
    struct reading *r = ctx;
    if (!str_eq(kind, STR("CERTIFICATE")) && !str_eq(kind, STR("X509 CERTIFICATE")) &&
        !str_eq(kind, STR("TRUSTED CERTIFICATE")))
        return ERR_NONE;
    br_x509_decoder_context decoder;
    char name_bytes[TLS_NAME_MAX];
    struct buf name = buf_over(name_bytes, sizeof name_bytes);
    br_x509_decoder_init(&decoder, keep_name, &name);
    br_x509_decoder_push(&decoder, der.p, der.n);
    br_x509_pkey *key = br_x509_decoder_get_pkey(&decoder);
    if (!key || name.full) {
        r->trust->unusable++;
        return ERR_NONE;
    }
    ASSERT(r->trust->count < r->room);
    br_x509_trust_anchor *anchor = &r->trust->anchors[r->trust->count++];
    anchor->pkey = *key;
    anchor->flags = br_x509_decoder_isCA(&decoder) ? BR_X509_TA_CA : 0;
    anchor->dn.len = name.n;
    anchor->dn.data = (unsigned char *)name.p;
    if (!keep_bytes(r->out, &anchor->dn.data, name.n) || !keep_key(r->out, &anchor->pkey))
        return err_set(e, ERR_LIMIT, "too many certificates");
    return ERR_NONE;
}

/* At least as many as the decoder will find. */
static size_t count_objects(str pem)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = str_find(pem, STR("-----"))) >= 0;) {
        pem = str_skip(pem, (size_t)at + 5);
        n += str_eq_nocase(str_sub(pem, 0, 6), STR("BEGIN "));
    }
    return n;
}

enum err_kind tls_trust_from_pem(struct arena *out, str pem, const char *what,
                                 const struct tls_trust **result, struct err *e)
{
    struct tls_trust *trust = ARENA_NEW(out, struct tls_trust);
    size_t room = count_objects(pem);
    struct reading r = {out, trust, room};
    char digest[65];
    if (trust) {
        trust->anchors = ARENA_ARRAY(out, br_x509_trust_anchor, room);
        trust->what = str_copy(out, str_of(what)).p;
    }
    if (!trust || !trust->anchors || !trust->what)
        return err_set(e, ERR_LIMIT, "%s: no room for its certificates", what);
    enum err_kind kind = tls_pem_each(pem, add_anchor, &r, e);
    if (kind)
        return err_prefix(e, "%s: ", what);
    if (trust->count == 0 && trust->unusable)
        return err_set(e, ERR_INVALID,
                       "%s: its %zu certificates have keys of a kind that is not supported "
                       "(RSA and EC on P-256, P-384, P-521 are), or are damaged",
                       what, trust->unusable);
    if (trust->count == 0)
        return err_set(e, ERR_INVALID,
                       "%s: there is no certificate in it (PEM is expected, with lines "
                       "BEGIN CERTIFICATE)",
                       what);
    sha256_hex(pem, digest);
    str_to_cstr(str_of(digest), trust->mark, sizeof trust->mark);
    *result = trust;
    return ERR_NONE;
}

size_t tls_trust_count(const struct tls_trust *trust)
{
    return trust->count;
}

/* -- the system's bundle */

/* Debian, Alpine, Gentoo; Fedora, RHEL; openSUSE; older ones; FreeBSD and macOS-like images. */
static const char *const usual_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
};

/* The text is read into memory of its own, so that only the anchors stay. */
static enum err_kind from_file(struct arena *out, const char *path, const struct tls_trust **trust,
                               struct err *e)
{
    struct arena file;
    str pem;
    char what[TLS_WHAT_MAX];
    arena_reserve(&file, "CA file", FILE_MAX + KIB);
    enum err_kind kind = file_read(&file, path, FILE_MAX, &pem, e);
    snprintf(what, sizeof what, "CA file %s", path);
    if (!kind)
        kind = tls_trust_from_pem(out, pem, what, trust, e);
    arena_release(&file);
    return kind;
}

enum err_kind tls_trust_system(struct arena *out, const char *file, const struct tls_trust **trust,
                               struct err *e)
{
    const char *named = getenv("SSL_CERT_FILE");
    if (file)
        return from_file(out, file, trust, e);
    if (named && named[0]) {
        enum err_kind kind = from_file(out, named, trust, e);
        return kind ? err_prefix(e, "SSL_CERT_FILE: ") : ERR_NONE;
    }
    char tried_bytes[ERR_TEXT_MAX];
    struct buf tried = buf_over(tried_bytes, sizeof tried_bytes);
    for (size_t i = 0; i < ARRAY_LEN(usual_paths); i++) {
        struct err why;
        size_t mark = arena_mark(out);
        enum err_kind kind = from_file(out, usual_paths[i], trust, &why);
        if (!kind)
            return ERR_NONE;
        arena_rewind(out, mark);
        buf_printf(&tried, "%s%s%s", i ? ", " : "", usual_paths[i],
                   kind == ERR_MISSING ? "" : " (not usable)");
    }
    return err_set(e, ERR_MISSING,
                   "no CA certificates to verify TLS servers with: set SSL_CERT_FILE to a "
                   "PEM file (tried: " STR_FMT ")",
                   STR_ARG(buf_str(&tried)));
}
