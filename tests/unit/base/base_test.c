/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include "rig.h"

static void fails(void)
{
    ASSERT(1 + 1 == 3);
}

static void holds(void)
{
    ASSERT(1 + 1 == 2);
}

static void test_assert(void **state)
{
    (void)state;
    assert_true(aborts(fails));
    assert_false(aborts(holds));
}

/* What it says: the condition and the place. */
static void test_assert_says_where(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        assert_failed("this < that", "src/x.c", 42);
    }
    close(ends[1]);
    char text[600] = "";
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(n > 0 && text[n - 1] == '\n');
    assert_non_null(strstr(text, "this < that"));
    assert_non_null(strstr(text, "src/x.c:42"));
}

static void test_macros(void **state)
{
    (void)state;
    int numbers[7] = {0};
    assert_int_equal(ARRAY_LEN(numbers), 7);
#define SEVEN 7
    assert_string_equal(STRINGIFY(SEVEN), "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assert),
        cmocka_unit_test(test_assert_says_where),
        cmocka_unit_test(test_macros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
