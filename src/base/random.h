/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

/* Randomness of the kernel: getrandom(2). */

#include "base/base.h"

void random_fill(void *out, size_t n);
/* Uniform in [0, 1). */
double random_unit(void);

#endif
