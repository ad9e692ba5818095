/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_SLUG_ENTITIES_H
#define FORMAT_SLUG_ENTITIES_H

/* HTML entities for slug.c: the 252 names of HTML 4, decimal and hexadecimal references. */

#include "base/buf.h"

/* Copies `text` with "&name;" decoded. */
void slug_entities_named(struct buf *out, str text);
/* Copies `text` with "&#65;" (base 10) or "&#x41;" (base 16) decoded: all of them or, where one is
 * no character, none. */
void slug_entities_numeric(struct buf *out, str text, int base);

#endif
