/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CREDENTIAL_H
#define KUBE_CREDENTIAL_H

/*
 * What a request to the API server is authorised with, kept fresh: fixed tokens, token files that
 * rotate, passwords, exec plugins with their tokens and client certificates. For kube/client.
 */

#include "kube/config.h"

struct kube_credentials;

/* A plugin has ended: what waited can ask again. `e` is NULL where it worked. */
typedef void kube_credentials_ready_fn(void *ctx, const struct err *e);

/* Memory from `perm`; *config must stay valid. */
struct kube_credentials *kube_credentials_new(struct arena *perm, struct loop *loop,
                                              const struct kube_config *config,
                                              kube_credentials_ready_fn *on_ready, void *ctx);
void kube_credentials_stop(struct kube_credentials *c);

/* What one request is sent with; held until kube_credentials_release. */
struct kube_grant {
    const struct http_target *target; /* with the client certificate of now */
    str authorization;                /* empty: none; a view that the next get may change */
    uint32_t generation;              /* differs after each renewal */
    uint32_t place;                   /* of the identity */
};

enum kube_grant_state {
    KUBE_GRANTED,
    KUBE_GRANT_PENDING, /* a plugin runs: on_ready comes */
    KUBE_GRANT_FAILED,  /* *e says why */
};
enum kube_grant_state kube_credentials_get(struct kube_credentials *c, struct kube_grant *grant,
                                           struct err *e);
void kube_credentials_release(struct kube_credentials *c, const struct kube_grant *grant);

/* The server answered 401 to a request with this grant: it is made anew at the next get. False
 * where there is nothing to renew. */
bool kube_credentials_refused(struct kube_credentials *c, uint32_t generation);

/* How the credential is called in messages: "the token in /var/run/...". */
str kube_credentials_name(const struct kube_credentials *c);

#endif
