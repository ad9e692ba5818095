/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

/* Refusals of the API server (metav1.Status) as values and as one line for people. Pure. */

#include "format/json.h"
#include "net/http.h"

struct kube_status { /* views of the document or of `out`; empty where it is no Status */
    str reason;      /* "AlreadyExists", "Expired" ... */
    str message;
    int64_t code;    /* 0: not said */
    int64_t retry_s; /* details.retryAfterSeconds; -1: not said */
};
void kube_status_read(struct arena *out, struct json v, struct kube_status *status);
void kube_status_parse(struct arena *out, str text, struct kube_status *status);

struct kube_refusal {
    enum http_method method;
    str path;       /* of the request */
    str credential; /* its name, for 401 */
    const struct http_reply *reply;
    const struct kube_status *status;
};
/* Fills *e: for 403 of RBAC the missing verb, resource and namespace, and the Role's rule. */
void kube_refusal_describe(const struct kube_refusal *refusal, struct err *e);

#endif
