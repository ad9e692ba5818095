/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_PODS_H
#define WORKER_PODS_H

/*
 * The followed pods: a record each, the events and diagnoses that their changes give, and after a
 * restart the question which of the listed ones Prefect knows already (asked in batches, so that a
 * settled pod costs no call of its own).
 */

#include "worker/records.h"
#include "worker/worker.h"

struct pods;

struct pod_record {
    struct record record; /* key: the pod's uid */
    struct uuid flow_run; /* nil where the label is no UUID */
    struct uuid last_event;
    int64_t last_occurred_us;
    uint64_t diagnosis_key; /* of the cause that the run was told last; 0 none */
    char name[96];
    char namespace[64];
    uint32_t seen;      /* list in which it was last seen */
    bool told_pending;  /* the run knows that its pod waits */
    bool wants_pending; /* it should know, and no notice was free */
    bool unverified;    /* listed: not known yet whether Prefect has its event */
    bool output;        /* its log is followed */
    uint8_t cluster;    /* clusters.h */
};

struct pods *pods_open(struct arena *perm, struct worker *w);
/* One object of a pod watch; `text` is its JSON, `list` the number of the watch's present list. */
void pods_take(struct pods *p, uint8_t cluster, uint32_t list, bool listed, bool deleted, str text);
/* List number `list` of this namespace (empty: all) is complete: what it lacks is gone. */
void pods_list_ends(struct pods *p, uint8_t cluster, uint32_t list, str namespace);
void pods_stop(struct pods *p);

struct pods_figures {
    size_t count;
    uint64_t events, repeats, table_full;
};
struct pods_figures pods_figures(const struct pods *p);

#endif
