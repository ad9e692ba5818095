/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_FORMAT_SUPPORT_H
#define TESTS_UNIT_FORMAT_SUPPORT_H

/* What the tests of this folder share: one arena a program, and assertions on views. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

static struct arena arena;
static struct err error;

/* For cmocka_unit_test_setup: an empty arena of 64 MiB, no error. */
UNUSED static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 64 * MIB);
    arena_reset(&arena);
    error = (struct err){0};
    return 0;
}

/* Copied for the comparison, as views are not terminated. */
#define assert_str(view, expected)                            \
    do {                                                      \
        str view_ = (view);                                   \
        char copy_[8192];                                     \
        assert_true(str_to_cstr(view_, copy_, sizeof copy_)); \
        assert_string_equal(copy_, expected);                 \
        assert_int_equal(view_.n, sizeof(expected) - 1);      \
    } while (0)

/* The error's text has this in it. */
#define assert_error(kind_, kind_expected, part)                   \
    do {                                                           \
        assert_int_equal(kind_, kind_expected);                    \
        if (!str_has(str_of(error.text), str_of(part)))            \
            fail_msg("\"%s\" is not in \"%s\"", part, error.text); \
    } while (0)

#define TEST(name) cmocka_unit_test_setup(name, fresh)

#endif
