/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_SLUG_TABLE_H
#define FORMAT_SLUG_TABLE_H

/* Characters for slug.c: Unicode's compatibility decomposition and the spelling in ASCII. */

#include "base/base.h"

#define SLUG_DECOMPOSITION_MAX 18 /* U+FDFA has the longest */
#define SLUG_SPELLING_MAX 16      /* bytes of the longest spelling */

/* NFKD of one character, applied to the end. Gives the number of characters; 0: it stays itself. */
size_t slug_decompose(uint32_t c, uint32_t out[SLUG_DECOMPOSITION_MAX]);
/* Canonical combining class, 0 for what does not combine. */
uint8_t slug_combining_class(uint32_t c);
/* The spelling of a decomposed character in ASCII; gives its length, 0 for none. */
size_t slug_spell(uint32_t c, char out[SLUG_SPELLING_MAX]);

#endif
