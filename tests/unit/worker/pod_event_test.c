/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pod_event.h"

#include "base/time.h"
#include "pods_rig.h"

#define RESTARTED(count) "{\"name\": \"c\", \"restartCount\": " count "}"

/* -- ids: what Python's uuid5 gives for the JSON of these four values */

static struct kube_pod pod_of(const char *uid, const char *phase, const char *containers)
{
    return read_pod(
        str_printf(&arena,
                   "{\"metadata\": {\"name\": \"p\", \"namespace\": \"ns\", \"uid\": \"%s\"},"
                   " \"status\": {\"phase\": \"%s\", \"containerStatuses\": [%s], "
                   "\"initContainerStatuses\": [" RESTARTED("5") "]}}",
                   uid, phase, containers)
            .p);
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *uid, *phase, *containers, *diagnosis, *id;
    } known[] = {
        {POD_UID, "Pending", "", NULL, "afad6685-e2fd-5e58-b949-d1eed0a5f861"},
        {POD_UID, "Pending", "", "Unschedulable.InsufficientResources",
         "3429390a-817a-5b61-b138-02d7b15f001a"},
        {POD_UID, "Running", RESTARTED("0"), NULL, "0a3dac62-e883-569a-ae3e-d97e028b9b32"},
        {POD_UID, "Failed", RESTARTED("2"), "OOMKilled", "af834c6f-e151-5fac-8646-08cac38546e8"},
        {POD_UID, "Failed", RESTARTED("1") ", " RESTARTED("1"), "OOMKilled",
         "af834c6f-e151-5fac-8646-08cac38546e8"},
        {"\xC3\xA9-uid", "Running", RESTARTED("1"), NULL, "f87f47a2-70c2-50d4-95d9-5fa13eef9388"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct kube_pod pod = pod_of(known[i].uid, known[i].phase, known[i].containers);
        struct diagnosis d = {.category = known[i].diagnosis};
        struct uuid id = pod_event_id(&arena, &pod, known[i].diagnosis ? &d : NULL);
        char text[UUID_TEXT_LEN + 1];
        uuid_format(&id, text);
        assert_string_equal(text, known[i].id);
    }
}

/* A cause of ours, which has no category, must not change the id. */
static void test_own_causes_are_not_in_the_id(void **state)
{
    (void)state;
    struct kube_pod pod = pod_of(POD_UID, "Pending", "");
    struct diagnosis d = {.category = NULL, .cause = "InvalidImageName"};
    struct uuid with = pod_event_id(&arena, &pod, &d), without = pod_event_id(&arena, &pod, NULL);
    assert_true(uuid_eq(&with, &without));
}

/* -- evicted */

static void test_evicted(void **state)
{
    (void)state;
    struct diagnosis evicted = {.category = "Evicted"}, other = {.category = "OOMKilled"};
    struct diagnosis own = {.cause = "NodeLost"};
    struct kube_pod failed = pod_with("{\"phase\": \"Failed\"}"),
                    reason = pod_with("{\"phase\": \"Failed\", \"reason\": \"Evicted\"}"),
                    running = pod_with("{\"phase\": \"Running\", \"reason\": \"Evicted\"}");
    assert_false(pod_event_evicted(&arena, &failed, NULL));
    assert_false(pod_event_evicted(&arena, &failed, &other));
    assert_false(pod_event_evicted(&arena, &failed, &own));
    assert_true(pod_event_evicted(&arena, &failed, &evicted));
    assert_true(pod_event_evicted(&arena, &reason, NULL));
    assert_false(pod_event_evicted(&arena, &running, &evicted));
}

/* -- when */

static void occurred(const char *status, const char *want)
{
    int64_t now_us = 1, want_us = now_us;
    struct kube_pod pod = pod_with(status);
    if (want)
        assert_true(time_parse_rfc3339(str_of(want), &want_us));
    assert_true(pod_event_occurred_us(&arena, &pod, now_us) == want_us);
}

#define NAMED(state) "{\"name\": \"c\", \"state\": {" state "}}"
#define RUNNING(at) NAMED("\"running\": {\"startedAt\": \"2024-05-06T" at "Z\"}")
#define ENDED(at) NAMED("\"terminated\": {\"finishedAt\": \"2024-05-06T" at "Z\"}")
#define INIT(containers) "\"initContainerStatuses\": [" containers "]"
#define REGULAR(containers) "\"containerStatuses\": [" containers "]"
#define STARTED "\"startTime\": \"2024-05-06T08:30:00Z\""
#define PHASE(phase, rest) "{\"phase\": \"" phase "\"" rest "}"

