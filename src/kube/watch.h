/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

/*
 * One collection followed for ever: streaming list where the server has it
 * (sendInitialEvents, Kubernetes 1.34), else pages of 500, then a watch with bookmarks. States:
 * listing -> watching -> backoff; 410 lists again; a cut stream continues from the last resource
 * version; silence of more than 70 s is a dead connection. Objects are handed over one by one as
 * they arrive and never kept. resourceVersion is an opaque string.
 */

#include "kube/client.h"

enum kube_event {
    KUBE_LISTED, /* part of a (re)list; the object may be known already */
    KUBE_ADDED,
    KUBE_MODIFIED,
    KUBE_DELETED, /* with the object's last state */
};

struct kube_watch_handler {
    /* `text` is the object's JSON; gone on return. */
    void (*on_object)(void *ctx, enum kube_event event, str text);
    /* A (re)list begins: what is not seen until on_synced does not exist any more. */
    void (*on_list)(void *ctx);
    void (*on_synced)(void *ctx);
    /* After trouble: a list is complete (after on_synced), or the stream stands again and goes on
     * where it was. */
    void (*on_recovered)(void *ctx);
    /* Once a back-off: the reason and the delay until the next try. */
    void (*on_trouble)(void *ctx, const struct err *e, int64_t delay_ms);
    void *ctx;
};

struct kube_watch_options {
    const char *api;         /* "/api/v1" */
    const char *resource;    /* "pods" */
    str namespace;           /* empty: all */
    str label_selector;      /* not encoded */
    int64_t idle_timeout_ms; /* 0: 70 s */
    int64_t list_silence_ms; /* silence in a streaming list that means the server knows none; 0:
                                5 s */
};

struct kube_watch;
/* Starts at once. Line buffer (address space) and state from `perm`; strings are copied. */
struct kube_watch *kube_watch_open(struct arena *perm, struct loop *loop, struct kube *kube,
                                   const struct kube_watch_options *options,
                                   const struct kube_watch_handler *handler);
void kube_watch_stop(struct kube_watch *watch);

struct kube_watch_figures {
    bool synced;             /* a list is complete and the stream stands or is being renewed */
    int64_t last_contact_ms; /* loop time of the last byte */
    uint64_t lists, events, skipped; /* skipped: objects above WATCH_LINE_MAX */
};
struct kube_watch_figures kube_watch_figures(const struct kube_watch *watch);

#endif
