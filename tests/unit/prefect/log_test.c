/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/prefect_rig.h"

#include "base/uuid.h"
#include "prefect/log.h"

static struct prefect_logs *logs;
static const struct uuid run = {{0x11}};
#define RUN "11000000-0000-0000-0000-000000000000"
#define AT_US 1795475659231416

static void open_logs(struct prefect_logs_options o)
{
    begin();
    script.statuses[0] = "201 Created";
    script.bodies[0] = "";
    struct prefect_options with = options();
    connect_with(&with);
    o.enabled = true;
    o.bytes_max = o.bytes_max ? o.bytes_max : 64 * KIB;
    logs = prefect_logs_open(&perm, loop, client, &o);
}

static void put(const char *message)
{
    assert_true(
        prefect_logs_put(logs, LOG_INFO, "prefect.flow_runs.worker", &run, AT_US, str_of(message)));
}

static void wait_until_idle(void)
{
    for (int i = 0; i < 400 && !prefect_logs_idle(logs); i++)
        turn_for(10);
    assert_true(prefect_logs_idle(logs));
}

static void a_line_is_posted(void **state)
{
    (void)state;
    open_logs((struct prefect_logs_options){
        .batch_interval_s = 0.03, .batch_size = 4000, .max_log_size = 1000});
    put("one \"\xc3\xa4\"\n");
    put("two");
    turn_for(5);
    assert_int_equal(script.count, 0);
    wait_until_idle();
    assert_int_equal(script.count, 1);
    assert_has(script.requests[0], "POST /logs/ HTTP/1.1\r\n");
    assert_string_equal(body_of(0),
                        "[{\"name\":\"prefect.flow_runs.worker\",\"level\":20,"
                        "\"timestamp\":\"2026-11-23T23:14:19.231416Z\",\"flow_run_id\":\"" RUN "\","
                        "\"task_run_id\":null,\"message\":\"one \\\"\xc3\xa4\\\"\\n\"},"
                        "{\"name\":\"prefect.flow_runs.worker\",\"level\":20,"
                        "\"timestamp\":\"2026-11-23T23:14:19.231416Z\",\"flow_run_id\":\"" RUN "\","
                        "\"task_run_id\":null,\"message\":\"two\"}]");
    server_stop(&server);
}

/* The frame, as json.dumps prints it with an empty message, has 184 bytes. */
static void a_long_line_is_cut(void **state)
{
    (void)state;
    char message[301];
    open_logs((struct prefect_logs_options){
        .batch_interval_s = 0, .batch_size = 4000, .max_log_size = 400});
    memset(message, 'x', 300);
    message[216] = '\0';
    put(message);
    wait_until_idle();
    assert_null(strstr(body_of(0), "truncated"));
    message[216] = 'x';
    message[217] = '\0';
    put(message);
    wait_until_idle();
    /* One byte too many: 217 - 1 - 50 characters are kept. */
    char want[300];
    snprintf(want, sizeof want, "\"message\":\"%.166s... [truncated]\"}]", message);
    assert_has(body_of(1), want);
    /* Characters that are escaped count with their escapes, and are never halved. */
    for (int i = 0; i < 60; i++)
        memcpy(message + 2 * i, "\xc3\xa4", 2);
    message[120] = '\0';
    put(message); /* 60 * 6 = 360, 144 too many: 60 - 144 - 50 is less than none */
    wait_until_idle();
    assert_has(body_of(2), "\"message\":\"... [truncated]\"}]");
    server_stop(&server);
}

static void a_full_batch_does_not_wait(void **state)
{
    (void)state;
    open_logs((struct prefect_logs_options){
        .batch_interval_s = 60, .batch_size = 1000, .max_log_size = 500});
    put("1");
    put("2");
    turn_for(20);
    assert_int_equal(script.count, 0);
    put("3"); /* 3 * 185 is above 1000 - 500 */
    wait_until_idle();
    assert_int_equal(script.count, 1);
    put("4");
    prefect_logs_flush(logs);
    wait_until_idle();
    assert_int_equal(script.count, 2);
    server_stop(&server);
}

static void switched_off_takes_everything(void **state)
{
    (void)state;
    struct prefect_logs_options o = {.enabled = false};
    logs = prefect_logs_open(&perm, loop, client, &o);
    put("x");
    prefect_logs_flush(logs);
    assert_true(prefect_logs_idle(logs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_posted),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(a_full_batch_does_not_wait),
        cmocka_unit_test(switched_off_takes_everything),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
