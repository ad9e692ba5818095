/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/encode.h"
#include "net/tls_pem.h"
#include "net/tls_store.h"

struct reading {
    struct arena *out;
    struct tls_identity *identity;
    size_t room;
};

static str keep(struct arena *out, const void *bytes, size_t n)
{
    return str_copy(out, (str){bytes, n});
}

/* -- certificates */

static enum err_kind add_certificate(void *ctx, str kind, str der, struct err *e)
{
    struct reading *r = ctx;
    if (!str_eq(kind, STR("CERTIFICATE")) && !str_eq(kind, STR("X509 CERTIFICATE")))
        return ERR_NONE;
    if (r->identity->chain_length == r->room)
        return err_set(e, ERR_LIMIT, "a chain may have %zu certificates", r->room);
    str copy = keep(r->out, der.p, der.n);
    if (!copy.p)
        return err_set(e, ERR_LIMIT, "no room for its certificates");
    r->identity->chain[r->identity->chain_length++] =
        (br_x509_certificate){(unsigned char *)copy.p, copy.n};
    return ERR_NONE;
}

/* -- the key */

static bool keep_part(struct arena *out, unsigned char **p, size_t n)
{
    *p = (unsigned char *)keep(out, *p, n).p;
    return *p;
}

static bool keep_rsa(struct arena *out, br_rsa_private_key *key, const br_rsa_private_key *from)
{
    *key = *from;
    return keep_part(out, &key->p, key->plen) && keep_part(out, &key->q, key->qlen) &&
           keep_part(out, &key->dp, key->dplen) && keep_part(out, &key->dq, key->dqlen) &&
           keep_part(out, &key->iq, key->iqlen);
}

static enum err_kind add_key(void *ctx, str kind, str der, struct err *e)
{
    struct reading *r = ctx;
    if (str_eq(kind, STR("ENCRYPTED PRIVATE KEY")))
        return err_set(e, ERR_INVALID,
                       "the key is encrypted with a password, which is not supported");
    if (!str_ends(kind, STR("PRIVATE KEY")) || r->identity->key_type)
        return ERR_NONE;
    br_skey_decoder_context decoder;
    br_skey_decoder_init(&decoder);
    br_skey_decoder_push(&decoder, der.p, der.n);
    const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&decoder);
    const br_ec_private_key *ec = br_skey_decoder_get_ec(&decoder);
    bool kept;
    if (rsa) {
        kept = keep_rsa(r->out, &r->identity->key.rsa, rsa);
    } else if (ec) {
        r->identity->key.ec = *ec;
        kept = keep_part(r->out, &r->identity->key.ec.x, ec->xlen);
    } else {
        return err_set(
            e, ERR_INVALID,
            "the key is of a kind that is not supported (RSA up to 4096 bits and EC on P-256, "
            "P-384, P-521 are) or damaged");
    }
    explicit_bzero(&decoder, sizeof decoder);
    r->identity->key_type = rsa ? BR_KEYTYPE_RSA : BR_KEYTYPE_EC;
    return kept ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for the key");
}

/* -- do they belong together? */

/* What the one does the other must undo. (BearSSL's own computation of the modulus fails for 4096
 * bits.) */
static bool rsa_fits(const br_rsa_private_key *key, const br_rsa_public_key *public)
{
    unsigned char text[TLS_RSA_MAX], got[TLS_RSA_MAX];
    str modulus = {(const char *)public->n, public->nlen};
    while (modulus.n && modulus.p[0] == 0)
        modulus = str_skip(modulus, 1);
    size_t n = (key->n_bitlen + 7) / 8;
    if (n == 0 || n > sizeof text || n != modulus.n)
        return false;
    memset(text, 0x5a, n);
    text[0] = 0; /* it must be smaller than the modulus */
    memcpy(got, text, n);
    return br_rsa_private_get_default()(got, key) && br_rsa_public_get_default()(got, n, public) &&
           memcmp(got, text, n) == 0;
}

static bool ec_fits(const br_ec_private_key *key, const br_ec_public_key *public)
{
    unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key computed;
    size_t n = br_ec_compute_pub(br_ec_get_default(), &computed, point, key);
    return n && key->curve == public->curve && n == public->qlen &&
           memcmp(point, public->q, n) == 0;
}

static enum err_kind check_pair(const struct tls_identity *identity, struct err *e)
{
    br_x509_decoder_context decoder;
    br_x509_decoder_init(&decoder, NULL, NULL);
    br_x509_decoder_push(&decoder, identity->chain[0].data, identity->chain[0].data_len);
    const br_x509_pkey *public = br_x509_decoder_get_pkey(&decoder);
    if (!public)
        return err_set(e, ERR_INVALID,
                       "the client certificate has a key of a kind that is not supported, "
                       "or is damaged");
    bool fits = public->key_type == identity->key_type;
    if (fits && identity->key_type == BR_KEYTYPE_RSA)
        fits = rsa_fits(&identity->key.rsa, &public->key.rsa);
    else if (fits)
        fits = ec_fits(&identity->key.ec, &public->key.ec);
    return fits ? ERR_NONE
                : err_set(e, ERR_INVALID,
                          "the key does not belong to the (first) client certificate");
}

/* -- both */

static enum err_kind read_pair(struct reading *r, str certificate_pem, str key_pem, struct err *e)
{
    enum err_kind kind = tls_pem_each(certificate_pem, add_certificate, r, e);
    if (kind)
        return err_prefix(e, "certificate: ");
    if (r->identity->chain_length == 0)
        return err_set(e, ERR_INVALID,
                       "there is no certificate in it (PEM is expected, with lines BEGIN "
                       "CERTIFICATE)");
    if (str_has(key_pem, STR("Proc-Type: 4,ENCRYPTED")))
        return err_set(e, ERR_INVALID,
                       "the key is encrypted with a password, which is not supported");
    kind = tls_pem_each(key_pem, add_key, r, e);
    if (kind)
        return err_prefix(e, "key: ");
    if (r->identity->key_type == 0)
        return err_set(e, ERR_INVALID,
                       "there is no private key in it (PEM is expected, with lines BEGIN "
                       "PRIVATE KEY)");
    return check_pair(r->identity, e);
}

enum err_kind tls_identity_from_pem(struct arena *out, str certificate_pem, str key_pem,
                                    const char *what, const struct tls_identity **result,
                                    struct err *e)
{
    struct tls_identity *identity = ARENA_NEW(out, struct tls_identity);
    struct reading r = {out, identity, TLS_CHAIN_MAX};
    char digest[65];
    if (identity)
        identity->chain = ARENA_ARRAY(out, br_x509_certificate, r.room);
    if (!identity || !identity->chain)
        return err_set(e, ERR_LIMIT, "%s: no room for it", what);
    enum err_kind kind = read_pair(&r, certificate_pem, key_pem, e);
    if (kind)
        return err_prefix(e, "%s: ", what);
    sha256_hex(certificate_pem, digest);
    str_to_cstr(str_of(digest), identity->mark, sizeof identity->mark);
    *result = identity;
    return ERR_NONE;
}
