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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metadata_and_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
