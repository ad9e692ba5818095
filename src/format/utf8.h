/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_UTF8_H
#define FORMAT_UTF8_H

/* UTF-8 (RFC 3629) for the readers and writers of this folder: no surrogates, no overlong forms. */

#include "base/str.h"

#define UTF8_BAD UINT32_MAX
#define UTF8_REPLACEMENT ((uint32_t)0xFFFD)

/* The character at the start of `s`, which is not empty, and its length in bytes. UTF8_BAD and 1
 * where the bytes are none. */
uint32_t utf8_first(str s, size_t *length);
/* Encodes a character; gives the length (0 for a surrogate or a number beyond U+10FFFF). */
size_t utf8_encode(char out[4], uint32_t character);
/* Offset of the first byte that breaks the encoding, or -1. */
ptrdiff_t utf8_find_bad(str s);

#endif
