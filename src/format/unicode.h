/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_UNICODE_H
#define FORMAT_UNICODE_H

/* Classes of characters as Python 3.11 knows them (Unicode 14), for template.c and pyrepr.c. The
 * tables are made by tools/unicode-tables. */

#include "base/base.h"

bool unicode_is_word(uint32_t c);      /* \w of Python's re */
bool unicode_is_space(uint32_t c);     /* \s of Python's re, str.isspace() */
bool unicode_is_printable(uint32_t c); /* str.isprintable() */
/* Value of a decimal digit of any script, as int() reads it; -1 for anything else. */
int unicode_digit(uint32_t c);

/* unicode_table.c: distances between the code points at which the answer changes, from "no",
 * seven bits a byte, most significant first, the high bit on all but the last. */
extern const uint8_t unicode_words[], unicode_printable[];
extern const size_t unicode_words_size, unicode_printable_size;
extern const uint32_t unicode_zeros[];
extern const size_t unicode_zeros_count;

#endif
