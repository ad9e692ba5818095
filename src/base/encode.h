/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

/* Bytes as text: base64 (RFC 4648), lower-case hex, percent-encoding (RFC 3986). */

#include "base/buf.h"
#include "base/err.h"

/* Standard alphabet with padding. */
void base64_encode(struct buf *out, str bytes);
/* Standard or URL alphabet, padding optional, line breaks and blanks skipped. ERR_INVALID, or
 * ERR_LIMIT where `out` is full. */
enum err_kind base64_decode(struct arena *out, str text, str *bytes, struct err *e) MUST_CHECK;

void hex_encode(struct buf *out, str bytes);

/* Keeps RFC 3986's unreserved characters and those in `also_safe`. */
void percent_encode(struct buf *out, str text, str also_safe);

/* Lower-case SHA-256 of `bytes` in hex, terminated: 64 digits. */
void sha256_hex(str bytes, char out[65]);
void sha256(str bytes, uint8_t out[32]);

#endif
