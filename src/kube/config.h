/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

/*
 * Where a cluster is and as whom we speak to it: the service account of the pod, a kubeconfig, or
 * the kubeconfig document inside a cluster_config block. Reading files only; nothing is connected.
 */

#include "format/tree.h"
#include "net/http.h"

enum kube_credential {
    KUBE_ANONYMOUS,
    KUBE_TOKEN,      /* fixed text */
    KUBE_TOKEN_FILE, /* read again as it rotates (at most every 60 s, and after a 401) */
    KUBE_BASIC,      /* user name and password */
    KUBE_EXEC,       /* client.authentication.k8s.io plugin: token or client certificate */
};

struct kube_exec { /* kubeconfig's users[].user.exec */
    str api_version;
    str command;             /* resolved against the kubeconfig's folder where it has a slash */
    const struct tree *args; /* array of strings, or NULL */
    const struct tree *env;  /* array of {name, value}, or NULL */
    str install_hint;
    int64_t timeout_ms; /* 0: KUBE_EXEC_TIMEOUT_MS */
    bool provide_cluster_info;
    const struct tree *cluster; /* for provideClusterInfo; may be NULL */
};

struct kube_config {
    struct http_target target;
    struct tls_config tls;
    str namespace; /* of the service account or the context; "default" otherwise */
    str source;    /* for messages: "service account", "kubeconfig /home/x, context y" */
    str mark;      /* the cluster's mark: 8 hex digits, fingerprint of the CA's certificate, or of
                      the server's address where there is none */
    enum kube_credential credential;
    str token;      /* KUBE_TOKEN */
    str token_file; /* KUBE_TOKEN_FILE */
    str username, password;
    struct kube_exec exec;
};

struct kube_config_options {
    str kubeconfig_paths; /* $KUBECONFIG: list separated by ':'; empty: ~/.kube/config */
    str home;
    str context; /* empty: current-context */
    struct http_proxy proxy;
    bool tcp_keepalive;
    str service_account_dir; /* empty: /var/run/secrets/kubernetes.io/serviceaccount */
};

/* Service account when the pod has one (KUBERNETES_SERVICE_HOST and _PORT, token and ca.crt not
 * empty), else the kubeconfig files. ERR_MISSING where there is neither: the text says what was
 * looked for. Memory and views from `out`. */
enum err_kind kube_config_load(struct arena *out, struct arena scratch,
                               const struct kube_config_options *options,
                               struct kube_config **config, struct err *e) MUST_CHECK;
/* A kubeconfig document that is a tree already (a cluster_config block). Paths in it are relative
 * to the current folder. */
enum err_kind kube_config_from_tree(struct arena *out, struct arena scratch,
                                    const struct tree *document, str context,
                                    const struct kube_config_options *options,
                                    struct kube_config **config, struct err *e) MUST_CHECK;

#endif
