/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_SHLEX_H
#define FORMAT_SHLEX_H

/* A command line into words by the quoting rules of the POSIX shell, without expansions and
 * without comments: what Python's shlex.split() does. */

#include "format/tree.h"

/* An array of strings in `out`. ERR_INVALID: a quotation or a backslash that nothing follows. */
enum err_kind shlex_split(struct arena *out, str text, struct tree **words,
                          struct err *e) MUST_CHECK;

#endif
