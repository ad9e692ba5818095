/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_JSON_CHECK_H
#define FORMAT_JSON_CHECK_H

/*
 * Is a text JSON? The grammar of RFC 8259 to the letter, valid UTF-8 and a capped depth, in one
 * pass without memory. For json.c, which tokenises only what has passed.
 */

#include "base/err.h"

/* ERR_INVALID names line, column and byte offset, ERR_LIMIT the depth or the size. `*tokens` gets
 * the number of values and keys. */
enum err_kind json_check(str text, size_t *tokens, struct err *e) MUST_CHECK;

/* Is the whole of `text` one JSON number? */
bool json_is_number(str text);

#endif
