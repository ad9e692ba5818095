/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_NUMBER_H
#define FORMAT_NUMBER_H

/* Numbers as Python prints them, for the readers and writers of this folder. */

#include "base/arena.h"
#include "base/str.h"

#define NUMBER_REPR_MAX 32

/* repr(value) of Python: the shortest digits that read back as the same double, "1.0", "1e+16",
 * "1e-05". `value` is finite. Terminated; gives the length. */
size_t number_repr(char memory[NUMBER_REPR_MAX], double value);

/* Digits of `base` (2 to 16), or decimal groups with colons between them where it is 60. False for
 * more than 127 bits or no digits at all; the digits themselves are not checked. */
bool number_from_digits(str digits, int base, unsigned __int128 *out);
/* In decimal; p == NULL when `out` is full. */
str number_decimal(struct arena *out, unsigned __int128 value, bool negative);

#endif
