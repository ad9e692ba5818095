/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/prefect_rig.h"

#include "prefect/event.h"

/* The outbox of events: batches, acknowledgement, refusals, shortage. */

static struct prefect_events *events;

static void open_events(size_t bytes_max, size_t batch_max)
{
    begin();
    struct prefect_options with = options();
    connect_with(&with);
    struct prefect_events_options o = {bytes_max, batch_max, 20};
    events = prefect_events_open(&perm, loop, client, &o);
}

static void wait_until_idle(void)
{
    for (int i = 0; i < 400 && !prefect_events_idle(events); i++)
        turn_for(10);
    assert_true(prefect_events_idle(events));
}

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

static void a_server_without_events(void **state)
{
    (void)state;
    open_events(4096, 1024);
    script.statuses[0] = "404 Not Found";
    assert_true(prefect_events_put(events, STR("{\"n\":1}")));
    wait_until_idle();
    assert_false(prefect_events_put(events, STR("{\"n\":2}")));
    assert_true(prefect_events_idle(events));
    turn_for(60);
    assert_int_equal(script.count, 1);
    assert_int_equal(prefect_events_figures(events).dropped, 2);
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

static void the_object(void **state)
{
    (void)state;
    char text[1024];
    struct buf b = buf_over(text, sizeof text);
    struct json_writer w = json_writer(&b);
    struct prefect_label resource[] = {{STR("prefect.resource.id"), STR("r.1")},
                                       {STR("k"), STR("\xc3\xa4")}};
    struct uuid id = {{1}}, follows = {{2}};
    prefect_event_write(&w, 1795475637154912, "prefect.worker.started", resource, 2,
                        STR("[{\"a\":\"b\"}]"), &id, NULL);
    buf_byte(&b, '\0');
    assert_string_equal(
        text, "{\"occurred\":\"2026-11-23T23:13:57.154912Z\",\"event\":\"prefect.worker.started\","
              "\"resource\":{\"prefect.resource.id\":\"r.1\",\"k\":\"\xc3\xa4\"},"
              "\"related\":[{\"a\":\"b\"}],\"payload\":{},"
              "\"id\":\"01000000-0000-0000-0000-000000000000\",\"follows\":null}");
    buf_clear(&b);
    w = json_writer(&b);
    prefect_event_write(&w, 0, "x", resource, 0, (str){0}, &id, &follows);
    assert_true(
        str_ends(buf_str(&b), STR("\"follows\":\"02000000-0000-0000-0000-000000000000\"}")));
    assert_true(str_has(buf_str(&b), STR("\"related\":[]")));
    assert_true(prefect_event_may_follow(299999999, 0));
    assert_false(prefect_event_may_follow(300000000, 0));
    assert_true(prefect_event_may_follow(0, 299999999));
    assert_false(prefect_event_may_follow(0, 300000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_in_order),
        cmocka_unit_test(kept_until_acknowledged),
        cmocka_unit_test(batches_have_a_size),
        cmocka_unit_test(a_bad_event_goes_alone),
        cmocka_unit_test(a_server_without_events),
        cmocka_unit_test(shortage_drops_the_newest),
        cmocka_unit_test(the_object),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
