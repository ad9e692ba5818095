/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/status.h"

static void describe(int status, const char *body, struct err *e)
{
    struct http_reply reply = {.kind = err_kind_of_status(status), .status = status};
    struct kube_status read;
    err_set(&reply.err, reply.kind, "POST https://x/: HTTP %d", status);
    kube_status_parse(&arena, str_of(body), &read);
    struct kube_refusal refusal = {
        .method = HTTP_POST,
        .path = STR("/apis/batch/v1/namespaces/ns/jobs"),
        .credential = STR("the token in /t"),
        .reply = &reply,
        .status = &read,
    };
    kube_refusal_describe(&refusal, e);
    assert_int_equal(e->kind, reply.kind);
}

static void a_missing_verb_is_named(void **state)
{
    (void)state;
    describe(403,
             "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"code\":403,\"message\":"
             "\"jobs.batch is forbidden: User \\\"u\\\" cannot create resource \\\"jobs\\\" in API "
             "group \\\"batch\\\" in the namespace \\\"ns\\\"\"}",
             &error);
    assert_string_equal(error.text,
                        "not allowed to create jobs in namespace ns; the Role needs the rule "
                        "apiGroups: [\"batch\"], resources: [\"jobs\"], verbs: [\"create\"]. The "
                        "API server says: jobs.batch is forbidden: User \"u\" cannot create "
                        "resource \"jobs\" in API group \"batch\" in the namespace \"ns\"");
}

static void other_refusals_speak_for_themselves(void **state)
{
    (void)state;
    describe(403,
             "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"jobs \\\"x\\\" is "
             "forbidden: exceeded quota: q\"}",
             &error);
    assert_string_equal(error.text, "cannot create jobs in namespace ns (403 Forbidden): jobs "
                                    "\"x\" is forbidden: exceeded quota: q");
    describe(401, "{\"kind\":\"Status\",\"message\":\"Unauthorized\"}", &error);
    assert_true(str_has(str_of(error.text), STR("the token in /t (401)")));
    describe(502, "<html>", &error);
    assert_string_equal(error.text, "POST https://x/: HTTP 502");
    describe(500, "{\"kind\":\"Other\",\"message\":\"m\"}", &error);
    assert_string_equal(error.text, "POST https://x/: HTTP 500");
}

static void a_status_has_its_parts(void **state)
{
    (void)state;
    struct kube_status s;
    kube_status_parse(&arena,
                      STR("{\"kind\":\"Status\",\"reason\":\"TooManyRequests\",\"code\":429,"
                          "\"details\":{\"retryAfterSeconds\":7}}"),
                      &s);
    assert_str(s.reason, "TooManyRequests");
    assert_int_equal(s.code, 429);
    assert_int_equal(s.retry_s, 7);
    kube_status_parse(&arena, STR("nonsense"), &s);
    assert_int_equal(s.retry_s, -1);
    assert_int_equal(s.reason.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_verb_is_named),
        TEST(other_refusals_speak_for_themselves),
        TEST(a_status_has_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
