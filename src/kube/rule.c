/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/rule.h"

static str next_part(str *path)
{
    str part;
    str_cut(*path, '/', &part, path);
    return part;
}

/* Is "key=true" or "key=1" one of the query's parameters? */
static bool has_flag(str query, str key)
{
    while (query.n) {
        str pair, name, value;
        str_cut(query, '&', &pair, &query);
        str_cut(pair, '=', &name, &value);
        if (str_eq(name, key) && (str_eq(value, STR("true")) || str_eq(value, STR("1"))))
            return true;
    }
    return false;
}

static const char *verb_of(enum http_method method, bool collection, str query)
{
    switch (method) {
    case HTTP_GET:
        if (has_flag(query, STR("watch")))
            return "watch";
        return collection ? "list" : "get";
    case HTTP_POST:
        return "create";
    case HTTP_PUT:
        return "update";
    case HTTP_PATCH:
        return "patch";
    case HTTP_DELETE:
        return collection ? "deletecollection" : "delete";
    }
    return "?";
}

bool kube_rule_of(enum http_method method, str path, struct kube_rule *rule)
{
    str query;
    str_cut(path, '?', &path, &query);
    path = str_skip(path, 1);
    *rule = (struct kube_rule){0};
    str root = next_part(&path);
    if (str_eq(root, STR("apis")))
        rule->group = next_part(&path);
    else if (!str_eq(root, STR("api")))
        return false;
    next_part(&path); /* the version */
    str first = path;
    if (str_eq(next_part(&path), STR("namespaces"))) {
        str namespace = next_part(&path);
        if (path.n)
            rule->namespace = namespace;
        else
            path = first; /* the namespace itself */
    } else {
        path = first;
    }
    str resource = next_part(&path);
    rule->name = next_part(&path);
    if (!resource.n)
        return false;
    /* A subresource makes "pods/log"; with names of the path there is no contiguous view of it, so
     * only those that the worker uses are known. */
    rule->resource = resource;
    if (str_eq(resource, STR("pods")) && str_eq(path, STR("log")))
        rule->resource = STR("pods/log");
    else if (str_eq(resource, STR("jobs")) && str_eq(path, STR("status")))
        rule->resource = STR("jobs/status");
    rule->verb = verb_of(method, rule->name.n == 0, query);
    return true;
}
