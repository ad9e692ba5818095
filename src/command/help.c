/* SPDX-License-Identifier: Apache-2.0 */
#include "command/help.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

static int print(const struct buf *text)
{
    fwrite(text->p, 1, text->n, stdout);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}

static void put_sentence(struct buf *out, const char *text)
{
    if (text[0] >= 'a' && text[0] <= 'z')
        buf_byte(out, (char)(text[0] - 32));
    else
        buf_byte(out, text[0]);
    buf_printf(out, "%s.\n", text + 1);
}

static bool listed(const struct command_context *context, const struct command *command,
                   const char *group)
{
    size_t n = strlen(group);
    bool prefect = strcmp(context->called, "prefect") == 0;
    if (command->hidden || (prefect && !command->of_prefect))
        return false;
    return n == 0 || (strncmp(command->words, group, n) == 0 && command->words[n] == ' ');
}

int help_program(const struct command_context *context, const struct argument_syntax *own,
                 const char *group)
{
    char memory[HELP_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    buf_printf(&out, "Usage: %s [OPTIONS] %s%sCOMMAND ...\n\n", context->called, group,
               group[0] ? " " : "");
    if (!group[0])
        put_sentence(&out, "Prefect's worker for Kubernetes, in C");
    buf_cstr(&out, "\nCommands:\n");
    for (const struct command *c = command_table; c->words; c++) {
        if (listed(context, c, group))
            buf_printf(&out, "  %-22s  %s\n", c->words, c->summary);
    }
    buf_cstr(&out, "\nOptions in front of the command:\n");
    arguments_help(&out, own);
    buf_cstr(&out, "  -v, --version           print the version\n");
    return print(&out);
}

int help_command(const struct command_context *context, const struct command *command)
{
    char memory[HELP_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    bool operands = command->syntax->operands != NULL;
    buf_printf(&out, "Usage: %s %s [OPTIONS]%s%s\n\n", context->called, command->words,
               operands ? " " : "", operands ? command->syntax->operands : "");
    put_sentence(&out, command->summary);
    buf_cstr(&out, "\nOptions:\n");
    arguments_help(&out, command->syntax);
    return print(&out);
}
