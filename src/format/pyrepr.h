/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_PYREPR_H
#define FORMAT_PYREPR_H

/*
 * JSON values as Python prints them once json.loads has read them: a template that embeds a value
 * in text gets str(value) of the Python worker. Also the rule by which int() reads text.
 */

#include "format/tree.h"

/* str(value): strings as they are, everything else as repr(). Shows in `out->full` when cut. */
void pyrepr_str(struct buf *out, const struct tree *value);
/* repr(value): strings quoted, None, True, 1.5, 1e+16, [..], {..}. */
void pyrepr_repr(struct buf *out, const struct tree *value);
void pyrepr_quoted(struct buf *out, str text); /* repr() of a string */

/* A number literal of JSON is an int to Python unless it has a fraction or an exponent. */
bool pyrepr_is_float(str literal);
/* bool(value): false for null, false, zero, and what is empty. */
bool pyrepr_is_true(const struct tree *value);
/* Python's name of the type, for sentences: "str", "dict", "NoneType" ... */
const char *pyrepr_type(const struct tree *value);

/* int(text): blanks around it, a sign, digits of any script with single underscores between them.
 * False where Python raises ValueError. A number beyond the range becomes INT64_MIN or _MAX. */
bool pyrepr_int(str text, int64_t *out);

#endif
