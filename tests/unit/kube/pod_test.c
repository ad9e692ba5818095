/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/meta.h"
#include "kube/pod.h"

static struct kube_pod pod_of(const char *text)
{
    struct kube_pod pod;
    if (kube_pod_read(&arena, str_of(text), &pod, &error))
        fail_msg("%s", error.text);
    return pod;
}

static void a_bare_pod(void **state)
{
    (void)state;
    struct kube_container c;
    struct kube_pod pod = pod_of("{" META "}");
    assert_int_equal(pod.phase.n, 0);
    assert_false(kube_pod_container(&arena, &pod, 0, &c));
    assert_int_equal(kube_pod_restarts(&arena, &pod), 0);
    pod = pod_of("{" META ",\"spec\":null,\"status\":{\"phase\":\"Pending\",\"containerStatuses\":"
                 "null,\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
                 "\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes\"},"
                 "{\"type\":\"DisruptionTarget\",\"status\":\"False\",\"reason\":\"no\"}]}}");
    assert_str(pod.phase, "Pending");
    assert_false(pod.scheduled);
    assert_str(pod.scheduled_reason, "Unschedulable");
    assert_str(pod.scheduled_message, "0/1 nodes");
    assert_int_equal(pod.disruption_reason.n, 0);
    assert_false(kube_pod_container(&arena, &pod, 0, &c));
}

static void containers_in_order(void **state)
{
    (void)state;
    struct kube_container c;
    struct kube_pod pod = pod_of(
        "{" META
        ",\"spec\":{\"nodeName\":\"node-1\",\"initContainers\":[{\"name\":\"i\"}],\"containers\":["
        "{\"name\":\"a\",\"resources\":{\"limits\":{\"memory\":\"64Mi\"}}},{\"name\":\"b\"}]},"
        "\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low\","
        "\"startTime\":\"2026-01-02T03:04:05Z\",\"initContainerStatuses\":[{\"name\":\"i\","
        "\"restartCount\":9,\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}}],"
        "\"containerStatuses\":[{\"name\":\"a\",\"restartCount\":2,\"state\":{\"terminated\":"
        "{\"exitCode\":137,\"signal\":9,\"reason\":\"OOMKilled\",\"message\":\"m\",\"startedAt\":"
        "\"2026-01-02T03:04:05Z\",\"finishedAt\":\"2026-01-02T03:04:07Z\"}},\"lastState\":"
        "{\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}},{\"name\":\"b\",\"restartCount\":"
        "1,"
        "\"state\":{\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"why\"}},\"lastState\":{}"
        "}"
        ",{\"state\":{\"running\":{\"startedAt\":\"2026-01-02T03:04:05Z\"}}},{\"name\":\"d\"}]}}");
    assert_str(pod.node, "node-1");
    assert_str(pod.reason, "Evicted");
    assert_int_equal(kube_pod_restarts(&arena, &pod), 3);
    assert_true(kube_pod_container(&arena, &pod, 0, &c));
    assert_true(c.init);
    assert_str(c.name, "i");
    assert_int_equal(c.exit_code, 0);
    assert_true(kube_pod_container(&arena, &pod, 1, &c));
    assert_false(c.init);
    assert_int_equal(c.phase, KUBE_TERMINATED);
    assert_int_equal(c.exit_code, 137);
    assert_int_equal(c.signal, 9);
    assert_str(c.reason, "OOMKilled");
    assert_str(c.memory_limit, "64Mi");
    assert_int_equal(c.finished_us - c.started_us, 2000000);
    assert_true(c.last_terminated);
    assert_int_equal(c.last_exit_code, 1);
    assert_true(kube_pod_container(&arena, &pod, 2, &c));
    assert_int_equal(c.phase, KUBE_WAITING);
    assert_str(c.reason, "ErrImagePull");
    assert_str(c.message, "why");
    assert_int_equal(c.exit_code, -1);
    assert_false(c.last_terminated);
    assert_int_equal(c.memory_limit.n, 0);
    assert_true(kube_pod_container(&arena, &pod, 3, &c));
    assert_int_equal(c.phase, KUBE_RUNNING);
    assert_int_equal(c.name.n, 0);
    assert_true(kube_pod_container(&arena, &pod, 4, &c));
    assert_int_equal(c.phase, KUBE_CONTAINER_UNKNOWN);
    assert_false(kube_pod_container(&arena, &pod, 5, &c));
    str name;
    bool init;
    assert_true(kube_pod_spec_container(&arena, &pod, 0, &name, &init) && init);
    assert_true(kube_pod_spec_container(&arena, &pod, 2, &name, &init) && !init);
    assert_str(name, "b");
    assert_false(kube_pod_spec_container(&arena, &pod, 3, &name, &init));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_pod),
        TEST(containers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
