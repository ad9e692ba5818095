/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CONFIG_H
#define WORKER_CONFIG_H

/*
 * What the worker runs with: the flags of `worker start` and the settings, checked and typed, once
 * at start. All views live in the arena that config_load was given.
 */

#include "format/arguments.h"
#include "format/tree.h"
#include "worker/settings.h"

/* Pods that can't start: which of them end their run at once. */
enum fail_doomed {
    FAIL_DOOMED_NEVER,
    FAIL_DOOMED_CERTAIN, /* where it can't heal by itself: the image's name */
    FAIL_DOOMED_ALL,     /* a Secret or ConfigMap that is still missing after a minute, too */
};

struct config {
    /* flags */
    str pool;
    str name; /* given, or "KubernetesWorker <uuid4>" */
    bool name_given;
    const str *queues; /* --work-queue */
    size_t queue_count;
    str type;      /* --type; empty: discovered from the pool */
    int64_t limit; /* -1: none */
    bool run_once;
    bool with_healthcheck;
    bool create_pool;                     /* --create-pool-if-not-found */
    const struct tree *base_job_template; /* of --base-job-template; NULL without */
    size_t memory_budget;                 /* --memory-budget */

    /* Prefect */
    str api_url; /* without trailing slash */
    str ui_url;  /* may be empty */
    bool cloud;
    double query_s, heartbeat_s, prefetch_s;
    bool cancellation;
    double cancellation_poll_s; /* between two looks for runs that are being cancelled */
    str health_host;
    int health_port;

    /* logs to the API */
    bool logs_to_api;
    double logs_interval_s;
    size_t logs_batch_size, logs_max_size;

    /* PREFECT_INTEGRATIONS_KUBERNETES_* */
    str api_key_secret_name, api_key_secret_key;
    str auth_string_secret_name, auth_string_secret_key;
    bool create_secret_for_api_key;
    bool store_env_as_secret;
    bool tcp_keepalive;
    int64_t create_attempts; /* total */
    int64_t create_delay_s, create_jitter_min_s, create_jitter_max_s;
    bool observer_enabled;
    bool replicate_pod_events;
    const str *observer_namespaces; /* empty: all */
    size_t observer_namespace_count;
    str observer_label_selector; /* "prefect.io/flow-run-id,key=value", sorted by key */
    bool forward_crashed_logs;
    int64_t forward_tail_lines;

    /* PREFECT_K8S_WORKER_*: settings of our own */
    double cancel_grace_s; /* between a running run's cancellation and its Job's deletion */
    double stop_s;         /* how long a stopping worker finishes what is in flight */
    double reconcile_s;    /* between two passes of reconciliation */
    enum fail_doomed fail_doomed;
    int64_t log_streams;  /* pod logs read at once */
    int64_t max_starting; /* runs whose Job has not started yet; 0: no cap */

    const struct settings *settings;
};

/* The command line of `worker start` after its own words. */
struct config_arguments {
    int argc;
    char *const *argv;
    bool interactive; /* a missing --pool may be asked for on the terminal */
};

/* The options of `worker start`, for its parser and its help. */
extern const struct argument_syntax config_syntax;

/* Flags and settings into *config. ERR_INVALID: usage (exit 2); ERR_FATAL: a missing pool or API
 * URL, a bad worker name, an unreadable template (exit 1). */
enum err_kind config_load(struct arena *perm, struct arena scratch,
                          const struct config_arguments *arguments, const struct settings *settings,
                          struct config *config, struct err *e) MUST_CHECK;

/* Only what the settings say: for commands that render, but do not work. The API's URL may be empty
 * then. ERR_FATAL as above. */
enum err_kind config_load_settings(struct arena *perm, struct arena scratch,
                                   const struct settings *settings, struct config *config,
                                   struct err *e) MUST_CHECK;

/* Sets up the log by the settings: level, format, names, secrets to mask. Then says what looks
 * wrong and is no error: a profile that is not there, the API URL's shape, a limit that a restart
 * forgets. */
void config_log(const struct config *config);

#endif
