/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void two_parts_and_three(void **state)
{
    (void)state;
    static const str pids[] = {
        STR_INIT("space:job-1"),
        STR_INIT("a3c9f1d2-0000-4000-8000-000000000001:space:job-1"),
    };
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        str namespace, job;
        assert_true(pid_split(pids[i], &namespace, &job));
        assert_true(str_eq(namespace, STR("space")) && str_eq(job, STR("job-1")));
        assert_true(pid_names(pids[i], STR("space"), STR("job-1")));
        assert_false(pid_names(pids[i], STR("space"), STR("job-2")));
        assert_false(pid_names(pids[i], STR("other"), STR("job-1")));
    }
}

static void anything_else_is_none(void **state)
{
    (void)state;
    static const str pids[] = {STR_INIT(""), STR_INIT("job"), STR_INIT(":job"), STR_INIT("space:"),
                               STR_INIT("uid::job")};
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        str namespace, job;
        assert_false(pid_split(pids[i], &namespace, &job));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_parts_and_three),
        cmocka_unit_test(anything_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
