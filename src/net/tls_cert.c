/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_cert.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "base/time.h"
#include "net/url.h"

enum {
    BOOLEAN = 0x01,
    INTEGER = 0x02,
    OCTETS = 0x04,
    OID = 0x06,
    UTC_TIME = 0x17,
    SEQUENCE = 0x30,
    SET = 0x31,
    EXPLICIT_0 = 0xa0,
    EXPLICIT_3 = 0xa3,
    NAME_DNS = 0x82, /* GeneralName [2] */
    NAME_IP = 0x87,  /* GeneralName [7] */
};

/* -- DER: a tag, a length, as many bytes (X.690 8.1, 10.1) */

/* Takes the next element off *in. */
static bool next(str *in, uint8_t *tag, str *value)
{
    if (in->n < 2)
        return false;
    const uint8_t *p = (const uint8_t *)in->p;
    size_t head = 2, n = p[1];
    if ((p[0] & 0x1f) == 0x1f)
        return false; /* a tag of several bytes: certificates have none */
    if (n >= 0x80) {
        size_t digits = n - 0x80;
        if (digits == 0 || digits > 3 || in->n < 2 + digits)
            return false;
        n = 0;
        for (size_t i = 0; i < digits; i++)
            n = n << 8 | p[2 + i];
        head += digits;
    }
    if (in->n - head < n)
        return false;
    *tag = p[0];
    *value = str_sub(*in, head, head + n);
    *in = str_skip(*in, head + n);
    return true;
}

/* As next(), for an element that must have this tag. */
static bool take(str *in, uint8_t tag, str *value)
{
    str rest = *in;
    uint8_t got;
    if (!next(&rest, &got, value) || got != tag)
        return false;
    *in = rest;
    return true;
}

/* -- names and dates */

static str attribute(str name, str oid)
{
    str set, pair, type, value;
    uint8_t tag;
    while (take(&name, SET, &set))
        while (take(&set, SEQUENCE, &pair))
            if (take(&pair, OID, &type) && str_eq(type, oid) && next(&pair, &tag, &value))
                return value;
    return (str){0};
}

static str distinguished(str name)
{
    str common = attribute(name, STR("\x55\x04\x03")); /* 2.5.4.3, commonName */
    return common.n ? common
                    : attribute(name, STR("\x55\x04\x0a")); /* 2.5.4.10, organizationName */
}

/* UTCTime YYMMDDHHMMSSZ, GeneralizedTime YYYYMMDDHHMMSSZ (RFC 5280 4.1.2.5). */
static bool read_time(str *in, int64_t *out_us)
{
    uint8_t tag;
    str t;
    char text[32];
    if (!next(in, &tag, &t) || t.n != (tag == UTC_TIME ? 13u : 15u))
        return false;
    struct buf b = buf_over(text, sizeof text);
    if (tag == UTC_TIME)
        buf_cstr(&b, t.p[0] >= '5' ? "19" : "20");
    size_t year = tag == UTC_TIME ? 2 : 4;
    buf_put(&b, str_sub(t, 0, year));
    for (size_t i = 0; i < 5; i++) {
        buf_byte(&b, "--T::"[i]);
        buf_put(&b, str_sub(t, year + 2 * i, year + 2 * i + 2));
    }
    return t.p[t.n - 1] == 'Z' && time_parse_rfc3339(buf_str(&b), out_us);
}

/* -- the certificate */

static bool read_usage(str value, struct tls_cert *out)
{
    str list, oid;
    if (!take(&value, SEQUENCE, &list))
        return false;
    out->has_usage = true;
    while (take(&list, OID, &oid))
        if (str_eq(oid, STR("\x2b\x06\x01\x05\x05\x07\x03\x01")) || /* serverAuth */
            str_eq(oid, STR("\x55\x1d\x25\x00")))                   /* anyExtendedKeyUsage */
            out->for_server = true;
    return list.n == 0;
}

