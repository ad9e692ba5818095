/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

/*
 * The command line as a whole: the name that the program was called by, the options in front of the
 * command, the command. One file a command; table.c lists them. A command gets its own arguments
 * unparsed and returns the exit code. `--help` and usage are answered here, from its syntax.
 */

#include "base/base.h"
#include "format/arguments.h"

#define EXIT_OK 0
#define EXIT_FAILED 1 /* a setting, a file, an API: what was asked for can't be done */
#define EXIT_USAGE 2  /* the command line itself is wrong */

struct command_context {
    const char *called;       /* "prefect", "prefect-k8s-worker" */
    const char *words;        /* "worker start", for messages and usage */
    char *const *environment; /* NAME=value ..., NULL at the end */
    const char *profile;      /* --profile; NULL without */
    int prompt;               /* --prompt 1, --no-prompt 0, neither -1 */
};

typedef int command_fn(const struct command_context *context, int argc, char *const *argv);

struct command {
    const char *words;   /* "worker start" */
    const char *alias;   /* "start": not when called as `prefect`; NULL */
    bool of_prefect;     /* also when called as `prefect` */
    bool hidden;         /* not in the help */
    const char *summary; /* one sentence without its full stop */
    const struct argument_syntax *syntax;
    command_fn *run;
};

/* Ends with the entry whose words are NULL. */
extern const struct command command_table[];

/* argv as main() got it; returns the exit code. */
int command_main(int argc, char *const *argv, char *const *environment);

/* "called words: text" on standard error, one line. Returns `exit_code`. */
int command_fail(const struct command_context *context, int exit_code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The exit code of a failed config_load() or arguments_parse(), with its line. */
int command_refuse(const struct command_context *context, enum err_kind kind, const struct err *e);
/* Whether a person can be asked: --prompt, else PREFECT_CLI_PROMPT (set: 1 or 0, unset: -1), else
 * a terminal on both ends. */
bool command_interactive(const struct command_context *context, int setting);

command_fn command_reconcile;
command_fn command_render;
command_fn command_start;
command_fn command_template;
command_fn command_template_check;
command_fn command_version;
command_fn command_why;

/* The options of commands that have some, for the table. */
extern const struct argument_syntax command_render_syntax, command_template_syntax,
    command_template_check_syntax, command_why_syntax, command_reconcile_syntax;

#endif
