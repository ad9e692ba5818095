/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_EXEC_H
#define KUBE_EXEC_H

/*
 * Credential plugins of a kubeconfig (client.authentication.k8s.io v1 and v1beta1): a program that
 * prints an ExecCredential. It runs beside the loop, never with a terminal, with a time limit and
 * a cap on what it prints. For kube/credential alone.
 */

#include "kube/config.h"

struct kube_exec_credential {
    str token;                    /* empty: none */
    str certificate_pem, key_pem; /* both or none */
    int64_t expires_us;           /* 0: not said */
};

/* What a plugin printed. ERR_INVALID says what is wrong with it. */
enum err_kind kube_exec_credential_read(struct arena *out, str text, str api_version,
                                        struct kube_exec_credential *credential,
                                        struct err *e) MUST_CHECK;

struct kube_plugin;

/* Memory from `perm`; *exec must stay valid. */
struct kube_plugin *kube_plugin_new(struct arena *perm, struct loop *loop,
                                    const struct kube_exec *exec);

/* `credential` is NULL where the plugin failed: *e says how, with its install hint. Views die on
 * return. */
typedef void kube_plugin_done_fn(void *ctx, const struct kube_exec_credential *credential,
                                 const struct err *e);
/* Starts the program; it must not be running. On error there is no callback. */
enum err_kind kube_plugin_start(struct kube_plugin *plugin, kube_plugin_done_fn *on_done, void *ctx,
                                struct err *e) MUST_CHECK;
bool kube_plugin_running(const struct kube_plugin *plugin);
/* Kills it without a callback; nothing happens where it is not running. */
void kube_plugin_stop(struct kube_plugin *plugin);

#endif
