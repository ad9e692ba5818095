/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's table alone; what its steps do is seen by the component tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/submission.h"

#define ON(event) (1u << SUBMIT_ON_##event)

/* What the steps report (submit_steps.c, submit_create.c), by state. */
static const unsigned reported[SUBMIT_STATE_COUNT] = {
    [SUBMIT_FREE] = ON(OK), /* a run was taken */
    [SUBMIT_DEPLOYMENT] = ON(OK) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_ORPHAN] = ON(OK),
    [SUBMIT_CLAIM] = ON(OK) | ON(STOP),
    [SUBMIT_FLOW] = ON(OK) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_RESOLVE] = ON(OK) | ON(NEED) | ON(FAIL),
    [SUBMIT_FETCH] = ON(OK) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_LABEL] = ON(OK) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_SUBMITTING] = ON(OK) | ON(STOP) | ON(MISSING),
    [SUBMIT_KEY_SECRET] = ON(OK) | ON(RETRY) | ON(FAIL),
    [SUBMIT_ENV_SECRET] = ON(OK) | ON(RETRY) | ON(FAIL),
    [SUBMIT_CREATE] = ON(OK) | ON(STOP) | ON(CONFLICT) | ON(RETRY) | ON(FAIL),
    [SUBMIT_ADOPT] = ON(OK) | ON(STOP) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_OWN] = ON(OK) | ON(FAIL),
    [SUBMIT_REPORT] = ON(OK) | ON(MISSING) | ON(RETRY) | ON(FAIL),
    [SUBMIT_CRASH] = ON(OK) | ON(RETRY),
    [SUBMIT_DONE] = 0, /* the place is given back at once */
};

static const char *name_of(int state)
{
    return submit_state_name((enum submit_state)state);
}

static int next_of(int state, int event)
{
    return (int)submit_next((enum submit_state)state, (enum submit_event)event);
}

static bool reports(int state, int event)
{
    return reported[state] >> event & 1;
}

/* A cell that was forgotten is zero, which is FREE: only DONE goes there. */
static void test_total(void **state)
{
    (void)state;
    for (int s = 0; s < SUBMIT_STATE_COUNT; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++) {
            int next = next_of(s, e);
            assert_in_range(next, 0, SUBMIT_STATE_COUNT);
            if (next == SUBMIT_FREE && !(s == SUBMIT_DONE && e == SUBMIT_ON_OK))
                fail_msg("the cell of %s and event %d is blank", name_of(s), e);
        }
}

static void test_nothing_reported_must_not_happen(void **state)
{
    (void)state;
    for (int s = 0; s < SUBMIT_STATE_COUNT; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++)
            if (reports(s, e) && next_of(s, e) == SUBMIT_STATE_COUNT)
                fail_msg("%s reports event %d, which must not happen there", name_of(s), e);
}

/* Follows what is reported from `from`; RETRY only where `retries`. */
static void reach(int from, bool retries, bool seen[SUBMIT_STATE_COUNT])
{
    if (seen[from])
        return;
    seen[from] = true;
    for (int e = 0; e < SUBMIT_EVENT_COUNT; e++)
        if (reports(from, e) && (retries || e != SUBMIT_ON_RETRY))
            reach(next_of(from, e), retries, seen);
}

static void test_every_state_is_reached(void **state)
{
    (void)state;
    bool seen[SUBMIT_STATE_COUNT] = {false};
    reach(SUBMIT_FREE, true, seen);
    for (int s = 0; s < SUBMIT_STATE_COUNT; s++)
        if (!seen[s])
            fail_msg("%s is never reached", name_of(s));
}

static void test_done_is_reached_from_everywhere(void **state)
{
    (void)state;
    for (int s = 0; s < SUBMIT_STATE_COUNT; s++) {
        bool seen[SUBMIT_STATE_COUNT] = {false};
        reach(s, false, seen); /* without luck on a further try */
        if (!seen[SUBMIT_DONE])
            fail_msg("%s never ends", name_of(s));
    }
}

/* A step that is done leads on, in the order of the states; so nothing goes round without waiting,
 * but for what is fetched (bounded by the template) and names that are taken (bounded too). */
static void test_no_circle_without_waiting(void **state)
{
    (void)state;
    for (int s = 0; s < SUBMIT_STATE_COUNT; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++) {
            int next = next_of(s, e);
            bool fetched = s == SUBMIT_FETCH && next == SUBMIT_RESOLVE;
            bool renamed = s == SUBMIT_ADOPT && next == SUBMIT_CREATE;
            bool waits = e == SUBMIT_ON_RETRY && next == s;
            if (reports(s, e) && next <= s && !fetched && !renamed && !waits)
                fail_msg("%s goes back to %s on event %d", name_of(s), name_of(next), e);
        }
}

/* Before the claim nothing is promised, and a later poll brings the run again. */
static void test_before_the_claim_nothing_crashes(void **state)
{
    (void)state;
    for (int s = SUBMIT_DEPLOYMENT; s <= SUBMIT_CLAIM; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++)
            if (reports(s, e))
                assert_int_not_equal(next_of(s, e), SUBMIT_CRASH);
}

/* After it the run stays Pending until somebody says otherwise: it ends with a Job, with a crash,
 * or because the server has decided (it was cancelled or deleted). */
static void test_after_the_claim_no_run_is_lost(void **state)
{
    (void)state;
    for (int s = SUBMIT_FLOW; s <= SUBMIT_ADOPT; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++) {
            bool decided = (s == SUBMIT_SUBMITTING || s == SUBMIT_CREATE) &&
                           (e == SUBMIT_ON_STOP || e == SUBMIT_ON_MISSING);
            if (reports(s, e) && !decided)
                assert_int_not_equal(next_of(s, e), SUBMIT_DONE);
            if (reports(s, e) && e == SUBMIT_ON_FAIL)
                assert_int_equal(next_of(s, e), SUBMIT_CRASH);
        }
}

/* Once the Job is there, no event takes the run back. */
static void test_after_the_job_nothing_crashes(void **state)
{
    (void)state;
    for (int s = SUBMIT_OWN; s <= SUBMIT_REPORT; s++)
        for (int e = 0; e < SUBMIT_EVENT_COUNT; e++) {
            int next = next_of(s, e);
            if (next != SUBMIT_STATE_COUNT)
                assert_true(next == SUBMIT_REPORT || next == SUBMIT_DONE);
        }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(submit_state_name(SUBMIT_FREE), "FREE");
    assert_string_equal(submit_state_name(SUBMIT_KEY_SECRET), "KEY_SECRET");
    assert_string_equal(submit_state_name(SUBMIT_DONE), "DONE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_nothing_reported_must_not_happen),
        cmocka_unit_test(test_every_state_is_reached),
        cmocka_unit_test(test_done_is_reached_from_everywhere),
        cmocka_unit_test(test_no_circle_without_waiting),
        cmocka_unit_test(test_before_the_claim_nothing_crashes),
        cmocka_unit_test(test_after_the_claim_no_run_is_lost),
        cmocka_unit_test(test_after_the_job_nothing_crashes),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
