/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/events_rig.h"

/* Batches, acknowledgement, refusals, shortage: by events, which add nothing to the outbox. */

static void one_batch_in_order(void **state)
{
    (void)state;
    open_events(4096, 1024);
    script.statuses[0] = "204 No Content";
    assert_true(prefect_events_idle(events));
    assert_true(prefect_events_put(events, STR("{\"n\":1}")));
    assert_true(prefect_events_put(events, STR("{\"n\":2}")));
    assert_false(prefect_events_idle(events));
    assert_int_equal(script.count, 0);
    wait_until_idle();
    assert_int_equal(script.count, 1);
    assert_has(script.requests[0], "POST /events HTTP/1.1\r\n");
    assert_string_equal(body_of(0), "[{\"n\":1},{\"n\":2}]");
    assert_int_equal(prefect_events_figures(events).sent, 2);
    assert_int_equal(prefect_events_figures(events).bytes_waiting, 0);
    server_stop(&server);
}

static void kept_until_acknowledged(void **state)
{
    (void)state;
    open_events(4096, 1024);
    script.statuses[0] = "500 Internal Server Error";
    script.statuses[1] = "204 No Content";
    assert_true(prefect_events_put(events, STR("{\"n\":1}")));
    prefect_events_flush(events);
    turn_until(&script.count);
    turn_for(50);
    assert_false(prefect_events_idle(events));
    assert_true(prefect_events_put(events, STR("{\"n\":2}")));
    turn_for(50);
    assert_int_equal(script.count, 1); /* it backs off, new events or not */
    prefect_events_flush(events);      /* but this asks for it now */
    wait_until_idle();
    assert_int_equal(script.count, 2);
    assert_string_equal(body_of(1), "[{\"n\":1},{\"n\":2}]");
    assert_int_equal(prefect_events_figures(events).failed_batches, 1);
    server_stop(&server);
}

static void batches_have_a_size(void **state)
{
    (void)state;
    open_events(4096, 24);
    script.statuses[0] = "204 No Content";
    for (int i = 0; i < 5; i++)
        assert_true(prefect_events_put(events, STR("{\"num\":12}")));
    assert_false(prefect_events_put(events, STR("{\"text\":\"longer than a whole batch\"}")));
    wait_until_idle();
    assert_int_equal(script.count, 3);
    assert_string_equal(body_of(0), "[{\"num\":12},{\"num\":12}]");
    assert_string_equal(body_of(2), "[{\"num\":12}]");
    assert_int_equal(prefect_events_figures(events).dropped, 1);
    server_stop(&server);
}

static void answer_without_bad(struct connection *c, str request)
{
    script.count++;
    if (str_has(request, STR("bad")))
        server_reply(c, "422 Unprocessable Entity", "", STR("{\"detail\":\"bad event\"}"));
    else
        server_reply(c, "204 No Content", "", (str){0});
}

static void a_bad_event_goes_alone(void **state)
{
    (void)state;
    open_events(65536, 32768);
    server.answer = answer_without_bad;
    for (int i = 0; i < 64; i++)
        assert_true(prefect_events_put(events, i == 17 || i == 40 ? STR("{\"n\":\"bad\"}")
                                                                  : STR("{\"n\":\"fine\"}")));
    wait_until_idle();
    assert_int_equal(prefect_events_figures(events).dropped, 2);
    assert_int_equal(prefect_events_figures(events).sent, 62);
    assert_true(script.count <= 2 * 2 * 7);
    server_stop(&server);
}

static void shortage_drops_the_newest(void **state)
{
    (void)state;
    open_events(40, 1024);
    script.statuses[0] = "204 No Content";
    assert_true(prefect_events_put(events, STR("{\"n\":111111111}")));
    assert_true(prefect_events_put(events, STR("{\"n\":222222222}")));
    assert_false(prefect_events_put(events, STR("{\"n\":333333333}")));
    wait_until_idle();
    assert_string_equal(body_of(0), "[{\"n\":111111111},{\"n\":222222222}]");
    assert_true(prefect_events_put(events, STR("{\"n\":4}")));
    wait_until_idle();
    assert_string_equal(body_of(1), "[{\"n\":4}]");
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_in_order),        cmocka_unit_test(kept_until_acknowledged),
        cmocka_unit_test(batches_have_a_size),       cmocka_unit_test(a_bad_event_goes_alone),
        cmocka_unit_test(shortage_drops_the_newest),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
