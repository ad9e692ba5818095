/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

/* Small files read whole: configuration, tokens, certificates. */

#include "base/err.h"

/* Reads all of `path` into `out`. ERR_MISSING where it is not there, ERR_FORBIDDEN without
 * permission, ERR_LIMIT above `cap` bytes, ERR_INVALID for anything else (a folder, an I/O error).
 * The text names the path. */
enum err_kind file_read(struct arena *out, const char *path, size_t cap, str *text,
                        struct err *e) MUST_CHECK;
bool file_exists(const char *path);

#endif
