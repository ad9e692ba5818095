/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include <string.h>

#include <bearssl_hash.h>

#include "base/random.h"
#include "base/time.h"

const struct uuid uuid_namespace_url = {{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4,
                                         0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

static void mark(struct uuid *u, int version)
{
    u->bytes[6] = (uint8_t)((u->bytes[6] & 0x0f) | version << 4);
    u->bytes[8] = (uint8_t)((u->bytes[8] & 0x3f) | 0x80);
}

struct uuid uuid_v4(void)
{
    struct uuid u;
    random_fill(u.bytes, sizeof u.bytes);
    mark(&u, 4);
    return u;
}

struct uuid uuid_v7(void)
{
    struct uuid u = uuid_v4();
    uint64_t ms = (uint64_t)(time_now_us() / 1000);
    for (int i = 0; i < 6; i++)
        u.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    mark(&u, 7);
    return u;
}

struct uuid uuid_v5(const struct uuid *name_space, str name)
{
    uint8_t digest[br_sha1_SIZE];
    br_sha1_context c;
    br_sha1_init(&c);
    br_sha1_update(&c, name_space->bytes, sizeof name_space->bytes);
    br_sha1_update(&c, name.p, name.n);
    br_sha1_out(&c, digest);
    struct uuid u;
    memcpy(u.bytes, digest, sizeof u.bytes);
    mark(&u, 5);
    return u;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(str text, struct uuid *out)
{
    if (text.n != UUID_TEXT_LEN)
        return false;
    struct uuid u = {{0}};
    size_t nibble = 0;
    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        if (is_dash(i)) {
            if (text.p[i] != '-')
                return false;
            continue;
        }
        int value = hex_value(text.p[i]);
        if (value < 0)
            return false;
        u.bytes[nibble / 2] = (uint8_t)(u.bytes[nibble / 2] | value << (nibble % 2 ? 0 : 4));
        nibble++;
    }
    *out = u;
    return true;
}

str uuid_format(const struct uuid *u, char out[UUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t nibble = 0;
    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        if (is_dash(i)) {
            out[i] = '-';
            continue;
        }
        uint8_t byte = u->bytes[nibble / 2];
        out[i] = digits[nibble % 2 ? byte & 15 : byte >> 4];
        nibble++;
    }
    out[UUID_TEXT_LEN] = '\0';
    return (str){out, UUID_TEXT_LEN};
}

bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool uuid_is_nil(const struct uuid *u)
{
    static const struct uuid nil;
    return uuid_eq(u, &nil);
}
