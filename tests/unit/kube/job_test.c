/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/job.h"
#include "kube/meta.h"

static struct kube_job job_of(const char *text)
{
    struct kube_job job;
    if (kube_job_read(&arena, str_of(text), &job, &error))
        fail_msg("%s", error.text);
    return job;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_and_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
