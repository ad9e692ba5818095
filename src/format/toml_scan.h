/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_TOML_SCAN_H
#define FORMAT_TOML_SCAN_H

/* The place in a TOML text and the pieces without structure that are read there: blanks, comments,
 * strings, numbers, dates. For toml.c alone. */

#include "format/tree.h"

struct toml_scan {
    struct arena *out;
    struct err *e;
    const char *p, *end;
    const char *counted; /* lines are counted up to here */
    const char *line_from;
    uint32_t line; /* 1-based, of `counted` */
};

/* Line of the place; cheap, as it only counts on. */
uint32_t toml_line(struct toml_scan *s);
/* ERR_INVALID at the place. */
enum err_kind toml_refuse(struct toml_scan *s, const char *wrong);
enum err_kind toml_no_room(struct toml_scan *s);

/* Does this stand here? Takes it then. */
bool toml_take(struct toml_scan *s, const char *word);
bool toml_at(const struct toml_scan *s, char c);
/* Blanks and tabs. */
void toml_skip_blanks(struct toml_scan *s);
/* Blanks, a comment if there is one, then the end of the line or of the text. */
enum err_kind toml_end_line(struct toml_scan *s) MUST_CHECK;
/* Blanks, line breaks and comments. */
enum err_kind toml_skip_lines(struct toml_scan *s) MUST_CHECK;

/* A string in any of its four forms, or in one of the two of a single line. */
enum err_kind toml_string(struct toml_scan *s, bool long_forms, str *text) MUST_CHECK;
/* A number, truth value, date or time, into a new node. */
enum err_kind toml_scalar(struct toml_scan *s, struct tree **v) MUST_CHECK;

#endif
