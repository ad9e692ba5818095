/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/cancel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/cancel_case.h"

#define NEVER CANCEL_STATE_COUNT

static void the_table_is_total(void **state)
{
    (void)state;
    for (int s = 0; s < CANCEL_STATE_COUNT; s++)
        for (int e = 0; e < CANCEL_EVENT_COUNT; e++) {
            enum cancel_state next = cancel_next((enum cancel_state)s, (enum cancel_event)e);
            assert_true(next <= NEVER);
            /* FREE is reached by a decision, not by a cell that was forgotten. */
            if (next == CANCEL_FREE)
                assert_true(e == CANCEL_ON_DROP || (s == CANCEL_FLOW && e == CANCEL_ON_OK));
        }
}

static void every_state_can_be_given_up(void **state)
{
    (void)state;
    for (int s = CANCEL_FREE + 1; s < CANCEL_STATE_COUNT; s++) {
        assert_int_equal(cancel_next((enum cancel_state)s, CANCEL_ON_DROP), CANCEL_FREE);
        enum cancel_state again = cancel_next((enum cancel_state)s, CANCEL_ON_AGAIN);
        assert_true(again == (enum cancel_state)s || (again == NEVER && s == CANCEL_JOBS));
    }
}

/* And FORCE only over a deletion, a known Job, or absence. */
static void every_state_is_reached(void **state)
{
    (void)state;
    bool reached[CANCEL_STATE_COUNT + 1] = {[CANCEL_FREE] = true};
    for (int round = 0; round < CANCEL_STATE_COUNT; round++)
        for (int s = 0; s < CANCEL_STATE_COUNT; s++)
            for (int e = 0; reached[s] && e < CANCEL_EVENT_COUNT; e++)
                reached[cancel_next((enum cancel_state)s, (enum cancel_event)e)] = true;
    for (int s = 0; s < CANCEL_STATE_COUNT; s++)
        assert_true(reached[s]);
    assert_int_equal(cancel_next(CANCEL_JOBS, CANCEL_ON_ABSENT), CANCEL_HISTORY);
    assert_int_equal(cancel_next(CANCEL_DELETE, CANCEL_ON_OK), CANCEL_WAIT);
    assert_int_equal(cancel_next(CANCEL_WAIT, CANCEL_ON_OK), CANCEL_JOBS);
}

static void a_grace_is_for_runs_that_started(void **state)
{
    (void)state;
    assert_int_equal(cancellation_due_us(false, 5000000, 75), 0);
    assert_int_equal(cancellation_due_us(true, 5000000, 75), 80000000);
    assert_int_equal(cancellation_due_us(true, 5000000, 0.5), 5500000);
    assert_int_equal(cancellation_due_us(true, 5000000, 0), 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_total),
        cmocka_unit_test(every_state_can_be_given_up),
        cmocka_unit_test(every_state_is_reached),
        cmocka_unit_test(a_grace_is_for_runs_that_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
