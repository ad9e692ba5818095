/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_SLUG_H
#define FORMAT_SLUG_H

/*
 * Names and labels that Kubernetes accepts out of any text, equal to what the Python worker makes
 * of it: characters are decomposed (NFKD) and written in ASCII (slug_table.h), HTML entities are
 * decoded, what is not allowed becomes a dash, runs of dashes one dash, none at the ends.
 *
 * Results live in `out` (or are the text itself); p == NULL: `out` or `scratch` is full.
 */

#include "base/arena.h"
#include "base/str.h"

/* A character of n bytes is spelled with less than 6 n (U+FDFA: 17 for 3 bytes). */
#define SLUG_CAP(n) ((n)*8 + 64)
/* What `scratch` must hold for a text of n bytes. */
#define SLUG_SCRATCH(n) (2 * SLUG_CAP(n))

/* For metadata.name: lower case, [a-z0-9-], at most 45 bytes. May be empty. */
str slug_name(struct arena *out, struct arena scratch, str text);
/* Label or annotation key: the name after the first '/' 63 bytes of [A-Za-z0-9-_.], the prefix
 * before it 253 of [A-Za-z0-9-.]. A part that nothing is left of stays as it was, so that
 * Kubernetes can refuse it. */
str slug_label_key(struct arena *out, struct arena scratch, str text);
/* Label value: at most 63 bytes of [A-Za-z0-9-_.]; unchanged where nothing is left. */
str slug_label_value(struct arena *out, struct arena scratch, str text);
/* Without a cap: lower case, [a-z0-9-]. For resource ids. May be empty. */
str slug_plain(struct arena *out, struct arena scratch, str text);

#endif
