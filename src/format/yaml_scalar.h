/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_YAML_SCALAR_H
#define FORMAT_YAML_SCALAR_H

/*
 * What a plain scalar means: the implicit types of YAML 1.1 in the patterns of PyYAML's safe loader
 * (null, yes/no, 0x1F, 017, 0b1, 1_000, 1:30, 1.5e+3, .inf). For the reader, and for the writer,
 * which quotes what would be read as another type. Timestamps, << and = count as text here.
 */

#include "base/arena.h"
#include "base/err.h"

enum yaml_scalar { YAML_TEXT, YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT };

enum yaml_scalar yaml_scalar_type(str plain);

/* The value of a bool in any case of letters; false when it is none. */
bool yaml_scalar_bool(str text, bool *out);
/* The JSON literal of a scalar that yaml_scalar_type calls YAML_INT or YAML_FLOAT. ERR_INVALID
 * for what JSON cannot hold (.inf, .nan) and for an octal, hexadecimal, binary or sexagesimal
 * number of more than 127 bits. */
enum err_kind yaml_scalar_number(struct arena *out, str text, str *literal,
                                 struct err *e) MUST_CHECK;

#endif
