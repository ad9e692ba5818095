/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settings_table.h"

/* Settings that only the worker reads: those of prefect-kubernetes 0.8.0, one key of the Python
 * client's logging configuration, and our own. They are not passed down. */

const struct setting settings_of_worker[] = {
    SETTING("integrations.kubernetes.cluster_uid", TEXT, NULL,
            .names = "PREFECT_KUBERNETES_CLUSTER_UID"),
    SETTING("integrations.kubernetes.worker.api_key_secret_name", TEXT, NULL,
            .help = "existing Secret that holds the API key"),
    SETTING("integrations.kubernetes.worker.api_key_secret_key", TEXT, NULL,
            .help = "the key in it"),
    SETTING("integrations.kubernetes.worker.api_auth_string_secret_name", TEXT, NULL,
            .help = "existing Secret that holds the auth string"),
    SETTING("integrations.kubernetes.worker.api_auth_string_secret_key", TEXT, NULL,
            .help = "the key in it"),
    SETTING("integrations.kubernetes.worker.create_secret_for_api_key", BOOL, "False",
            .names = "PREFECT_KUBERNETES_WORKER_STORE_PREFECT_API_IN_SECRET",
            .help = "put the API key into a Secret instead of into the Job"),
    SETTING("integrations.kubernetes.worker.store_env_as_secret", BOOL, "False",
            .help = "put a Job's environment into a Secret that the Job owns"),
    SETTING("integrations.kubernetes.worker.add_tcp_keepalive", BOOL, "True",
            .names = "PREFECT_KUBERNETES_WORKER_ADD_TCP_KEEPALIVE",
            .help = "TCP keepalive on connections to Kubernetes"),
    SETTING("integrations.kubernetes.worker.create_job_retry.max_retries", INT, "3",
            .limits = ">=1", .help = "attempts to create a Job"),
    SETTING("integrations.kubernetes.worker.create_job_retry.delay_seconds", INT, "1",
            .limits = ">=0", .help = "seconds between them"),
    SETTING("integrations.kubernetes.worker.create_job_retry.jitter_min_seconds", INT, "0",
            .limits = ">=0", .help = "least random addition to that"),
    SETTING("integrations.kubernetes.worker.create_job_retry.jitter_max_seconds", INT, "3",
            .limits = ">=0", .help = "most random addition to that"),
    SETTING("integrations.kubernetes.observer.enabled", BOOL, "True",
            .help = "watch pods and Jobs"),
    SETTING("integrations.kubernetes.observer.replicate_pod_events", BOOL, "True",
            .help = "send pods' changes to Prefect as events"),
    SETTING("integrations.kubernetes.observer.namespaces", NAMES, NULL,
            .help = "namespaces to watch; all without it"),
    SETTING("integrations.kubernetes.observer.additional_label_filters", PAIRS, NULL,
            .help = "watch only what also carries these labels: key=value,key=value"),
    SETTING("integrations.kubernetes.observer.startup_event_concurrency", INT, "5"),
    SETTING("integrations.kubernetes.observer.forward_crashed_run_logs", BOOL, "True",
            .help = "send a crashed pod's last lines to its run's log"),
    SETTING("integrations.kubernetes.observer.forward_crashed_run_logs_tail_lines", INT, "500",
            .limits = ">=1", .help = "how many lines"),

    SETTING("logging.handlers.console.formatter", TEXT, NULL,
            .help = "json: log as one JSON object a line"),

    SETTING(
        "k8s_worker.cancel_grace_seconds", FLOAT, "75.0", .limits = ">=0",
        .help =
            "how long a running run that is being cancelled may end by itself before its Job is "
            "deleted"),
    SETTING("k8s_worker.reconcile_seconds", FLOAT, "30.0", .limits = ">=1",
            .help = "between two comparisons of Prefect's runs with the Jobs; a difference is "
                    "repaired after it was seen in two"),
    SETTING("k8s_worker.fail_doomed", CHOICE, "certain", .limits = "never|certain|all",
            .help = "which runs crash at once because their pod can't start: certain, where the "
                    "image's name is invalid or the image is neither there nor may be pulled; all, "
                    "also where a Secret or ConfigMap is missing for a minute; never"),
    SETTING("k8s_worker.log_streams", INT, "8", .limits = ">=1 <=24",
            .help = "pod logs that are read at the same time; further ones wait and miss nothing"),
    SETTING("k8s_worker.max_starting", INT, "0", .limits = ">=0",
            .help = "cap on runs whose container has not started yet; 0 is none"),
    SETTING("k8s_worker.stop_seconds", FLOAT, "25.0", .limits = ">=0",
            .help = "how long a stopping worker finishes what it has begun"),
};
const size_t settings_of_worker_count = ARRAY_LEN(settings_of_worker);
