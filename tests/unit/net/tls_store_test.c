/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_store.h"

#include "net/tls_cert.h"
#include "net/tls_pem.h"
#include "net/tls_rig.h"

/* Trust anchors, identities and certificates as files: what is taken, and how it is refused. */

static void anchors_from_pem(void **state)
{
    (void)state;
    assert_int_equal(tls_trust_count(trust_in("ca.crt")), 1);
    assert_int_equal(tls_trust_count(trust_in("both.crt")), 2);
    const struct tls_trust *mixed = trust_in("mixed.crt");
    assert_int_equal(tls_trust_count(mixed), 1);
    assert_int_equal(mixed->unusable, 1);
    assert_string_equal(trust_in("ca.crt")->mark, trust_in("ca.crt")->mark);
    assert_string_not_equal(trust_in("ca.crt")->mark, trust_in("both.crt")->mark);

    /* Text around it, DOS lines, no end of the last line, keys beside it. */
    str ca = peer_file("ca.crt"), key = peer_file("ca.key");
    str dos = str_printf(&perm, "# ours\r\n" STR_FMT "\r\ntrailing", STR_ARG(ca));
    str with_key = str_printf(&perm, STR_FMT STR_FMT, STR_ARG(key), STR_ARG(str_trim(ca)));
    const struct tls_trust *trust;
    struct err e;
    assert_int_equal(tls_trust_from_pem(&perm, dos, "x", &trust, &e), ERR_NONE);
    assert_int_equal(tls_trust_from_pem(&perm, with_key, "x", &trust, &e), ERR_NONE);
    assert_int_equal(tls_trust_count(trust), 1);
}

