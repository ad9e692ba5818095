/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "worker/refusal.h"

static struct diagnosis diagnosed(const char *message)
{
    struct diagnosis d;
    refusal_diagnose(&arena, str_of(message), &d);
    assert_null(d.category); /* not one of the Python worker's: never part of an event's id */
    return d;
}

static void every_cause(void **state)
{
    (void)state;
    static const struct {
        const char *message, *cause, *remedy;
    } cases[] = {
        {"Error creating: pods \"j-x\" is forbidden: exceeded quota: compute, requested: cpu=1, "
         "used: cpu=4, limited: cpu=4",
         "QuotaExceeded", "ResourceQuota"},
        {"Error creating: pods \"j-x\" is forbidden: failed quota: compute: must specify "
         "limits.cpu for: prefect-job",
         "QuotaNeedsLimits", "limits"},
        {"Error creating: pods \"j-x\" is forbidden: violates PodSecurity \"restricted:latest\": "
         "runAsNonRoot != true",
         "PodSecurity", "securityContext"},
        {"Error creating: Internal error occurred: failed calling webhook \"a.b\": refused",
         "AdmissionWebhookFailed", "service"},
        {"Error creating: admission webhook \"a.b\" denied the request: no", "AdmissionWebhook",
         "webhook allows"},
        {"Error creating: pods \"j-\" is forbidden: error looking up service account n/s: "
         "serviceaccount \"s\" not found",
         "ServiceAccountMissing", "service_account_name"},
        {"Error creating: pods \"j-\" is forbidden: no PriorityClass with name p was found",
         "PriorityClassMissing", "priorityClassName"},
        {"Error creating: pods \"j-\" is forbidden: maximum memory usage per Container is 1Gi, "
         "but limit is 2Gi",
         "LimitRange", "LimitRange"},
        {"Error creating: Pod \"j-\" is invalid: spec.x: Required value", "PodInvalid", "template"},
        {"something new", "FailedCreate", "again"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct diagnosis d = diagnosed(cases[i].message);
        assert_string_equal(d.cause, cases[i].cause);
        assert_true(str_has(d.text, str_of(cases[i].remedy)));
        assert_false(str_has(d.text, STR("Error creating")));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(d.key, diagnosed(cases[j].message).key);
    }
}

static void the_same_cause_has_the_same_key(void **state)
{
    (void)state;
    uint64_t first = diagnosed("Error creating: pods \"j-aaaaa\" is forbidden: exceeded quota: q, "
                               "requested: cpu=1, used: cpu=3500m, limited: cpu=4")
                         .key;
    uint64_t second = diagnosed("(combined from similar events): Error creating: pods \"j-bbbbb\" "
                                "is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=4, "
                                "limited: cpu=4")
                          .key;
    uint64_t other = diagnosed("Error creating: pods \"j-aaaaa\" is forbidden: exceeded quota: "
                               "other, requested: cpu=1, used: cpu=4, limited: cpu=4")
                         .key;
    assert_int_equal(first, second);
    assert_int_not_equal(first, other);
}

#define EVENT(type, reason, second)                                                          \
    "{\"type\":\"" type "\",\"reason\":\"" reason "\",\"message\":\"m\",\"firstTimestamp\":" \
    "\"2026-01-02T03:04:00Z\",\"lastTimestamp\":\"2026-01-02T03:04:" second "Z\"}"
#define LIST(items) "{\"items\":[" items "]}"

static void refused_lately(void **state)
{
    (void)state;
    struct kube_event event;
    assert_true(refusal_newest(&arena, STR(LIST(EVENT("Warning", "FailedCreate", "05"))), &event));
    assert_true(refusal_newest(&arena,
                               STR(LIST(EVENT("Normal", "SuccessfulCreate",
                                              "04") "," EVENT("Warning", "FailedCreate", "05"))),
                               &event));
    /* A pod was made since. */
    assert_false(refusal_newest(&arena,
                                STR(LIST(EVENT("Warning", "FailedCreate", "05") "," EVENT(
                                    "Normal", "SuccessfulCreate", "06"))),
                                &event));
    assert_false(
        refusal_newest(&arena, STR(LIST(EVENT("Warning", "BackoffLimitExceeded", "05"))), &event));
    assert_false(refusal_newest(&arena, STR(LIST("")), &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_cause),
        TEST(the_same_cause_has_the_same_key),
        TEST(refused_lately),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
