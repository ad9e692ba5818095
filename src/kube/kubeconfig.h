/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

/*
 * kubeconfig documents into a kube_config, for kube/config: the merged view of several files, one
 * context of it, and what its cluster and user say.
 */

#include "kube/config.h"

struct kubeconfig_file {
    const struct tree *document;
    str path;   /* for messages; empty: a document that is no file */
    str folder; /* what relative paths in it refer to; empty: the current one */
};

struct kubeconfig { /* in the order of the list */
    struct kubeconfig_file files[KUBECONFIG_FILES_MAX];
    size_t count;
};

/*
 * Fills config from context `context`, or from the current one. Of clusters, users and contexts
 * with the same name the first one counts, of several current-contexts the last (as the Python
 * client does; kubectl takes the first). ERR_MISSING: there is no context at all.
 */
enum err_kind kubeconfig_resolve(struct arena *out, struct arena scratch,
                                 const struct kubeconfig *kubeconfig, str context,
                                 const struct kube_config_options *options,
                                 struct kube_config *config, struct err *e) MUST_CHECK;

/* Trust and mark from PEM text of a CA; `what` names it in errors. */
enum err_kind kube_config_trust(struct arena *out, struct arena scratch, str ca_pem,
                                const char *what, struct kube_config *config,
                                struct err *e) MUST_CHECK;
/* The mark of a cluster without a CA of its own: from the server's address. */
str kube_config_mark_of(struct arena *out, str bytes);

#endif
