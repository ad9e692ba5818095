/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

/*
 * The worker: one process, one loop, one work pool. It owns the clients, the tables and the small
 * machines, each in a file of its own; they find each other through this struct and nothing else.
 * Start reading at worker_run() in worker.c, then pool.c, poll.c, submit.c, observe.c, crash.c.
 */

#include "base/uuid.h"
#include "kube/client.h"
#include "prefect/client.h"
#include "prefect/event.h"
#include "prefect/log.h"
#include "worker/config.h"

struct cancellation;
struct clusters;
struct crashes;
struct deadlines;
struct health;
struct job_refusals;
struct observer;
struct output;
struct poll;
struct pool;
struct reconcile;
struct restore;
struct submissions;
struct suspicions;

struct worker {
    const struct config *config;
    struct arena *perm; /* configuration, tables: as long as the process */
    struct arena tick;  /* scratch of one turn of the loop: taken from by pointer, reset after it */
    struct loop *loop;
    struct http *http;
    struct prefect *prefect;
    struct prefect_events *events;
    struct prefect_logs *logs;
    struct clusters *clusters;
    char no_cluster[ERR_TEXT_MAX]; /* why there is no cluster of our own; empty: there is one */
    str cluster_mark;              /* which cluster our claims are for; kube/config.h */
    const char *const *environment;

    struct pool *pool;
    struct poll *poll;
    struct submissions *submissions;
    struct observer *observer;
    struct suspicions *suspicions;
    struct crashes *crashes;
    struct cancellation *cancellation;
    struct job_refusals *job_refusals;
    struct deadlines *deadlines;
    struct restore *restore;
    struct reconcile *reconcile;
    struct output *output;
    struct health *health; /* NULL without --with-healthcheck */

    char worker_id[UUID_TEXT_LEN + 1]; /* Cloud's id of this worker; empty: none */
    int server_major;                  /* of the Prefect server: 3, or 2 */
    struct uuid started_event;
    int64_t started_us;

    bool kube_ready;      /* Kubernetes answered last; nothing is claimed before */
    bool stopping;        /* no new claims; what is in flight is finished */
    bool failed;          /* end with exit code 1 */
    bool run_once_polled; /* --run-once: the one poll is done */
};

/* Runs until a signal, the end of --run-once, or an error at start; returns the exit code. */
int worker_run(struct arena *perm, const struct config *config, const char *const *environment);

/* A fatal condition of start-up: says it (one line) and ends the loop with exit code 1. */
void worker_fail(struct worker *w, const char *format, ...) PRINTF_LIKE(2, 3);

/* Tells the gate for claims what Kubernetes last did. `e` is NULL when it answered. */
void worker_kube_state(struct worker *w, const struct err *e, int64_t delay_ms);

#endif
