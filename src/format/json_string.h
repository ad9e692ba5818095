/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_JSON_STRING_H
#define FORMAT_JSON_STRING_H

/* The escapes of a JSON string that has passed json_check; `raw` is what stands between the
 * quotes. Lone surrogates become U+FFFD. For json.c and json_stream.c. */

#include "base/arena.h"
#include "base/str.h"

/* A view of `raw` where it has no escapes, else a copy in `out`; p == NULL when that is full. */
str json_string_decode(struct arena *out, str raw);
/* Compares decoded, without memory. */
bool json_string_is(str raw, str expected);

#endif
