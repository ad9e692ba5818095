/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "kube/rule.h"

static void rules_of_requests(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path, *verb, *group, *resource, *namespace, *name;
    } cases[] = {
        {HTTP_POST, "/apis/batch/v1/namespaces/ns/jobs", "create", "batch", "jobs", "ns", ""},
        {HTTP_GET, "/apis/batch/v1/namespaces/ns/jobs/j", "get", "batch", "jobs", "ns", "j"},
        {HTTP_GET, "/apis/batch/v1/jobs?limit=500", "list", "batch", "jobs", "", ""},
        {HTTP_GET, "/api/v1/pods?watch=true&x=1", "watch", "", "pods", "", ""},
        {HTTP_GET, "/api/v1/pods?x=1&watch=1", "watch", "", "pods", "", ""},
        {HTTP_GET, "/api/v1/pods?watch=false", "list", "", "pods", "", ""},
        {HTTP_GET, "/api/v1/namespaces/ns/pods/p/log?follow=true", "get", "", "pods/log", "ns",
         "p"},
        {HTTP_PATCH, "/api/v1/namespaces/ns/secrets/s", "patch", "", "secrets", "ns", "s"},
        {HTTP_PUT, "/api/v1/namespaces/ns/secrets/s", "update", "", "secrets", "ns", "s"},
        {HTTP_DELETE, "/apis/batch/v1/namespaces/ns/jobs/j?x=y", "delete", "batch", "jobs", "ns",
         "j"},
        {HTTP_DELETE, "/apis/batch/v1/namespaces/ns/jobs", "deletecollection", "batch", "jobs",
         "ns", ""},
        {HTTP_GET, "/api/v1/namespaces/kube-system", "get", "", "namespaces", "", "kube-system"},
        {HTTP_GET, "/api/v1/namespaces", "list", "", "namespaces", "", ""},
        {HTTP_GET, "/api/v1/nodes/n", "get", "", "nodes", "", "n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_rule r;
        assert_true(kube_rule_of(cases[i].method, str_of(cases[i].path), &r));
        assert_string_equal(r.verb, cases[i].verb);
        assert_true(str_eq(r.group, str_of(cases[i].group)));
        assert_true(str_eq(r.resource, str_of(cases[i].resource)));
        assert_true(str_eq(r.namespace, str_of(cases[i].namespace)));
        assert_true(str_eq(r.name, str_of(cases[i].name)));
    }
    struct kube_rule r;
    assert_false(kube_rule_of(HTTP_GET, STR("/version"), &r));
    assert_false(kube_rule_of(HTTP_GET, STR("/api/v1"), &r));
    assert_false(kube_rule_of(HTTP_GET, STR(""), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rules_of_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
