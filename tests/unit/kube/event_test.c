/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/event.h"

#define OLD                                                                                \
    "{\"metadata\":{\"name\":\"a\"},\"type\":\"Warning\",\"reason\":\"FailedCreate\","     \
    "\"message\":\"first\",\"firstTimestamp\":\"2026-01-02T03:04:05Z\",\"lastTimestamp\":" \
    "\"2026-01-02T03:04:09Z\",\"count\":3,\"eventTime\":null}"
#define NEW                                                                                   \
    "{\"metadata\":{\"name\":\"b\",\"creationTimestamp\":\"2026-01-02T03:04:01Z\"},\"type\":" \
    "\"Normal\",\"reason\":\"Scheduled\",\"message\":\"second\",\"firstTimestamp\":null,"     \
    "\"lastTimestamp\":null,\"eventTime\":\"2026-01-02T03:04:06.500000Z\"}"
#define SERIES                                                                               \
    "{\"type\":\"Warning\",\"reason\":\"FailedCreate\",\"message\":\"third\",\"eventTime\":" \
    "\"2026-01-02T03:04:02Z\",\"series\":{\"count\":9,\"lastObservedTime\":"                 \
    "\"2026-01-02T03:04:10.250000Z\"}}"
#define LIST(items) "{\"kind\":\"EventList\",\"items\":[" items "]}"

static struct kube_event event_of(const char *text)
{
    struct kube_event event;
    struct json root;
    assert_int_equal(json_parse(&arena, str_of(text), &root, &error), ERR_NONE);
    kube_event_read(&arena, root, &event);
    return event;
}

static void both_generations(void **state)
{
    (void)state;
    struct kube_event event = event_of(OLD);
    assert_str(event.type, "Warning");
    assert_str(event.reason, "FailedCreate");
    assert_str(event.message, "first");
    assert_int_equal(event.last_us - event.first_us, 4000000);
    event = event_of(NEW);
    assert_int_equal(event.first_us % 1000000, 500000);
    assert_int_equal(event.first_us, event.last_us);
    event = event_of(SERIES);
    assert_int_equal(event.last_us - event.first_us, 8250000);
    event = event_of("{}");
    assert_int_equal(event.last_us, 0);
    assert_int_equal(event.message.n, 0);
}

static void the_newest(void **state)
{
    (void)state;
    struct kube_event event = {0};
    str all = STR(LIST(OLD "," SERIES "," NEW));
    assert_true(kube_event_newest(&arena, all, STR("Warning"), STR(""), &event));
    assert_str(event.message, "third");
    assert_true(kube_event_newest(&arena, all, STR(""), STR("Scheduled"), &event));
    assert_str(event.message, "second");
    assert_false(kube_event_newest(&arena, all, STR("Normal"), STR("FailedCreate"), &event));
    assert_false(kube_event_newest(&arena, STR(LIST("")), STR(""), STR(""), &event));
    assert_false(kube_event_newest(&arena, STR("{"), STR(""), STR(""), &event));
    /* Of the same second: the later one of the list. */
    assert_true(kube_event_newest(&arena, STR(LIST(OLD "," OLD)), STR(""), STR(""), &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(both_generations), TEST(the_newest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
