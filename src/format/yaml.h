/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_YAML_H
#define FORMAT_YAML_H

/*
 * YAML into a tree, by libyaml: kubeconfig files and templates. Plain scalars are resolved as
 * PyYAML's safe loader does (YAML 1.1: yes/no, octal 0o is text, sexagesimal, .inf ...; timestamps
 * stay text). Anchors, aliases and merge keys are expanded under a cap (limits.h), tags beyond the
 * core ones are refused, and so are .inf and .nan, which a tree cannot hold. Keys that are no text
 * become what Python's json module makes of them: "1", "true", "null". Of two members with the same
 * key the later counts. One document only. libyaml's memory is the counted heap's.
 */

#include "format/tree.h"

/* ERR_INVALID names line and column, ERR_LIMIT the cap. Text is copied where it has to be. */
enum err_kind yaml_parse(struct arena *out, str text, struct tree **tree, struct err *e) MUST_CHECK;

#endif
