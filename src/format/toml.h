/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_TOML_H
#define FORMAT_TOML_H

/*
 * TOML 1.0 into a tree: profiles, prefect.toml, pyproject.toml. Tables are objects; integers are
 * exact; dates and times stay text as written; inf and nan, which a tree cannot hold as numbers,
 * become the text "inf", "-inf" or "nan". Tables and values that are defined twice are refused, by
 * the same rules as Python's tomllib.
 */

#include "format/tree.h"

/* ERR_INVALID names line and column, ERR_LIMIT the depth or memory. What needs no copy is a view
 * of `text`. Each value has its line. */
enum err_kind toml_parse(struct arena *out, str text, struct tree **tree, struct err *e) MUST_CHECK;

#endif
