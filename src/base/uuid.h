/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

/* UUIDs of RFC 9562. */

#include "base/str.h"

#define UUID_TEXT_LEN 36

struct uuid {
    uint8_t bytes[16];
};

/* RFC 9562, 6.6: the namespace for URLs. */
extern const struct uuid uuid_namespace_url;

struct uuid uuid_v4(void);
struct uuid uuid_v7(void);
struct uuid uuid_v5(const struct uuid *name_space, str name);

/* 8-4-4-4-12 with hex digits of either case; false for anything else. */
bool uuid_parse(str text, struct uuid *out);
/* Lower case, terminated. */
str uuid_format(const struct uuid *u, char out[UUID_TEXT_LEN + 1]);
bool uuid_eq(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *u);

#endif
