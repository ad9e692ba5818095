/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_DOTENV_H
#define FORMAT_DOTENV_H

/*
 * A `.env` file into an object of strings, with the syntax of python-dotenv: `export` in front,
 * comments, quotes with escapes, values over several lines in quotes, ${NAME} and ${NAME:-default}.
 * A name without = is null. What that library skips with a warning is an error here.
 */

#include "format/tree.h"

/* The environment's value of a name; p == NULL where it is not set. */
typedef str dotenv_environ_fn(void *ctx, str name);

/* ${NAME} is looked up among the lines above, then in the environment (`environ_value` may be
 * NULL). ERR_INVALID names the line ("line 3: ..."); ERR_LIMIT where a value grows beyond
 * DOTENV_VALUE_MAX. The later of two lines with the same name counts. What needs no copy is a view
 * of `text`. */
enum err_kind dotenv_parse(struct arena *out, str text, dotenv_environ_fn *environ_value, void *ctx,
                           struct tree **tree, struct err *e) MUST_CHECK;

#endif
