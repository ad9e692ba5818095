/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include <stdio.h>
#include <string.h>

#include "prefect/client.h"

/* Called as `prefect`: what scripts that ask the Python program expect. */
int command_version(const struct command_context *context, int argc, char *const *argv)
{
    (void)argc;
    (void)argv;
    if (strcmp(context->called, "prefect") == 0)
        puts(PREFECT_VERSION);
    else
        puts("prefect-k8s-worker " PKW_VERSION ", in place of Prefect " PREFECT_VERSION);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}
