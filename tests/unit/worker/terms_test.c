/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_next(struct job_terms terms, enum deadline_kind kind, uint32_t at_s)
{
    struct deadline next = terms_next(&terms);
    assert_int_equal(next.kind, kind);
    assert_int_equal(next.at_s, at_s);
}

static void without_timeouts_nothing_is_due(void **state)
{
    (void)state;
    assert_next((struct job_terms){0}, DEADLINE_NONE, 0);
    assert_next((struct job_terms){.since_s = 1000, .known = true}, DEADLINE_NONE, 0);
    /* Timeouts that were not read yet. */
    assert_next((struct job_terms){.since_s = 1000, .job_timeout_s = 5, .pod_timeout_s = 5},
                DEADLINE_NONE, 0);
}

static void a_pod_has_its_time_to_start(void **state)
{
    (void)state;
    struct job_terms terms = {.since_s = 1000, .pod_timeout_s = 60, .known = true};
    assert_next(terms, DEADLINE_WARN, 1061);
    terms.warned = true;
    assert_next(terms, DEADLINE_NONE, 0);
    terms.enforced = true;
    assert_next(terms, DEADLINE_POD, 1061);
    terms.started_s = 1010;
    assert_next(terms, DEADLINE_NONE, 0);
}

static void a_job_has_its_time_from_its_start(void **state)
{
    (void)state;
    struct job_terms terms = {.since_s = 1000, .job_timeout_s = 30, .known = true};
    assert_next(terms, DEADLINE_JOB, 1031); /* not before this */
    terms.started_s = 1500;
    assert_next(terms, DEADLINE_JOB, 1531);
    terms.later_s = 1600;
    assert_next(terms, DEADLINE_JOB, 1600);
}

static void the_earliest_deadline_comes_first(void **state)
{
    (void)state;
    struct job_terms terms = {
        .since_s = 1000, .job_timeout_s = 30, .pod_timeout_s = 20, .enforced = true, .known = true};
    assert_next(terms, DEADLINE_POD, 1021);
    terms.pod_timeout_s = 40;
    assert_next(terms, DEADLINE_JOB, 1031);
    terms.doomed_s = 1005;
    assert_next(terms, DEADLINE_DOOMED, 1005);
    terms.busy = true;
    assert_next(terms, DEADLINE_NONE, 0);
    terms.busy = false;
    terms.suspended = true;
    assert_next(terms, DEADLINE_NONE, 0);
}

static void times_do_not_run_over(void **state)
{
    (void)state;
    struct job_terms terms = {.since_s = 4000000000u, .job_timeout_s = INT32_MAX, .known = true};
    assert_next(terms, DEADLINE_NONE, 0);
}

static void a_manifest_gives_the_timeouts(void **state)
{
    (void)state;
    struct job_terms terms = {.doomed_s = 7};
    terms_set(&terms, &(struct manifest){.job_timeout_s = -1, .pod_timeout_s = 60});
    assert_true(terms.known && !terms.enforced);
    assert_int_equal(terms.job_timeout_s, 0);
    assert_int_equal(terms.pod_timeout_s, 60);
    terms_set(&terms, &(struct manifest){.job_timeout_s = INT64_MAX, .pod_timeout_enforced = true});
    assert_true(terms.enforced);
    assert_int_equal(terms.job_timeout_s, INT32_MAX);
    assert_int_equal(terms.pod_timeout_s, 0);
    terms_end(&terms);
    assert_next(terms, DEADLINE_NONE, 0);
}

static void doom_is_a_matter_of_the_setting(void **state)
{
    (void)state;
    assert_int_equal(terms_doom_s(FAIL_DOOMED_CERTAIN, "InvalidImageName"), 0);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_ALL, "ErrImageNeverPull"), 0);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_NEVER, "InvalidImageName"), -1);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_CERTAIN, "CreateContainerConfigError"), -1);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_ALL, "CreateContainerConfigError"), 60);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_ALL, "ImagePullError"), -1);
    assert_int_equal(terms_doom_s(FAIL_DOOMED_ALL, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_timeouts_nothing_is_due),
        cmocka_unit_test(a_pod_has_its_time_to_start),
        cmocka_unit_test(a_job_has_its_time_from_its_start),
        cmocka_unit_test(the_earliest_deadline_comes_first),
        cmocka_unit_test(times_do_not_run_over),
        cmocka_unit_test(a_manifest_gives_the_timeouts),
        cmocka_unit_test(doom_is_a_matter_of_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