static void test_occurred(void **state)
{
    (void)state;
    occurred(PHASE("Pending", ", " STARTED), "2024-05-06T07:08:09Z"); /* when it was created */
    /* the last regular container that runs */
    static const char two[] = RUNNING("09:00:00") ", " RUNNING("08:00:00");
    str running = str_printf(&arena, PHASE("Running", ", " REGULAR("%s") ", " INIT("%s")), two,
                             RUNNING("10:00:00"));
    occurred(running.p, "2024-05-06T09:00:00Z");
    occurred(PHASE("Running", ", " STARTED), "2024-05-06T08:30:00Z");
    /* the last of all that ended */
    static const char mixed[] = ENDED("09:00:00") ", " RUNNING("12:00:00");
    str over =
        str_printf(&arena, PHASE("Succeeded", ", " STARTED ", " REGULAR("%s") ", " INIT("%s")),
                   mixed, ENDED("11:00:00"));
    occurred(over.p, "2024-05-06T11:00:00Z");
    occurred(PHASE("Failed", ", " STARTED), NULL);
    occurred(PHASE("Running", ""), NULL);
    occurred(PHASE("Unknown", ", " STARTED), NULL);
}

/* -- the event */

static str written(const struct pod_event *event)
{
    struct buf out = buf_new(&arena, 16 * KIB);
    pod_event_write(&arena, &out, event);
    assert_false(out.full);
    return buf_str(&out);
}

static struct json parsed(str text)
{
    struct json root;
    struct err e;
    if (json_parse(&arena, text, &root, &e) != ERR_NONE)
        fail_msg("%s: " STR_FMT, e.text, STR_ARG(text));
    return root;
}

static void assert_raw(struct json v, const char *want)
{
    str raw = json_raw(v);
    if (!str_eq(raw, str_of(want)))
        fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(raw), want);
}

static const char labelled[] =
    "{\"metadata\": {\"name\": \"p\", \"namespace\": \"ns\", \"uid\": \"" POD_UID
    "\", \"labels\": {"
    "\"prefect.io/flow-run-id\": \"1111\", \"prefect.io/flow-run-name\": \"odd-owl\", "
    "\"prefect.io/deployment-id\": \"2222\", \"prefect.io/deployment-name\": \"nightly\", "
    "\"prefect.io/flow-id\": \"3333\", \"prefect.io/flow-name\": \"etl\", "
    "\"prefect.io/work-pool-id\": \"4444\", \"prefect.io/work-pool-name\": \"pool\", "
    "\"prefect.io/worker-name\": \"My-Worker_1\"}}, \"status\": {\"phase\": \"Running\"}}";

static void test_event(void **state)
{
    (void)state;
    struct kube_pod pod = read_pod(labelled);
    struct pod_event event = {.pod = &pod, .occurred_us = 1500000};
    event.id.bytes[15] = 1;
    str text = written(&event);
    struct json root = parsed(text);
    assert_raw(json_get(root, STR("occurred")), "\"1970-01-01T00:00:01.500000Z\"");
    assert_raw(json_get(root, STR("event")), "\"prefect.kubernetes.pod.running\"");
    assert_raw(json_get(root, STR("id")), "\"00000000-0000-0000-0000-000000000001\"");
    assert_raw(json_get(root, STR("payload")), "{}");
    assert_raw(json_get(root, STR("follows")), "null");
    struct json resource = json_get(root, STR("resource"));
    assert_int_equal(json_count(resource), 3);
    assert_raw(json_get(resource, STR("prefect.resource.id")),
               "\"prefect.kubernetes.pod." POD_UID "\"");
    assert_raw(json_get(resource, STR("prefect.resource.name")), "\"p\"");
    assert_raw(json_get(resource, STR("kubernetes.namespace")), "\"ns\"");
    struct json related = json_get(root, STR("related"));
    static const char *const want[][3] = {
        {"\"prefect.flow-run.1111\"", "\"flow-run\"", "\"odd-owl\""},
        {"\"prefect.deployment.2222\"", "\"deployment\"", "\"nightly\""},
        {"\"prefect.flow.3333\"", "\"flow\"", "\"etl\""},
        {"\"prefect.work-pool.4444\"", "\"work-pool\"", "\"pool\""},
        {"\"prefect.worker.kubernetes.my-worker-1\"", "\"worker\"", "\"My-Worker_1\""},
    };
    assert_int_equal(json_count(related), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct json r = json_at(related, i);
        assert_raw(json_get(r, STR("prefect.resource.id")), want[i][0]);
        assert_raw(json_get(r, STR("prefect.resource.role")), want[i][1]);
        assert_raw(json_get(r, STR("prefect.resource.name")), want[i][2]);
    }
    struct json worker = json_at(related, 4);
    assert_raw(json_get(worker, STR("prefect.worker-type")), "\"kubernetes\"");
    assert_raw(json_get(worker, STR("prefect.version")), "\"3.8.8\"");
}

