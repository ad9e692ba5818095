/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "command/command.h"

/* Descriptors 0, 1 and 2 must be open, or the first socket would be taken for standard error. */
static void open_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/*
 * As the first process of a container nothing is set up by a shell, and a signal without a handler
 * has no effect: the commands that live long install theirs. A reader that went away must show as
 * an error of that write, not end the process.
 */
int main(int argc, char **argv, char **environment)
{
    open_standard_streams();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    return command_main(argc, argv, environment);
}
