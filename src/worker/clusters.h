/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CLUSTERS_H
#define WORKER_CLUSTERS_H

/*
 * The clusters that Jobs are made in: our own, number 0, and those that a run's cluster_config
 * names. A bounded number of them, each with its client, kept for as long as the process lives.
 */

#include "format/tree.h"
#include "worker/worker.h"

#define CLUSTER_OWN 0

struct clusters;

struct clusters *clusters_open(struct arena *perm, struct worker *w);
/* The service account's or the kubeconfig's cluster. ERR_MISSING: there is neither. */
enum err_kind clusters_open_own(struct clusters *c, struct err *e) MUST_CHECK;
/* The number of the cluster that {"config", "context_name"} describes; NULL is our own. ERR_FATAL:
 * no configuration of our own, an unusable kubeconfig, or too many clusters. */
enum err_kind clusters_find(struct clusters *c, const struct tree *cluster_config, uint8_t *number,
                            struct err *e) MUST_CHECK;
/* NULL where there is none of that number (our own without a configuration). */
struct kube *clusters_kube(const struct clusters *c, uint8_t number);
size_t clusters_count(const struct clusters *c);

#endif
