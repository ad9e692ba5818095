/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/limits.h"
#include "command/command.h"
#include "worker/worker.h"

/* A signal that comes before the loop stands waits for it, instead of ending the process or, as the
 * first process of a container, being lost. At a terminal a person may want out of a question. */
static void hold_signals(void)
{
    sigset_t set;
    if (isatty(STDIN_FILENO))
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* `worker start`: settings, flags, then the worker until it is stopped. */
int command_start(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena perm, scratch;
    static struct config config;
    struct err e;
    const struct settings *settings;
    struct settings_sources sources = {
        .environment = context->environment, .profile = context->profile, .folder = STR(".")};
    hold_signals();
    arena_reserve(&perm, "perm", PERM_ARENA);
    arena_reserve(&scratch, "start", START_ARENA);
    if (settings_load(&perm, scratch, &sources, &settings, &e) != ERR_NONE)
        return command_fail(context, EXIT_FAILED, "%s", e.text);
    int prompt = settings_is_set(settings, "PREFECT_CLI_PROMPT")
                     ? settings_bool(settings, "PREFECT_CLI_PROMPT")
                     : -1;
    struct config_arguments arguments = {
        .argc = argc, .argv = argv, .interactive = command_interactive(context, prompt)};
    enum err_kind kind = config_load(&perm, scratch, &arguments, settings, &config, &e);
    if (kind)
        return command_refuse(context, kind, &e);
    arena_release(&scratch);
    config_log(&config);
    heap_set_budget(config.memory_budget);
    return worker_run(&perm, &config, (const char *const *)context->environment);
}
