/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/job.h"
#include "kube/pod.h"

#define META                                                                         \
    "\"metadata\":{\"name\":\"j\",\"namespace\":\"n\",\"uid\":"                      \
    "\"11111111-2222-4333-8444-555555555555\",\"resourceVersion\":\"42\","           \
    "\"creationTimestamp\":\"2026-01-02T03:04:05Z\",\"labels\":{\"prefect.io/x.y\":" \
    "\"v\\u00e4\",\"empty\":\"\"}}"

static struct kube_job job_of(const char *text)
{
    struct kube_job job;
    if (kube_job_read(&arena, str_of(text), &job, &error))
        fail_msg("%s", error.text);
    return job;
}

static struct kube_pod pod_of(const char *text)
{
    struct kube_pod pod;
    if (kube_pod_read(&arena, str_of(text), &pod, &error))
        fail_msg("%s", error.text);
    return pod;
}

static void metadata_and_labels(void **state)
{
    (void)state;
    struct kube_job job = job_of("{" META "}");
    assert_str(job.meta.name, "j");
    assert_str(job.meta.namespace, "n");
    assert_str(job.meta.uid_text, "11111111-2222-4333-8444-555555555555");
    assert_int_equal(job.meta.uid.bytes[15], 0x55);
    assert_str(job.meta.resource_version, "42");
    assert_int_equal(job.meta.created_us, 1767323045000000);
    assert_false(job.meta.deleting);
    assert_str(kube_label(&arena, &job.meta, "prefect.io/x.y"), "v\xc3\xa4");
    assert_non_null(kube_label(&arena, &job.meta, "empty").p);
    assert_null(kube_label(&arena, &job.meta, "absent").p);
    struct kube_job ignored;
    assert_error(kube_job_read(&arena, STR("{\"metadata\":{\"name\":\"x\"}}"), &ignored, &error),
                 ERR_INVALID, "no uid");
    assert_error(kube_job_read(&arena, STR("{}"), &ignored, &error), ERR_INVALID, "no name");
    assert_error(kube_job_read(&arena, STR("{"), &ignored, &error), ERR_INVALID, "a Job");
}

static void a_job_and_its_end(void **state)
{
    (void)state;
    struct kube_job job = job_of("{" META ",\"spec\":{},\"status\":{}}");
    assert_int_equal(job.backoff_limit, 6);
    assert_true(kube_job_live(&job));
    job =
        job_of("{" META ",\"spec\":{\"backoffLimit\":0,\"suspend\":true},\"status\":{\"active\":1,"
               "\"ready\":2,\"succeeded\":3,\"failed\":4,\"startTime\":\"2026-01-02T03:04:05Z\","
               "\"completionTime\":\"2026-01-02T03:04:06Z\",\"conditions\":null}}");
    assert_int_equal(job.backoff_limit, 0);
    assert_true(job.suspended);
    assert_int_equal(job.active, 1);
    assert_int_equal(job.ready, 2);
    assert_int_equal(job.succeeded, 3);
    assert_int_equal(job.failed, 4);
    assert_int_equal(job.completed_us - job.started_us, 1000000);
    job = job_of("{" META ",\"status\":{\"conditions\":[{\"type\":\"Suspended\",\"status\":"
                 "\"False\"},{\"type\":\"FailureTarget\",\"status\":\"True\",\"reason\":"
                 "\"PodFailurePolicy\"},{\"type\":\"Failed\",\"status\":\"True\",\"reason\":"
                 "\"DeadlineExceeded\",\"message\":\"too long\"}]}}");
    assert_true(job.failed_condition);
    assert_false(job.complete);
    assert_false(kube_job_live(&job));
    assert_str(job.failed_reason, "DeadlineExceeded");
    assert_str(job.failed_message, "too long");
    job = job_of("{" META ",\"status\":{\"conditions\":[{\"type\":\"FailureTarget\",\"status\":"
                 "\"True\",\"reason\":\"x\"}]}}");
    assert_false(job.failed_condition);
    assert_str(job.failed_reason, "x");
    job = job_of("{" META ",\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":"
                 "\"True\"},{\"type\":\"Failed\",\"status\":\"False\"}]}}");
    assert_true(job.complete);
    assert_false(job.failed_condition);
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
        TEST(metadata_and_labels),
        TEST(a_job_and_its_end),
        TEST(a_bare_pod),
        TEST(containers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
