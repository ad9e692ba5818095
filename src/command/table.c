/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"
#include "worker/config.h"

static const struct argument_syntax none;

const struct command command_table[] = {
    {.words = "worker start",
     .alias = "start",
     .of_prefect = true,
     .summary = "start a worker that runs a work pool's flow runs as Kubernetes Jobs",
     .syntax = &config_syntax,
     .run = command_start},
    {.words = "render",
     .summary = "print the Job that the worker would create for a flow run, creating nothing",
     .syntax = &command_render_syntax,
     .run = command_render},
    {.words = "why",
     .summary = "say in one paragraph why a flow run is late, pending or crashed",
     .syntax = &command_why_syntax,
     .run = command_why},
    {.words = "reconcile",
     .summary = "compare Prefect's runs with the Jobs, as the worker does, changing nothing",
     .syntax = &command_reconcile_syntax,
     .run = command_reconcile},
    {.words = "template check",
     .summary = "look a base job template over: JSON, or YAML with line numbers",
     .syntax = &command_template_check_syntax,
     .run = command_template_check},
    {.words = "template",
     .summary = "print the default base job template",
     .syntax = &command_template_syntax,
     .run = command_template},
    {.words = "version",
     .of_prefect = true,
     .summary = "print the version",
     .syntax = &none,
     .run = command_version},
    {0},
};
