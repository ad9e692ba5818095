/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_NUMBER_H
#define FORMAT_NUMBER_H

/* Floating point numbers as Python prints them, for the writers of this folder. */

#include "base/str.h"

#define NUMBER_REPR_MAX 32

/* repr(value) of Python: the shortest digits that read back as the same double, "1.0", "1e+16",
 * "1e-05". `value` is finite. Terminated; gives the length. */
size_t number_repr(char out[NUMBER_REPR_MAX], double value);

#endif
