/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "command/help.h"

enum option { OPTION_PROFILE, OPTION_PROMPT, OPTION_COUNT };

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_PROFILE] = {"profile", 'p', ARGUMENT_TEXT, "NAME", NULL,
                        "take the settings of this profile"},
    [OPTION_PROMPT] = {"prompt", 0, ARGUMENT_FLAG, NULL, NULL,
                       "ask on the terminal for what is missing, or never do"},
};
static const struct argument_syntax syntax = {options, OPTION_COUNT, NULL, 0};

int command_fail(const struct command_context *context, int exit_code, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s%s%s: ", context->called, context->words[0] ? " " : "", context->words);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return exit_code;
}

int command_refuse(const struct command_context *context, enum err_kind kind, const struct err *e)
{
    if (kind == ERR_INVALID)
        return command_fail(context, EXIT_USAGE, "%s (--help lists the options)", e->text);
    return command_fail(context, EXIT_FAILED, "%s", e->text);
}

bool command_interactive(const struct command_context *context, int setting)
{
    if (context->prompt >= 0)
        return context->prompt;
    return setting >= 0 ? setting : isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* -- which command */

static bool offered(const struct command_context *context, const struct command *command)
{
    return command->of_prefect || strcmp(context->called, "prefect") != 0;
}

/* Number of arguments that spell `words`; 0 when they don't. `partial` is set when they spell the
 * beginning only, up to the end of the arguments or an option. */
static int spelled(const char *words, int argc, char *const *argv, bool *partial)
{
    str rest = str_of(words), word;
    int n = 0;
    *partial = false;
    while (rest.n) {
        str_cut(rest, ' ', &word, &rest);
        if (n == argc || argv[n][0] == '-') {
            *partial = n > 0;
            return 0;
        }
        if (!str_eq(word, str_of(argv[n])))
            return 0;
        n++;
    }
    return n;
}

/* *used: how many arguments were the command's words. *group: they are the beginning of one. */
static const struct command *find(const struct command_context *context, int argc,
                                  char *const *argv, int *used, bool *group)
{
    *group = false;
    for (const struct command *c = command_table; c->words; c++) {
        bool partial;
        if (!offered(context, c))
            continue;
        *used = spelled(c->words, argc, argv, &partial);
        *group = *group || partial;
        if (!*used && c->alias && strcmp(context->called, "prefect") != 0)
            *used = spelled(c->alias, argc, argv, &partial);
        if (*used)
            return c;
    }
    return NULL;
}

static bool is_group(const struct command_context *context, str word)
{
    for (const struct command *c = command_table; c->words; c++) {
        str group, rest;
        if (offered(context, c) && str_cut(str_of(c->words), ' ', &group, &rest) &&
            str_eq(group, word))
            return true;
    }
    return false;
}

static int unknown(const struct command_context *context, const char *word, bool grouped)
{
    str names[COMMANDS_MAX] = {{0}};
    size_t count = 0;
    for (const struct command *c = command_table; c->words; c++) {
        str name = str_of(c->words), group, rest;
        if (!offered(context, c) || c->hidden)
            continue;
        if (str_cut(name, ' ', &group, &rest))
            name = grouped ? rest : group;
        else if (grouped)
            continue;
        ASSERT(count < COMMANDS_MAX);
        names[count++] = name;
    }
    ptrdiff_t near = arguments_nearest(str_of(word), names, count);
    const char *more = strcmp(context->called, "prefect") == 0
                           ? "; this program only stands in for Prefect's Kubernetes worker"
                           : "";
    if (near >= 0)
        return command_fail(context, EXIT_USAGE,
                            "there is no command '%s'; did you mean " STR_FMT "?", word,
                            STR_ARG(names[near]));
    return command_fail(context, EXIT_USAGE, "there is no command '%s'%s (--help lists them)", word,
                        more);
}

/* -- options in front of the command */

/* How many of the arguments belong to the program itself. */
static int count_own(int argc, char *const *argv)
{
    int n = 0;
    while (n < argc && argv[n][0] == '-') {
        bool takes_next = strcmp(argv[n], "--profile") == 0 || strcmp(argv[n], "-p") == 0;
        n += takes_next && n + 1 < argc ? 2 : 1;
    }
    return n;
}

static bool is_version(const char *argument)
{
    return strcmp(argument, "--version") == 0 || strcmp(argument, "-v") == 0;
}

static int parse_own(struct command_context *context, int argc, char *const *argv)
{
    char memory[COMMAND_ARENA] __attribute__((aligned(16)));
    struct arena arena = arena_over("command line", memory, sizeof memory);
    struct arguments parsed;
    struct err e;
    enum err_kind kind = arguments_parse(&arena, &syntax, argc, argv, &parsed, &e);
    if (kind)
        return command_refuse(context, kind, &e);
    const struct argument_value *prompt = &parsed.values[OPTION_PROMPT];
    if (prompt->given)
        context->prompt = prompt->on;
    if (parsed.values[OPTION_PROFILE].text.n) /* a view to the end of an argument: terminated */
        context->profile = parsed.values[OPTION_PROFILE].text.p;
    return EXIT_OK;
}

static int run(struct command_context *context, const struct command *command, int argc,
               char *const *argv)
{
    context->words = command->words;
    if (arguments_want_help(argc, argv))
        return help_command(context, command);
    return command->run(context, argc, argv);
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path && *path ? path : "prefect-k8s-worker";
}

int command_main(int argc, char *const *argv, char *const *environment)
{
    struct command_context context = {.called = base_name(argc > 0 ? argv[0] : NULL),
                                      .words = "",
                                      .environment = environment,
                                      .prompt = -1};
    int used;
    bool group;
    if (argc > 0) {
        argc--;
        argv++;
    }
    if (argc > 0 && is_version(argv[0]))
        return command_version(&context, 0, argv);
    int own = count_own(argc, argv);
    if (own == argc || arguments_want_help(own, argv))
        return own && !arguments_want_help(own, argv) && parse_own(&context, own, argv)
                   ? EXIT_USAGE
                   : help_program(&context, &syntax, "");
    if (parse_own(&context, own, argv))
        return EXIT_USAGE;
    argc -= own;
    argv += own;
    const struct command *command = find(&context, argc, argv, &used, &group);
    if (command)
        return run(&context, command, argc - used, argv + used);
    if (!group) {
        bool in_group = argc > 1 && is_group(&context, str_of(argv[0]));
        context.words = in_group ? argv[0] : "";
        return unknown(&context, argv[in_group ? 1 : 0], in_group);
    }
    if (argc > 1 && is_version(argv[1]))
        return command_version(&context, 0, argv);
    if (argc > 1 && !arguments_want_help(argc, argv)) {
        context.words = argv[0];
        return command_fail(&context, EXIT_USAGE, "%s: there is no such option", argv[1]);
    }
    return help_program(&context, &syntax, argv[0]);
}
