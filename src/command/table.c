/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

static const struct argument_syntax none;

const struct command command_table[] = {
    {.words = "version",
     .of_prefect = true,
     .summary = "print the version",
     .syntax = &none,
     .run = command_version},
    {0},
};
