/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_TREE_NUMBER_H
#define FORMAT_TREE_NUMBER_H

/* Number literals of JSON as values: for the tree and its writers. Integers are exact at any
 * length; everything else is a double, as for Python's json module. */

#include "base/buf.h"

bool tree_number_is_integer(str literal);
/* The double; false when it is too large for one. */
bool tree_number_f64(str literal, double *out);
/* Same value: 1 equals 1.0 and 10e-1. */
bool tree_number_eq(str a, str b);
/* As json.dumps(json.loads(literal)): integers as they are, 1e2 as 100.0, -0 as 0. */
void tree_number_write(struct buf *out, str literal);

#endif
