/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_delete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static void the_request_means_one_object(void **state)
{
    (void)state;
    struct uuid uid;
    assert_true(uuid_parse(STR("d4ca956c-851c-4653-ad7b-9177f3259872"), &uid));
    str path = job_deletion_path(&arena, STR("space"), STR("job-1"), &uid);
    assert_string_equal(path.p, "/apis/batch/v1/namespaces/space/jobs/job-1?gracePeriodSeconds=30"
                                "&propagationPolicy=Foreground"
                                "&uid=d4ca956c-851c-4653-ad7b-9177f3259872");
}

static void a_refusal_is_said_once_and_ends(void **state)
{
    (void)state;
    struct job_refusals *r = job_refusals_open(&arena);
    assert_false(job_refusals_has(r, 0, STR("space"), 1000));
    assert_true(job_refusals_put(r, 0, STR("space"), 1000));
    assert_false(job_refusals_put(r, 0, STR("space"), 2000));
    assert_true(job_refusals_has(r, 0, STR("space"), 2000));
    assert_false(job_refusals_has(r, 1, STR("space"), 2000));
    assert_false(job_refusals_has(r, 0, STR("other"), 2000));
    assert_false(job_refusals_has(r, 0, STR("space"), 1000 + 600000));
    assert_true(job_refusals_put(r, 0, STR("space"), 1000 + 600000));
}

static void the_oldest_refusal_makes_room(void **state)
{
    (void)state;
    struct job_refusals *r = job_refusals_open(&arena);
    char names[JOB_REFUSALS_MAX + 1][2] = {{0}};
    for (int i = 0; i <= JOB_REFUSALS_MAX; i++) {
        names[i][0] = (char)('a' + i);
        assert_true(job_refusals_put(r, 0, str_of(names[i]), 1000 + i));
    }
    assert_false(job_refusals_has(r, 0, str_of(names[0]), 2000));
    for (int i = 1; i <= JOB_REFUSALS_MAX; i++)
        assert_true(job_refusals_has(r, 0, str_of(names[i]), 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_means_one_object),
        cmocka_unit_test(a_refusal_is_said_once_and_ends),
        cmocka_unit_test(the_oldest_refusal_makes_room),
    };
    arena_reserve(&arena, "test", 64 * KIB);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
