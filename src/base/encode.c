/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <string.h>

#include <bearssl_hash.h>

#include "base/arena.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

void base64_encode(struct buf *out, str bytes)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t group = 0;
        size_t have = bytes.n - i < 3 ? bytes.n - i : 3;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (uint8_t)bytes.p[i + k] : 0);
        char quad[4];
        for (size_t k = 0; k < 4; k++)
            quad[k] = k <= have ? alphabet[group >> (18 - 6 * k) & 63] : '=';
        buf_put(out, (str){quad, sizeof quad});
    }
}

static int sextet(char c)
{
    if (c == '-')
        c = '+';
    if (c == '_')
        c = '/';
    const char *at = c ? memchr(alphabet, c, 64) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

enum err_kind base64_decode(struct arena *out, str text, str *bytes, struct err *e)
{
    char *p = arena_bytes(out, text.n / 4 * 3 + 4);
    if (!p)
        return err_set(e, ERR_LIMIT, "base64 text of %zu bytes is too large", text.n);
    size_t n = 0, sextets = 0;
    uint32_t group = 0;
    bool padded = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        if (c == '=') {
            padded = true;
            continue;
        }
        int value = sextet(c);
        if (value < 0 || padded)
            return err_set(e, ERR_INVALID, "not base64: unexpected byte at offset %zu", i);
        group = group << 6 | (uint32_t)value;
        if (++sextets % 4 == 0) {
            p[n++] = (char)(group >> 16);
            p[n++] = (char)(group >> 8);
            p[n++] = (char)group;
        }
    }
    if (sextets % 4 == 1)
        return err_set(e, ERR_INVALID, "not base64: the text is cut");
    if (sextets % 4 == 2)
        p[n++] = (char)(group >> 4);
    if (sextets % 4 == 3) {
        p[n++] = (char)(group >> 10);
        p[n++] = (char)(group >> 2);
    }
    *bytes = (str){p, n};
    return ERR_NONE;
}

void hex_encode(struct buf *out, str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t byte = (uint8_t)bytes.p[i];
        buf_byte(out, digits[byte >> 4]);
        buf_byte(out, digits[byte & 15]);
    }
}

void percent_encode(struct buf *out, str text, str also_safe)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool safe = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    str_find_char(STR("-._~"), c) >= 0 || str_find_char(also_safe, c) >= 0;
        if (safe)
            buf_byte(out, c);
        else
            buf_put(out, (str){(char[]){'%', upper[(uint8_t)c >> 4], upper[c & 15]}, 3});
    }
}

void sha256(str bytes, uint8_t out[32])
{
    br_sha256_context c;
    br_sha256_init(&c);
    br_sha256_update(&c, bytes.p, bytes.n);
    br_sha256_out(&c, out);
}

void sha256_hex(str bytes, char out[65])
{
    uint8_t digest[32];
    sha256(bytes, digest);
    struct buf b = buf_over(out, 64);
    hex_encode(&b, (str){(const char *)digest, sizeof digest});
    out[64] = '\0';
}
