/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_HELP_H
#define COMMAND_HELP_H

/* What --help prints, made from the table of commands and the tables of their options. */

#include "command/command.h"

/* The commands, of `group` alone unless it is empty, and the program's own options. Returns EXIT_OK
 * for main to return. */
int help_program(const struct command_context *context, const struct argument_syntax *own,
                 const char *group);
int help_command(const struct command_context *context, const struct command *command);

#endif
