/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "prefect/state.h"

static const struct uuid run = {{0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x43, 0x33, 0x84, 0x44, 0x55,
                                 0x55, 0x55, 0x55, 0x55, 0x55}};
static const struct uuid transition = {{0xaa, 0xaa, 0xaa, 0xaa, 0xbb, 0xbb, 0x4c, 0xcc, 0x8d, 0xdd,
                                        0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};

static void body_has_every_key(void **state)
{
    (void)state;
    struct buf b = buf_new(&arena, 4096);
    struct json_writer w = json_writer(&b);
    prefect_state_body(&w, PREFECT_PENDING, STR("Pending"), (str){0}, &run, &transition, false);
    assert_str(buf_str(&b),
               "{\"state\":{\"type\":\"PENDING\",\"name\":\"Pending\",\"message\":null,"
               "\"state_details\":{\"flow_run_id\":\"11111111-2222-4333-8444-555555555555\","
               "\"task_run_id\":null,\"child_flow_run_id\":null,\"scheduled_time\":null,"
               "\"cache_key\":null,\"cache_expiration\":null,\"deferred\":null,"
               "\"untrackable_result\":false,\"pause_timeout\":null,\"pause_reschedule\":false,"
               "\"pause_key\":null,\"run_input_keyset\":null,\"refresh_cache\":null,"
               "\"retriable\":null,\"transition_id\":\"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee\","
               "\"task_parameters_id\":null,\"traceparent\":null,"
               "\"deployment_concurrency_lease_id\":null},\"data\":null},\"force\":false}");
    buf_clear(&b);
    w = json_writer(&b);
    prefect_state_body(&w, PREFECT_CANCELLED, STR("Cancelled"), STR("a \"b\""), &run, &transition,
                       true);
    assert_true(str_has(buf_str(&b), STR("\"message\":\"a \\\"b\\\"\"")));
    assert_true(str_ends(buf_str(&b), STR("\"force\":true}")));
}

static void types_go_both_ways(void **state)
{
    (void)state;
    for (int t = PREFECT_SCHEDULED; t <= PREFECT_CANCELLING; t++)
        assert_int_equal(
            prefect_state_type_parse(str_of(prefect_state_type_name((enum prefect_state_type)t))),
            t);
    assert_int_equal(prefect_state_type_parse(STR("pending")), PREFECT_STATE_UNKNOWN);
    assert_true(prefect_state_type_final(PREFECT_CRASHED));
    assert_true(prefect_state_type_final(PREFECT_CANCELLED));
    assert_false(prefect_state_type_final(PREFECT_CANCELLING));
    assert_false(prefect_state_type_final(PREFECT_PAUSED));
}

static struct prefect_state_reply read_reply(str body)
{
    struct prefect_state_reply reply;
    if (prefect_state_reply_read(&arena, body, &reply, &error))
        fail_msg("%s", error.text);
    return reply;
}

static void verdicts_are_read(void **state)
{
    (void)state;
    struct prefect_state_reply r = read_reply(
        STR("{\"state\":{\"id\":\"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee\",\"type\":\"SCHEDULED\","
            "\"name\":\"AwaitingConcurrencySlot\",\"message\":\"m\","
            "\"timestamp\":\"2026-11-23T23:13:57.5Z\",\"state_details\":{\"transition_id\":"
            "\"11111111-2222-4333-8444-555555555555\"}},\"status\":\"REJECT\","
            "\"details\":{\"type\":\"reject_details\",\"reason\":\"full\"}}"));
    assert_int_equal(r.verdict, PREFECT_REJECT);
    assert_true(r.state.present);
    assert_int_equal(r.state.type, PREFECT_SCHEDULED);
    assert_str(r.state.name, "AwaitingConcurrencySlot");
    assert_str(r.state.message, "m");
    assert_true(uuid_eq(&r.state.id, &transition));
    assert_true(uuid_eq(&r.state.transition_id, &run));
    assert_int_equal(r.state.timestamp_us, 1795475637500000);
    assert_str(r.reason, "full");
    r = read_reply(STR("{\"state\":null,\"status\":\"WAIT\",\"details\":{\"delay_seconds\":3}}"));
    assert_int_equal(r.verdict, PREFECT_WAIT);
    assert_int_equal(r.delay_ms, 3000);
    assert_false(r.state.present);
    r = read_reply(STR("{\"state\":null,\"status\":\"ABORT\",\"details\":{\"reason\":null}}"));
    assert_int_equal(r.verdict, PREFECT_ABORT);
    assert_int_equal(r.reason.n, 0);
    r = read_reply(STR("{\"state\":{\"type\":\"NEW\"},\"status\":\"ACCEPT\"}"));
    assert_int_equal(r.state.type, PREFECT_STATE_UNKNOWN);
}

static void broken_replies_are_errors(void **state)
{
    (void)state;
    struct prefect_state_reply r;
    assert_error(prefect_state_reply_read(&arena, STR("{"), &r, &error), ERR_INVALID, "set_state");
    assert_error(prefect_state_reply_read(&arena, STR("{\"status\":\"MAYBE\"}"), &r, &error),
                 ERR_INVALID, "MAYBE");
    assert_error(
        prefect_state_reply_read(&arena, STR("{\"status\":\"ACCEPT\",\"state\":{}}"), &r, &error),
        ERR_INVALID, "type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(body_has_every_key),
        TEST(types_go_both_ways),
        TEST(verdicts_are_read),
        TEST(broken_replies_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
