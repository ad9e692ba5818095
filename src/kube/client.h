/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

/*
 * Requests to one API server with its credentials. A 401 makes the credential fresh (token file
 * read again, exec plugin run again) and repeats the request once; while a plugin runs, requests
 * wait. Nothing else is repeated here: what is safe to repeat is known by the caller.
 */

#include "kube/config.h"

struct kube;

/* Memory from `perm`; *config must stay valid. */
enum err_kind kube_open(struct arena *perm, struct loop *loop, struct http *http,
                        const struct kube_config *config, struct kube **kube,
                        struct err *e) MUST_CHECK;
const struct kube_config *kube_config_of(const struct kube *kube);

struct kube_reply {
    const struct http_reply *http; /* its kind, status, body, arena; never NULL: status 0 where no
                                      exchange took place (a credential plugin failed) */
    enum err_kind kind;            /* as http->kind */
    /* Of a Status body (metav1.Status); empty where the body is none. */
    str reason; /* "AlreadyExists", "Conflict", "Forbidden", "Invalid", "Expired" ... */
    str message;
    const struct err *err; /* one line for people: verb, resource, reason; for 403 the missing verb,
                              resource and namespace with the rule that a Role needs */
};
typedef void kube_done_fn(void *ctx, const struct kube_reply *reply);

struct kube_request {
    enum http_method method;
    str path;         /* "/apis/batch/v1/namespaces/x/jobs", encoded, with query */
    str content_type; /* empty: application/json where there is a body */
    str body;
    int64_t timeout_ms;      /* 0: 30 s; -1: none */
    int64_t idle_timeout_ms; /* 0: none */
    size_t body_max;
    http_data_fn *on_data;
    kube_done_fn *on_done;
    void *ctx;
};

typedef slot_id kube_id;
/* As http_send; the request is copied. */
enum err_kind kube_send(struct kube *kube, const struct kube_request *request, kube_id *id,
                        struct err *e) MUST_CHECK;
void kube_cancel(struct kube *kube, kube_id id);
void kube_resume(struct kube *kube, kube_id id);

/* The head of a 2xx reply has arrived: a stream stands. False for a stale id. */
bool kube_answered(const struct kube *kube, kube_id id);
/* Ends all requests without their callbacks, and a credential plugin that runs. The memory stays;
 * nothing may be sent any more. */
void kube_close(struct kube *kube);

/* Builds "/apis/batch/v1/namespaces/<ns>/jobs/<name>": `api` is "/api/v1" or "/apis/<group>/<v>";
 * empty namespace: cluster scope; empty name: the collection. Names are percent-encoded. */
str kube_path(struct arena *out, const char *api, str namespace, const char *resource, str name);

#endif
