/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/deadline_case.h"

#define NEVER DEADLINE_STATE_COUNT

static enum deadline_state next_of(int state, int event)
{
    return deadline_next((enum deadline_state)state, (enum deadline_event)event);
}

static void the_table_is_total(void **state)
{
    (void)state;
    for (int s = 0; s < DEADLINE_STATE_COUNT; s++)
        for (int e = 0; e < DEADLINE_EVENT_COUNT; e++) {
            assert_true(next_of(s, e) <= NEVER);
            /* FREE is reached by a decision, not by a cell that was forgotten. */
            if (next_of(s, e) == DEADLINE_IN_FREE)
                assert_true(e == DEADLINE_ON_DROP ||
                            (s == DEADLINE_IN_PROPOSE && e == DEADLINE_ON_OK));
        }
}

static void each_step_leads_on_or_ends(void **state)
{
    (void)state;
    for (int s = 0; s < DEADLINE_IN_PROPOSE; s++)
        assert_int_equal(next_of(s, DEADLINE_ON_OK), s + 1);
    for (int s = DEADLINE_IN_RUN; s < DEADLINE_STATE_COUNT; s++) {
        enum deadline_state again = next_of(s, DEADLINE_ON_AGAIN);
        assert_int_equal(next_of(s, DEADLINE_ON_DROP), DEADLINE_IN_FREE);
        assert_true(again == (enum deadline_state)s || again == NEVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_total),
        cmocka_unit_test(each_step_leads_on_or_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