static bool read_extensions(str in, struct tls_cert *out)
{
    str all, one, oid, flag, value;
    if (!take(&in, SEQUENCE, &all))
        return false;
    while (all.n) {
        if (!take(&all, SEQUENCE, &one) || !take(&one, OID, &oid))
            return false;
        take(&one, BOOLEAN, &flag); /* critical: BearSSL minds it */
        if (!take(&one, OCTETS, &value))
            return false;
        if (str_eq(oid, STR("\x55\x1d\x11")) && !take(&value, SEQUENCE, &out->alt_names))
            return false;
        if (str_eq(oid, STR("\x55\x1d\x25")) && !read_usage(value, out))
            return false;
    }
    return true;
}

bool tls_cert_read(str der, struct tls_cert *out)
{
    *out = (struct tls_cert){0};
    str cert, tbs, skipped, issuer, subject, validity, extensions;
    if (!take(&der, SEQUENCE, &cert) || !take(&cert, SEQUENCE, &tbs))
        return false;
    take(&tbs, EXPLICIT_0, &skipped); /* version */
    if (!take(&tbs, INTEGER, &skipped) || !take(&tbs, SEQUENCE, &skipped) ||
        !take(&tbs, SEQUENCE, &issuer) || !take(&tbs, SEQUENCE, &validity) ||
        !take(&tbs, SEQUENCE, &subject) || !take(&tbs, SEQUENCE, &skipped) ||
        !read_time(&validity, &out->not_before_us) || !read_time(&validity, &out->not_after_us))
        return false;
    out->issuer = distinguished(issuer);
    out->subject = distinguished(subject);
    uint8_t tag;
    while (tbs.n) {
        if (!next(&tbs, &tag, &extensions))
            return false;
        if (tag == EXPLICIT_3 && !read_extensions(extensions, out))
            return false;
    }
    return true;
}

/* -- names of the server */

static bool dns_covers(str pattern, str host)
{
    if (str_eq_nocase(pattern, host))
        return true;
    if (!str_starts(pattern, STR("*.")))
        return false;
    str below = str_skip(pattern, 1);
    ptrdiff_t dot = str_find_char(host, '.');
    /* "*" is one whole label, and "*.com" covers nothing. */
    return dot > 0 && str_find_char(str_skip(below, 1), '.') > 0 &&
           str_eq_nocase(str_skip(host, (size_t)dot), below);
}

bool tls_cert_covers(const struct tls_cert *cert, str host)
{
    uint8_t tag, address[16];
    size_t size = url_address(host, address);
    str names = cert->alt_names, name;
    if (str_ends(host, STR(".")))
        host.n--;
    while (next(&names, &tag, &name)) {
        if (size && tag == NAME_IP && str_eq(name, (str){(const char *)address, size}))
            return true;
        if (!size && host.n && tag == NAME_DNS && dns_covers(name, host))
            return true;
    }
    return false;
}

static void put_name(struct buf *b, uint8_t tag, str name)
{
    char text[INET6_ADDRSTRLEN];
    if (tag == NAME_IP) {
        if (name.n == 4 || name.n == 16)
            buf_cstr(b, inet_ntop(name.n == 4 ? AF_INET : AF_INET6, name.p, text, sizeof text));
        return;
    }
    for (size_t i = 0; i < name.n; i++)
        buf_byte(b, name.p[i] > ' ' && name.p[i] < 0x7f ? name.p[i] : '?');
}

str tls_cert_names(const struct tls_cert *cert, char *out, size_t size)
{
    struct buf b = buf_over(out, size);
    str names = cert->alt_names, name;
    uint8_t tag;
    size_t whole = 0, left = 0;
    while (next(&names, &tag, &name)) {
        if (tag != NAME_DNS && tag != NAME_IP)
            continue;
        buf_cstr(&b, b.n ? ", " : "");
        put_name(&b, tag, name);
        if (b.full)
            left++;
        else
            whole = b.n;
    }
    b.n = whole;
    b.full = false;
    if (left)
        buf_put(&b, STR(", ..."));
    return buf_str(&b);
}
