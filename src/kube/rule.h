/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_RULE_H
#define KUBE_RULE_H

/*
 * What a request to the API server does, in the words of RBAC (Kubernetes' "Request verbs and
 * authorization"), for the line that tells which rule a Role lacks. Pure.
 */

#include "net/http.h"

struct kube_rule {    /* views of the path */
    const char *verb; /* "get", "list", "watch", "create", "update", "patch", "delete" ... */
    str group;        /* "batch"; empty: the core group */
    str resource;     /* "jobs", "pods/log" */
    str namespace;    /* empty: cluster scope */
    str name;         /* empty: the collection */
};

/* False where the path is none of the API's resources ("/version"). */
bool kube_rule_of(enum http_method method, str path, struct kube_rule *rule);

#endif
