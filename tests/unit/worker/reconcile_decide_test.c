/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/reconcile.h"

static enum reconcile_verdict decide(struct reconcile_facts facts)
{
    return reconcile_decide(&facts);
}

static void test_runs_without_a_job(void **state)
{
    (void)state;
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_PENDING}), RECONCILE_RESUME);
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_PENDING, .submitting = true}),
                     RECONCILE_FINE);
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_PENDING, .has_pid = true}),
                     RECONCILE_CRASH_GONE);
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_RUNNING}),
                     RECONCILE_CRASH_GONE);
    /* A failed Job is crash.c's. */
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_RUNNING, .job_failed = true}),
                     RECONCILE_FINE);
}

static void test_jobs_and_runs_together(void **state)
{
    (void)state;
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_RUNNING, .job_live = true}),
                     RECONCILE_FINE);
    assert_int_equal(decide((struct reconcile_facts){
                         .state = PREFECT_PENDING, .job_live = true, .has_pid = true}),
                     RECONCILE_FINE);
    /* Made, and never reported. */
    assert_int_equal(decide((struct reconcile_facts){.state = PREFECT_PENDING, .job_live = true}),
                     RECONCILE_RESUME);
    assert_int_equal(
        decide((struct reconcile_facts){.state = PREFECT_RUNNING, .job_complete = true}),
        RECONCILE_CRASH_MUTE);
}

static void test_other_states_are_not_judged(void **state)
{
    (void)state;
    static const enum prefect_state_type states[] = {PREFECT_SCHEDULED, PREFECT_PAUSED,
                                                     PREFECT_CANCELLING, PREFECT_STATE_UNKNOWN};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        for (int complete = 0; complete < 2; complete++)
            assert_int_equal(decide((struct reconcile_facts){
                                 .state = states[i], .job_complete = complete, .has_pid = true}),
                             RECONCILE_FINE);
}

static void test_jobs_of_runs_that_are_over(void **state)
{
    (void)state;
    static const enum prefect_state_type states[] = {PREFECT_COMPLETED, PREFECT_FAILED,
                                                     PREFECT_CANCELLED, PREFECT_CRASHED};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        assert_int_equal(decide((struct reconcile_facts){.state = states[i], .job_live = true}),
                         RECONCILE_DELETE_JOB);
        assert_int_equal(decide((struct reconcile_facts){.state = states[i]}), RECONCILE_FINE);
    }
}

static void test_patience(void **state)
{
    (void)state;
    assert_int_equal(reconcile_patience_ms(RECONCILE_RESUME, true, 1000), 0);
    assert_int_equal(reconcile_patience_ms(RECONCILE_RESUME, false, 1000), 1000);
    /* Two passes have to see what can't be undone. */
    assert_true(reconcile_patience_ms(RECONCILE_CRASH_GONE, true, 1000) >= 2000);
    assert_true(reconcile_patience_ms(RECONCILE_DELETE_JOB, true, 1000) >= 2000);
    assert_true(reconcile_patience_ms(RECONCILE_CRASH_MUTE, true, 1000) >= 4000);
    assert_true(reconcile_patience_ms(RECONCILE_FINE, true, 1000) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_without_a_job),
        cmocka_unit_test(test_jobs_and_runs_together),
        cmocka_unit_test(test_other_states_are_not_judged),
        cmocka_unit_test(test_jobs_of_runs_that_are_over),
        cmocka_unit_test(test_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
