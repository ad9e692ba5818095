/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clusters.h"

#include <stdlib.h>

#include "base/encode.h"

struct cluster {
    struct kube *kube;
    char fingerprint[65]; /* of the cluster_config's text */
};

struct clusters {
    struct worker *w;
    struct arena *perm;
    struct cluster all[CLUSTERS_MAX];
    size_t count; /* our own included, whether it has a configuration or not */
};

struct clusters *clusters_open(struct arena *perm, struct worker *w)
{
    struct clusters *c = arena_must(perm, sizeof *c);
    c->w = w;
    c->perm = perm;
    c->count = 1;
    return c;
}

static struct kube_config_options options_of(struct worker *w)
{
    return (struct kube_config_options){
        .kubeconfig_paths = str_of(getenv("KUBECONFIG")),
        .home = str_of(getenv("HOME")),
        .proxy = http_proxy_from_environment(),
        .tcp_keepalive = w->config->tcp_keepalive,
    };
}

enum err_kind clusters_open_own(struct clusters *c, struct err *e)
{
    struct worker *w = c->w;
    struct kube_config *config;
    struct kube_config_options options = options_of(w);
    enum err_kind kind = kube_config_load(c->perm, w->tick, &options, &config, e);
    if (kind)
        return kind;
    w->cluster_mark = config->mark;
    return kube_open(c->perm, w->loop, w->http, config, &c->all[CLUSTER_OWN].kube, e);
}

static bool fingerprint(struct worker *w, const struct tree *cluster_config, char out[65])
{
    struct buf text = buf_new(&w->tick, FILE_MAX);
    struct json_writer writer = json_writer(&text);
    tree_write_json(&writer, cluster_config);
    if (text.full)
        return false;
    sha256_hex(buf_str(&text), out);
    return true;
}

static enum err_kind add(struct clusters *c, const struct tree *cluster_config,
                         struct cluster *cluster, struct err *e)
{
    struct worker *w = c->w;
    struct kube_config *config;
    struct kube_config_options options = options_of(w);
    struct tree *kept = tree_clone(c->perm, cluster_config); /* outlives the run */
    str context = str_copy(c->perm, tree_text(tree_get(kept, STR("context_name"))));
    if (!kept || !context.p)
        return err_set(e, ERR_LIMIT, "no room for the configuration of another cluster");
    enum err_kind kind = kube_config_from_tree(c->perm, w->tick, tree_get(kept, STR("config")),
                                               context, &options, &config, e);
    return kind ? kind : kube_open(c->perm, w->loop, w->http, config, &cluster->kube, e);
}

enum err_kind clusters_find(struct clusters *c, const struct tree *cluster_config, uint8_t *number,
                            struct err *e)
{
    char print[65];
    *number = CLUSTER_OWN;
    if (!cluster_config) {
        if (c->all[CLUSTER_OWN].kube)
            return ERR_NONE;
        return err_set(e, ERR_FATAL,
                       "no Kubernetes configuration: neither a service account nor a kubeconfig, "
                       "and the run names no cluster_config");
    }
    if (!fingerprint(c->w, cluster_config, print))
        return err_set(e, ERR_LIMIT, "cluster_config is larger than %zu bytes", (size_t)FILE_MAX);
    for (size_t i = 1; i < c->count; i++)
        if (str_eq(str_of(c->all[i].fingerprint), str_of(print))) {
            *number = (uint8_t)i;
            return ERR_NONE;
        }
    if (c->count == CLUSTERS_MAX)
        return err_set(e, ERR_FATAL,
                       "more than %d clusters are named by cluster_config; start a further worker "
                       "for the others",
                       CLUSTERS_MAX - 1);
    struct cluster *cluster = &c->all[c->count];
    enum err_kind kind = add(c, cluster_config, cluster, e);
    if (kind)
        return kind;
    str_to_cstr(str_of(print), cluster->fingerprint, sizeof cluster->fingerprint);
    *number = (uint8_t)c->count++;
    return ERR_NONE;
}

struct kube *clusters_kube(const struct clusters *c, uint8_t number)
{
    return number < c->count ? c->all[number].kube : NULL;
}

size_t clusters_count(const struct clusters *c)
{
    return c->count;
}