static void text_without_anchors(void **state)
{
    (void)state;
    str ca = peer_file("ca.crt");
    const struct {
        str pem;
        const char *reason;
    } cases[] = {
        {STR(""), "CA file /x: there is no certificate in it"},
        {STR("hello\n"), "there is no certificate in it"},
        {peer_file("ca.key"), "there is no certificate in it"},
        {peer_file("ed25519.crt"), "keys of a kind that is not supported"},
        {str_sub(ca, 0, ca.n / 2), "the line END CERTIFICATE is missing"},
        {STR("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"),
         "BEGIN and END CERTIFICATE enclose is not base64"},
        {STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "or are damaged"},
        {STR("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), "or are damaged"},
        {STR("-----BEGIN CERTIFICATE\nAAAA\n-----END CERTIFICATE-----\n"), "line BEGIN is damaged"},
        {STR("-----BEGIN A-----\nAAAA\n-----END B-----\n"), "the line END A is missing"},
        {STR("-----begin certificate\nAAAA\n-----end certificate\n-----BEGIN CERTIFICATE"),
         "CA file /x: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_trust *trust = NULL;
        struct err e = {0};
        if (tls_trust_from_pem(&perm, cases[i].pem, "CA file /x", &trust, &e) != ERR_INVALID)
            fail_msg("%zu was taken", i);
        assert_has(e.text, cases[i].reason);
    }
    char bytes[200];
    struct arena small = arena_over("small", bytes, sizeof bytes);
    const struct tls_trust *trust;
    struct err e;
    assert_int_equal(tls_trust_from_pem(&small, ca, "x", &trust, &e), ERR_LIMIT);
}

static void the_system_bundle(void **state)
{
    (void)state;
    const struct tls_trust *trust;
    struct err e;
    char path[128];
    snprintf(path, sizeof path, "%s/both.crt", peer.folder);
    unsetenv("SSL_CERT_FILE");
    assert_int_equal(tls_trust_system(&perm, path, &trust, &e), ERR_NONE);
    assert_int_equal(tls_trust_count(trust), 2);
    assert_string_equal(trust->what + strlen("CA file "), path);
    assert_int_equal(tls_trust_system(&perm, "/no/such", &trust, &e), ERR_MISSING);
    assert_has(e.text, "/no/such");
    setenv("SSL_CERT_FILE", path, 1);
    assert_int_equal(tls_trust_system(&perm, NULL, &trust, &e), ERR_NONE);
    assert_int_equal(tls_trust_count(trust), 2);
    setenv("SSL_CERT_FILE", "/no/such", 1);
    assert_int_equal(tls_trust_system(&perm, NULL, &trust, &e), ERR_MISSING);
    assert_has(e.text, "SSL_CERT_FILE: cannot open /no/such");
    unsetenv("SSL_CERT_FILE");
    /* With a bundle of the distribution or without one: both have their answer. */
    if (tls_trust_system(&perm, NULL, &trust, &e))
        assert_has(e.text,
                   "set SSL_CERT_FILE to a PEM file (tried: /etc/ssl/certs/ca-certificates.crt, "
                   "/etc/pki/tls/certs/ca-bundle.crt");
    else
        assert_true(tls_trust_count(trust) > 1);
}

static void identities_that_do_not_work(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *key, *reason;
    } cases[] = {
        {"client-P-256.crt", "client-P-384.key", "the key does not belong to the (first) client"},
        {"client-P-256.crt", "client-rsa2048.key", "the key does not belong to the (first) client"},
        {"client-rsa2048.crt", "client-rsa4096.key",
         "the key does not belong to the (first) client"},
        {"client-rsa2048.crt", "rsa.key", "the key does not belong to the (first) client"},
        {"client-P-256.crt", "secret.key", "encrypted with a password"},
        {"client-rsa2048.crt", "secret1.key", "encrypted with a password"},
        {"client-P-256.crt", "ed25519.key", "the key is of a kind that is not supported"},
        {"ed25519.crt", "client-P-256.key", "has a key of a kind that is not supported"},
        {"client-P-256.crt", "client-P-256.crt", "there is no private key in it"},
        {"client-P-256.key", "client-P-256.key", "there is no certificate in it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_identity *identity = NULL;
        struct err e = {0};
        if (tls_identity_from_pem(&perm, peer_file(cases[i].certificate), peer_file(cases[i].key),
                                  "user u", &identity, &e) != ERR_INVALID)
            fail_msg("%s with %s was taken", cases[i].certificate, cases[i].key);
        assert_has(e.text, cases[i].reason);
        assert_true(str_starts(str_of(e.text), STR("user u: ")));
    }
    const struct tls_identity *chain = identity_in("chain.crt", "chain.key");
    assert_int_equal(chain->chain_length, 2);
}

static enum err_kind keep_first(void *ctx, str kind, str der, struct err *e)
{
    (void)kind;
    (void)e;
    str *kept = ctx;
    if (!kept->p)
        *kept = str_copy(&perm, der);
    return ERR_NONE;
}

static str der_of(const char *file)
{
    str der = {0};
    struct err e;
    if (tls_pem_each(peer_file(file), keep_first, &der, &e))
        fail_msg("%s", e.text);
    return der;
}

static void certificates_in_parts(void **state)
{
    (void)state;
    struct tls_cert cert;
    char names[64];
    assert_true(tls_cert_read(der_of("expired.crt"), &cert));
    assert_true(str_eq(cert.subject, STR("expired")));
    assert_true(str_eq(cert.issuer, STR("ca")));
    assert_int_equal(cert.not_before_us, INT64_C(1577836800000000));
    assert_int_equal(cert.not_after_us, INT64_C(1580515200000000));
    assert_true(cert.has_usage && cert.for_server);
    assert_true(tls_cert_read(der_of("clientonly.crt"), &cert));
    assert_true(cert.has_usage && !cert.for_server);
    assert_true(tls_cert_read(der_of("rsa.crt"), &cert));
    assert_true(str_eq(cert.issuer, STR("RSA authority")));
    assert_true(tls_cert_read(der_of("ca.crt"), &cert));
    assert_false(cert.has_usage);
    assert_int_equal(cert.alt_names.n, 0);
    assert_int_equal(tls_cert_names(&cert, names, sizeof names).n, 0);
    assert_true(tls_cert_read(der_of("wrong.crt"), &cert));
    assert_true(str_eq(tls_cert_names(&cert, names, sizeof names), STR("other.example, 10.0.0.1")));
    assert_true(str_eq(tls_cert_names(&cert, names, 18), STR("other.example, ...")));
}

static void names_that_a_certificate_covers(void **state)
{
    (void)state;
    static const struct {
        const char *file, *host;
        bool want;
    } cases[] = {
        {"dns.crt", "localhost", true},
        {"dns.crt", "LocalHost.", true},
        {"dns.crt", "x.localhost", false},
        {"dns.crt", "a.wild.localhost", true},
        {"dns.crt", ".wild.localhost", false},
        {"dns.crt", "wild.localhost", false},
        {"dns.crt", "a.b.wild.localhost", false},
        {"dns.crt", "*.wild.localhost", true},
        {"dns.crt", "anything", false}, /* "*" alone is no pattern */
        {"dns.crt", "127.0.0.1", false},
        {"dns.crt", "", false},
        {"ip4.crt", "127.0.0.1", true},
        {"ip4.crt", "::ffff:127.0.0.1", false},
        {"ip4.crt", "127.0.0.2", false},
        {"ip4dns.crt", "127.0.0.1", false},
        {"mapped.crt", "127.0.0.1", false},
        {"mapped.crt", "::ffff:127.0.0.1", true},
        {"ip6.crt", "::1", true},
        {"ip6.crt", "0::1", true},
        {"ip6.crt", "::2", false},
        {"cn.crt", "localhost", false},
        {"cnip.crt", "127.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_cert cert;
        assert_true(tls_cert_read(der_of(cases[i].file), &cert));
        if (tls_cert_covers(&cert, str_of(cases[i].host)) != cases[i].want)
            fail_msg("%s for %s: not %d", cases[i].file, cases[i].host, cases[i].want);
    }
}

/* Each prefix of a certificate, and each with one byte changed: read or not, but never beyond it.
 */
static void damaged_certificates(void **state)
{
    (void)state;
    str der = der_of("wrong.crt");
    struct tls_cert cert;
    char names[128];
    int refused = 0;
    for (size_t n = 0; n < der.n; n++) {
        /* A copy of the exact size, so that the sanitizer sees a byte too far. */
        char *part = test_malloc(n + 1);
        memcpy(part, der.p, n);
        refused += !tls_cert_read((str){part, n}, &cert);
        test_free(part);
    }
    assert_int_equal(refused, der.n);
    for (size_t at = 0; at < der.n; at++) {
        char *copy = test_malloc(der.n);
        memcpy(copy, der.p, der.n);
        copy[at] = (char)(copy[at] ^ (1 << at % 8));
        if (tls_cert_read((str){copy, der.n}, &cert)) {
            tls_cert_names(&cert, names, sizeof names);
            tls_cert_covers(&cert, STR("x"));
        }
        test_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_from_pem),      cmocka_unit_test(text_without_anchors),
        cmocka_unit_test(the_system_bundle),     cmocka_unit_test(identities_that_do_not_work),
        cmocka_unit_test(certificates_in_parts), cmocka_unit_test(names_that_a_certificate_covers),
        cmocka_unit_test(damaged_certificates),
    };
    return cmocka_run_group_tests(tests, tls_rig_open, tls_rig_close);
}