/* The server refuses a batch with a label that is null, or an id that ends in nothing. */
static void test_event_without_labels(void **state)
{
    (void)state;
    struct kube_pod bare = pod_with("{\"phase\": \"Pending\"}");
    struct pod_event event = {.pod = &bare};
    assert_raw(json_get(parsed(written(&event)), STR("related")), "[]");
    struct kube_pod some = read_pod(
        "{\"metadata\": {\"name\": \"p\", \"namespace\": \"ns\", \"uid\": \"" POD_UID
        "\", \"labels\": {\"prefect.io/flow-run-id\": \"1111\", \"prefect.io/flow-id\": \"\", "
        "\"prefect.io/worker-name\": \"\"}}, \"status\": {\"phase\": \"Pending\"}}");
    event.pod = &some;
    struct json related = json_get(parsed(written(&event)), STR("related"));
    assert_int_equal(json_count(related), 1);
    assert_int_equal(json_count(json_at(related, 0)), 2);
    assert_int_equal(json_type(json_get(json_at(related, 0), STR("prefect.resource.name"))),
                     JSON_ABSENT);
}

static void test_event_of_trouble(void **state)
{
    (void)state;
    struct kube_pod pod = pod_with("{\"phase\": \"Failed\", \"containerStatuses\": [{\"name\": "
                                   "\"c\", \"state\": {\"terminated\": "
                                   "{\"reason\": \"Error\", \"exitCode\": 1}}}]}");
    struct uuid before = {{0xFF}};
    struct diagnosis d = {.category = "Evicted"};
    struct pod_event event = {.pod = &pod, .diagnosis = &d, .evicted = true, .follows = &before};
    struct json root = parsed(written(&event));
    assert_raw(json_get(root, STR("event")), "\"prefect.kubernetes.pod.evicted\"");
    assert_raw(json_get(root, STR("follows")), "\"ff000000-0000-0000-0000-000000000000\"");
    struct json resource = json_get(root, STR("resource"));
    assert_raw(json_get(resource, STR("kubernetes.diagnosis")), "\"Evicted\"");
    assert_raw(json_get(resource, STR("kubernetes.reason")), "\"Error\"");
    /* without a container that ended, the reason is the eviction itself */
    pod = pod_with("{\"phase\": \"Failed\", \"reason\": \"Evicted\"}");
    d = (struct diagnosis){.category = NULL, .cause = "NodeLost"};
    resource = json_get(parsed(written(&event)), STR("resource"));
    assert_raw(json_get(resource, STR("kubernetes.reason")), "\"Evicted\"");
    assert_int_equal(json_type(json_get(resource, STR("kubernetes.diagnosis"))), JSON_ABSENT);
    event.evicted = false;
    root = parsed(written(&event));
    assert_raw(json_get(root, STR("event")), "\"prefect.kubernetes.pod.failed\"");
    assert_int_equal(json_count(json_get(root, STR("resource"))), 3);
}

static void test_too_little_room(void **state)
{
    (void)state;
    struct kube_pod pod = read_pod(labelled);
    struct pod_event event = {.pod = &pod};
    struct buf out = buf_new(&arena, 200);
    pod_event_write(&arena, &out, &event);
    assert_true(out.full);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ids),
        TEST(test_own_causes_are_not_in_the_id),
        TEST(test_evicted),
        TEST(test_occurred),
        TEST(test_event),
        TEST(test_event_without_labels),
        TEST(test_event_of_trouble),
        TEST(test_too_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
