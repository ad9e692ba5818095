/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_curl.h"

#include <stdio.h>
#include <string.h>

#define MARK_MAX 512

/* Those of Python's default context that BearSSL has: forward secrecy always, SHA-2 always. */
static const uint16_t suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
};

static void present(br_ssl_client_context *client, const struct tls_identity *identity)
{
    if (identity->key_type == BR_KEYTYPE_RSA)
        br_ssl_client_set_single_rsa(client, identity->chain, identity->chain_length,
                                     &identity->key.rsa, br_rsa_pkcs1_sign_get_default());
    else
        br_ssl_client_set_single_ec(client, identity->chain, identity->chain_length,
                                    &identity->key.ec, BR_KEYTYPE_SIGN, BR_KEYTYPE_EC,
                                    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
}

/* Called by curl for each new connection, after its own preparations. */
static CURLcode on_context(CURL *easy, void *context, void *ctx)
{
    (void)easy;
    struct tls_session *session = ctx;
    br_ssl_client_context *client = context;
    session->check = tls_check_new(session->arena, session->config, session->host);
    if (!session->check)
        return CURLE_OUT_OF_MEMORY;
    br_ssl_engine_set_versions(&client->eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(&client->eng, suites, ARRAY_LEN(suites));
    br_ssl_engine_set_hash(&client->eng, br_md5_ID, NULL);
    br_ssl_engine_set_hash(&client->eng, br_sha1_ID, NULL);
    br_ssl_engine_set_hash(&client->eng, br_sha224_ID, NULL);
    /* The connection outlives this exchange, with whose memory the check goes: so it must not be
     * asked a second time. */
    br_ssl_engine_add_flags(&client->eng, BR_OPT_NO_RENEGOTIATION);
    tls_check_use(session->check, &client->eng);
    if (session->config->identity)
        present(client, session->config->identity);
    return CURLE_OK;
}

bool tls_curl_set_up(CURL *easy, struct tls_session *session)
{
    const struct tls_config *config = session->config;
    char mark[MARK_MAX];
    session->check = NULL;
    /* Curl shares connections and TLS sessions between handles whose settings are equal, and knows
     * nothing of ours. The list of curves is compared for both, and BearSSL's backend does not read
     * it: so it carries a text that is different where our settings are. */
    snprintf(mark, sizeof mark, "trust=%s,identity=%s,name=" STR_FMT,
             config->insecure ? "none" : config->trust->mark,
             config->identity ? config->identity->mark : "none", STR_ARG(session->host));
    return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_EC_CURVES, mark) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, session) == CURLE_OK;
}

/* -- in words */

/* RFC 5246 7.2.2, RFC 8446 6. */
static const char *alert_name(unsigned alert)
{
    static const struct {
        unsigned number;
        const char *name;
    } names[] = {
        {40, "handshake_failure"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {112, "unrecognized_name"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].number == alert)
            return names[i].name;
    return "of another kind";
}

static str alert_reason(const struct tls_session *session, unsigned alert, struct arena *out)
{
    const char *hint = "";
    bool identity = session->config->identity;
    if (alert == BR_ALERT_PROTOCOL_VERSION)
        hint = ": it does not speak TLS 1.2, the only version of this program (TLS 1.3 alone is "
               "not enough)";
    else if ((alert >= 42 && alert <= 46) || alert == 48 || alert == 49 || alert == 116)
        hint = identity ? ": it does not accept our client certificate"
                        : ": it may want a client certificate, and none is configured";
    else if (alert == BR_ALERT_HANDSHAKE_FAILURE)
        hint = identity ? ": no cipher suite in common, or our client certificate is not accepted"
                        : ": no cipher suite in common, or it wants a client certificate";
    return str_printf(out, "the server refused the TLS handshake with alert %u, %s%s", alert,
                      alert_name(alert), hint);
}

static str engine_reason(const struct tls_session *session, unsigned error, struct arena *out)
{
    if (error >= BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_RECV_FATAL_ALERT + 256)
        return alert_reason(session, error - BR_ERR_RECV_FATAL_ALERT, out);
    switch (error) {
    case BR_ERR_UNSUPPORTED_VERSION:
    case BR_ERR_BAD_VERSION:
    case BR_ERR_UNKNOWN_TYPE:
    case BR_ERR_TOO_LARGE:
    case BR_ERR_BAD_LENGTH:
        return str_printf(
            out,
            "what the server answers is not TLS 1.2: is this its https port? (BearSSL's "
            "error %u)",
            error);
    case BR_ERR_NO_RANDOM:
        return STR("the kernel gives no random numbers");
    default:
        return str_printf(out, "the TLS handshake failed (BearSSL's error %u)", error);
    }
}

/* Curl passes the engine's error on as a text alone; -1 where this is not it. */
static int engine_error(const char *curl_text)
{
    static const char prefix[] = "BearSSL: connection error 0x", digits[] = "0123456789abcdef";
    str number = str_of(curl_text);
    if (!str_starts(number, str_of(prefix)))
        return -1;
    int error = 0;
    for (number = str_skip(number, sizeof prefix - 1); number.n; number = str_skip(number, 1)) {
        ptrdiff_t digit = str_find_char(str_of(digits), number.p[0]);
        if (digit < 0 || error > 0xffff)
            return -1;
        error = error * 16 + (int)digit;
    }
    return error;
}

str tls_curl_reason(const struct tls_session *session, const char *curl_text, struct arena *out)
{
    str reason = session->check ? tls_check_reason(session->check, out) : (str){0};
    if (reason.n)
        return str_printf(out, "the server's identity cannot be verified: " STR_FMT,
                          STR_ARG(reason));
    int error = engine_error(curl_text);
    if (error >= 0)
        return engine_reason(session, (unsigned)error, out);
    return str_printf(out, "the TLS handshake failed: %s", curl_text);
}
