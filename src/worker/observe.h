/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_OBSERVE_H
#define WORKER_OBSERVE_H

/*
 * Following Jobs and pods by two label-selected watch streams: a fixed-size record per Job and per
 * pod, pod events for Prefect, diagnoses for the run's log, and suspects for crash.c. Records hold
 * facts only; after a restart, the lists rebuild them.
 */

#include "kube/pod.h"
#include "worker/records.h"
#include "worker/terms.h"
#include "worker/worker.h"

struct observer;

/* A Job that carries a flow-run-id label. */
struct job_record {
    struct record record; /* key: the Job's uid */
    struct uuid flow_run; /* nil where the label is no UUID */
    char name[64];
    char namespace[64];
    struct uuid work_pool; /* of its label */
    uint32_t seen;         /* list in which it was last seen */
    bool live;             /* neither complete nor failed */
    bool own;              /* carries this worker's name */
    bool complete;
    bool started;           /* a pod of it runs or ran */
    bool quiet;             /* stream_output is off */
    uint8_t cluster;        /* clusters.h */
    bool suspect;           /* failed or gone: crash.c looks at it */
    bool gone;              /* deleted */
    bool judged;            /* crash.c is done with it */
    bool in_case;           /* crash.c works on it */
    struct job_terms terms; /* deadlines.c */
    bool ended_by_us;       /* deleted by a cancellation or a timeout: its end is no crash */
    bool suspended;         /* spec.suspend */
    uint8_t looks;          /* suspicion.c: requests so far */
    int64_t podless_us;     /* since when it is live and has no pod; 0: it has one */
    int64_t look_ms;        /* suspicion.c: loop time of its next request */
    uint64_t cause_key;     /* suspicion.c: of the cause that the run was told last; 0 none */
};

struct observer *observer_open(struct arena *perm, struct worker *w);
void observer_start(struct observer *o);
void observer_stop(struct observer *o);

/* The first Job list is complete (or can't be had: said). */
bool observer_jobs_synced(const struct observer *o);
/* Every watched scope has its Jobs listed: a Job that is not among the records is not there. */
bool observer_jobs_trusted(const struct observer *o);
/* Live Jobs of this worker whose pod has not started yet. */
size_t observer_own_starting_jobs(const struct observer *o);
/* Live Jobs that carry this worker's name. */
size_t observer_own_live_jobs(const struct observer *o);
/* A Job that was just created or adopted: counts before the watch shows it. */
void observer_expect(struct observer *o, uint8_t cluster, str job_text);
/* stream_output is off for this Job. */
void observer_set_quiet(struct observer *o, str job_uid);
/* Whether this pod's log belongs into our own output: a run of this worker's, and not quiet. */
bool observer_streams(struct observer *o, const struct kube_pod *pod);
/* A Job is made in this namespace: it is watched from now on, if it is not yet. */
void observer_watch_namespace(struct observer *o, uint8_t cluster, str namespace);
struct records *observer_jobs(struct observer *o);
/* crash.c is done with the record: a gone one is forgotten. */
void observer_judged(struct observer *o, struct job_record *job);
/* The Job of this uid was not deleted by us after all: its end is judged as any other's. */
void observer_spare(struct observer *o, const struct uuid *job);

struct observer_figures {
    size_t jobs, pods, bytes_per_job, bytes_per_pod;
    uint64_t pod_events, table_full;
};
struct observer_figures observer_figures(const struct observer *o);

#endif
