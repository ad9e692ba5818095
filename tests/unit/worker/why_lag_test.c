/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why_rig.h"

static struct why_lag lag;

#define AT(type, name, second, scheduled)                                               \
    "{\"id\":\"" RUN_ID "\",\"type\":\"" type "\",\"name\":\"" name "\",\"timestamp\":" \
    "\"2026-01-02T03:00:" second "Z\",\"state_details\":{\"scheduled_time\":" scheduled "}}"
#define SCHEDULED(name, second, at) AT("SCHEDULED", name, second, "\"2026-01-02T03:00:" at "Z\"")

static void read_states(const char *states)
{
    begin_with(RUN("COMPLETED", "Completed", "", ""));
    why_take_states(&arena, str_of(states), &f);
    why_lag_read(&arena, &f, &lag);
}

static void assert_lag(enum why_step step, double s)
{
    assert_int_equal(why_lag_us(&lag, step), (int64_t)(s * 1e6));
}

static void by_states_alone(void **state)
{
    (void)state;
    read_states("[" SCHEDULED("Scheduled", "01", "05") "," SCHEDULED("Late", "06", "05") "," AT(
        "PENDING", "Pending", "08.500000",
        "null") "," AT("PENDING", "Submitting", "09",
                       "null") "," AT("RUNNING", "Running", "20",
                                      "null") "," AT("COMPLETED", "Completed", "30", "null") "]");
    assert_lag(WHY_DUE, -1e-6);
    assert_lag(WHY_CLAIMED, 3.5);
    assert_lag(WHY_JOB_CREATED, -1e-6);
    assert_lag(WHY_FIRST_CONTACT, 11.5);
    char text[1024];
    struct buf b = buf_over(text, sizeof text);
    why_lag_sentence(&b, &lag);
    assert_str(buf_str(&b), " From due to first contact it took 15 s: 3.5 s until it was claimed, "
                            "12 s until the run's process reported.");
}

/* A wait for a slot is scheduled anew; it was due when it was first. */
static void waiting_for_a_slot(void **state)
{
    (void)state;
    read_states("[" SCHEDULED("Scheduled", "01", "02") "," SCHEDULED(
        "AwaitingConcurrencySlot", "03", "33") "," AT("PENDING", "Pending", "40", "null") "]");
    assert_lag(WHY_CLAIMED, 38);
    assert_lag(WHY_FIRST_CONTACT, -1e-6);
    char text[64];
    struct buf b = buf_over(text, sizeof text);
    why_lag_sentence(&b, &lag);
    assert_int_equal(b.n, 0);
}

/* The second attempt of a run that was rescheduled. */
static void the_last_attempt(void **state)
{
    (void)state;
    read_states(
        "[" SCHEDULED("Scheduled", "01", "01") "," AT("PENDING", "Pending", "02", "null") "," AT(
            "RUNNING", "Running", "03",
            "null") "," SCHEDULED("AwaitingRetry", "10",
                                  "20") "," AT("PENDING", "Pending", "21",
                                               "null") "," AT("RUNNING", "Running", "24",
                                                              "null") "]");
    assert_lag(WHY_CLAIMED, 1);
    assert_lag(WHY_FIRST_CONTACT, 3);
}

static void by_job_and_pod(void **state)
{
    (void)state;
    begin_with(RUN("RUNNING", "Running", "", ""));
    why_take_states(&arena,
                    STR("[" SCHEDULED("Scheduled", "01", "05") "," AT(
                        "PENDING", "Pending", "10.900000", "null") "," AT("RUNNING", "Running",
                                                                          "25", "null") "]"),
                    &f);
    /* Made at 03:00:10 by Kubernetes' clock, which tells no fractions: not before the claim. */
    why_take_jobs(&arena, STR(JOB("", "")), &f);
    why_take_pods(&arena,
                  STR(POD("\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\","
                          "\"lastTransitionTime\":\"2026-01-02T03:00:11Z\"}],"
                          "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":"
                          "{\"exitCode\":0,\"startedAt\":\"2026-01-02T03:00:22Z\"}}}]")),
                  &f);
    why_take_pod_events(&arena,
                        STR(LIST("{\"type\":\"Normal\",\"reason\":\"Pulled\",\"firstTimestamp\":"
                                 "\"2026-01-02T03:00:21Z\"}")),
                        &f);
    why_lag_read(&arena, &f, &lag);
    assert_lag(WHY_JOB_CREATED, 0);
    assert_lag(WHY_POD_SCHEDULED, 0.1);
    assert_lag(WHY_IMAGE_PULLED, 10);
    assert_lag(WHY_CONTAINER_STARTED, 1);
    assert_lag(WHY_FIRST_CONTACT, 3);
    assert_string_equal(why_step_name(WHY_IMAGE_PULLED), "image_pulled");
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {{0, "0.0 s"},
                 {40000, "0.0 s"},
                 {50000, "0.1 s"},
                 {9949999, "9.9 s"},
                 {9950000, "10 s"},
                 {59499999, "59 s"},
                 {59500000, "1 min 0 s"},
                 {3599499999, "59 min 59 s"},
                 {3600000000, "1 h 0 min"},
                 {86400000000, "1 d 0 h"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        struct buf b = buf_over(text, sizeof text);
        why_put_duration(&b, cases[i].us);
        assert_true(str_eq(buf_str(&b), str_of(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_states_alone), TEST(waiting_for_a_slot), TEST(the_last_attempt),
        TEST(by_job_and_pod),  TEST(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
