/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/events_rig.h"

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
        cmocka_unit_test(a_server_without_events),
        cmocka_unit_test(the_object),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
