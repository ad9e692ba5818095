/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_BASE_RIG_H
#define TESTS_UNIT_BASE_RIG_H

/* What the tests of this folder share: cmocka, repeatable random numbers, what a child died of. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

/* Copied for the comparison, as views are not terminated. */
#define assert_str(view, expected)                            \
    do {                                                      \
        str view_ = (view);                                   \
        char copy_[4096];                                     \
        assert_true(str_to_cstr(view_, copy_, sizeof copy_)); \
        assert_string_equal(copy_, expected);                 \
    } while (0)

UNUSED static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Does `what` abort, as a failed ASSERT does? Runs it in a child whose words are thrown away. */
UNUSED static bool aborts(void (*what)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        what();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
