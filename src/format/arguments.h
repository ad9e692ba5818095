/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_ARGUMENTS_H
#define FORMAT_ARGUMENTS_H

/*
 * Command lines: one table of options gives the parser and the help. The syntax is the one that
 * `prefect` takes: --name VALUE, --name=VALUE, -nVALUE, -n VALUE, -n=VALUE, --flag, --no-flag,
 * --flag=false, an underscore for a dash in a long name, -- before operands. A value that begins
 * with a dash needs the `=` form, unless it is a number. An option is given once, lists as often
 * as wanted; --empty-LIST is the empty list.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum argument_type {
    ARGUMENT_FLAG, /* --flag, --no-flag, --flag=true */
    ARGUMENT_TEXT,
    ARGUMENT_LIST,    /* repeatable text */
    ARGUMENT_INTEGER, /* 5, 1_000, 0x10, 2.0; a fraction is rounded, half to even */
    ARGUMENT_CHOICE,  /* one of `choices`; case and underscores do not matter */
    ARGUMENT_SIZE,    /* bytes as a Kubernetes quantity: 8Mi */
};

struct argument_option {
    const char *name; /* long name without dashes */
    char letter;      /* short name; 0 for none */
    enum argument_type type;
    const char *value;   /* what the help calls the value, e.g. "NAME"; NULL for a flag */
    const char *choices; /* "always|never"; NULL unless ARGUMENT_CHOICE */
    const char *help;    /* one sentence without its full stop */
};

struct argument_value {
    bool given;
    bool on;        /* flag */
    int64_t number; /* integer, size */
    str text;       /* text; a choice as it is written in the table */
    const str *list;
    size_t count;
};

struct argument_syntax {
    const struct argument_option *options;
    size_t option_count;
    const char *operands; /* what the help calls them; NULL: none are taken */
    size_t operands_max;
};

struct arguments {
    struct argument_value *values; /* in the order of syntax->options */
    const str *operands;
    size_t operand_count;
};

/* Parses argv[0..argc). Views refer to argv, lists live in `out`. ERR_INVALID says what is wrong
 * with which argument and what is meant, perhaps. */
enum err_kind arguments_parse(struct arena *out, const struct argument_syntax *syntax, int argc,
                              char *const *argv, struct arguments *arguments,
                              struct err *e) MUST_CHECK;

/* --help or -h stands somewhere before --. */
bool arguments_want_help(int argc, char *const *argv);
/* One entry an option, folded at 80 columns. */
void arguments_help(struct buf *out, const struct argument_syntax *syntax);
/* The index of the name that is nearest to `word`, or -1 when none is near: for "did you mean". */
ptrdiff_t arguments_nearest(str word, const str *names, size_t count);

/* true/t/yes/y/1 and false/f/no/n/0 in any case. */
bool argument_flag_parse(str text, bool *out);

#endif
