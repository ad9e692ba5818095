/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SECRETS_H
#define WORKER_SECRETS_H

/*
 * The Secrets beside a Job: the API key's, one per worker and namespace, refreshed for every run
 * and kept while the worker's Jobs may need it; and the environment's, one per Job, which the Job
 * owns so that Kubernetes deletes both together.
 */

#include "format/tree.h"
#include "worker/worker.h"

enum secret_outcome { SECRET_DONE, SECRET_RETRY, SECRET_FAILED };
typedef void secret_done_fn(void *ctx, enum secret_outcome outcome, const struct err *e);

/* Lives in its owner (zero-initialised); one at a time. */
struct secret_step {
    struct worker *w;
    struct kube *kube;
    struct arena *arena; /* the owner's: bodies and replies */
    str namespace, name;
    str value;         /* API key */
    struct tree *body; /* environment's Secret */
    bool replace_on_conflict;
    kube_id call;
    secret_done_fn *on_done;
    void *ctx;
};

/* Makes or refreshes Secret `name` with {"value": base64(value)}: read, then replaced or created.
 */
void secret_put_api_key(struct secret_step *step);
/* Creates `body`; one that is there already (409) is taken for ours: its name is the claim's. */
void secret_create_env(struct secret_step *step);
/* Sets the Job as its owner. */
void secret_set_owner(struct secret_step *step, str job_name, str job_uid);
/* Removes it, best effort, where the Job could not be made. */
void secret_delete(struct secret_step *step);
void secret_step_cancel(struct secret_step *step);

#endif
