/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/*
 * Every cap of the program, in bytes unless the name says otherwise. A cap bounds an input or a
 * buffer, so that the size of each arena can be computed; reaching one is an error of that one
 * exchange (ERR_LIMIT), never of the process.
 */

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

/* base */
#define ERR_TEXT_MAX 512              /* text of an error, with its terminator */
#define LOG_LINE_MAX (16 * KIB)       /* one line of our own output; longer messages are cut */
#define LOG_SECRETS_MAX 16            /* values that are never printed */
#define ARENA_KEEP (64 * KIB)         /* what a reset arena keeps resident; the rest goes back */
#define FILE_MAX (4 * MIB)            /* a configuration file: template, kubeconfig, profile */
#define HEAP_BUDGET_MIN (1 * MIB)     /* less would not hold one TLS connection to each API */
#define HEAP_BUDGET_DEFAULT (8 * MIB) /* --memory-budget: what curl and libyaml may hold */

/* format */
#define JSON_DEPTH_MAX 64           /* nesting of an accepted document (counts) */
#define JSON_TEXT_MAX (4 * MIB)     /* one document that is parsed as a whole */
#define JSON_PRINTF_MAX (4 * KIB)   /* one formatted string of a writer */
#define YAML_NODES_MAX 200000       /* values of a document with its aliases expanded (counts) */
#define YAML_ANCHORS_MAX 1024       /* anchors of a document (counts) */
#define DOTENV_VALUE_MAX (64 * KIB) /* a value with its references expanded */
#define ARGUMENT_OPTIONS_MAX 48     /* options of one command (counts) */
#define ARGUMENT_NAME_MAX 64        /* an option's or command's name that a guess is made for */
#define TEMPLATE_TEXT_MAX (2 * MIB) /* one string after its placeholders were filled in */
#define TEMPLATE_NAME_MAX (4 * KIB) /* one part of a placeholder's path */

/* net */
#define HTTP_EXCHANGES_MAX 64        /* requests under way at once (counts) */
#define HTTP_EXCHANGES_WARM 8        /* of them, those that keep their memory when idle (counts) */
#define HTTP_HOST_CONNECTIONS_MAX 32 /* to one server; further requests wait (counts) */
#define HTTP_CONNECTIONS_KEPT 32     /* open ones, beyond which idle ones are closed (counts) */
#define HTTP_REDIRECTS_MAX 20        /* followed for one request, as the Python client (counts) */
#define HTTP_CHUNK_MAX (16 * KIB)    /* bytes of a body that are handed on at once */
#define HTTP_HEADERS_MAX 24          /* headers of one request (counts) */
#define HTTP_URL_MAX (4 * KIB)       /* a whole URL with its query */
#define HTTP_BODY_MAX (4 * MIB)      /* a collected reply, unless the request says less */
#define HTTP_EXCHANGE_ARENA (24 * MIB) /* address space of one exchange: body, tokens, structs */
#define TLS_DER_MAX (16 * KIB)         /* one certificate or key of a PEM file, decoded */
#define TLS_NAME_MAX (2 * KIB)         /* the subject of a trust anchor */
#define TLS_CHAIN_MAX 8                /* certificates that we present (counts) */
#define TLS_RSA_MAX 512                /* an RSA modulus: 4096 bits, BearSSL's own cap */
#define TLS_PEER_CERT_MAX (64 * KIB)   /* a server's certificate, kept until it is verified */
#define TLS_WHAT_MAX 256               /* a name for a set of certificates in errors */
#define LOOP_FDS_MAX 64                /* descriptors watched beside curl's own (counts) */

/* prefect */
#define PREFECT_CALLS_MAX 64         /* requests to Prefect at once, waiting ones too (counts) */
#define PREFECT_CALL_ARENA (5 * MIB) /* address space of one: path and body */
#define PREFECT_HEADERS_MAX 12       /* configured further headers (counts) */
#define PREFECT_TOKEN_MAX 512        /* a CSRF token */
#define PREFECT_NAME_MAX 512         /* a worker's name in its header */
#define PREFECT_RETRY_AFTER_MAX_MS 3600000 /* longer waits that a server asks for are cut (ms) */
#define PREFECT_OUTBOX_ITEMS_MAX 16384     /* events, or log lines, that wait (counts) */
#define PREFECT_FILTER_IDS_MAX 200 /* runs of one flow_runs/filter (counts); the server's cap */

/* kube */
#define KUBE_NAME_MAX 63          /* metadata.name of a Job whose name is a label value, RFC 1123 */
#define KUBE_NAMESPACE_MAX 63     /* a namespace, RFC 1123 label */
#define KUBECONFIG_FILES_MAX 16   /* files of a KUBECONFIG list (counts) */
#define KUBE_CALLS_MAX 64         /* requests to one API server at once (counts) */
#define KUBE_CALL_ARENA (4 * MIB) /* address space of one: path and body */
#define KUBE_TOKEN_MAX (16 * KIB) /* a bearer token; they are 1 to 2 KiB long */
#define KUBE_EXEC_OUTPUT_MAX (256 * KIB) /* what a credential plugin may print */
#define KUBE_EXEC_ARENA (MIB)            /* address space of one run of a plugin */
#define KUBE_EXEC_TIMEOUT_MS 60000       /* a plugin that takes longer is killed (ms) */
#define KUBE_IDENTITY_ARENA (256 * KIB)  /* a client certificate and key that a plugin gave */
#define WATCH_ARENA (16 * MIB)           /* one watch: a page's elements, a line's values */
#define WATCH_TOKEN_MAX (2 * KIB)        /* the continue token of a page */
#define WATCH_VERSION_MAX 128            /* a resourceVersion */
#define WATCH_LINE_MAX (4 * MIB)         /* one line of a watch; etcd keeps objects below 1.5 MiB */

/* worker */
#define WORKER_SUBMISSIONS_MAX 16    /* runs being submitted at once (counts) */
#define QUOTA_WAITS_MAX 4            /* runs that wait for a quota; then none is claimed (counts) */
#define WORKER_RUNS_MAX 16384        /* runs followed at once (counts) */
#define SETTING_TEXT_MAX (64 * KIB)  /* one setting's value as it is passed down */
#define SETTING_ITEMS_MAX 512        /* members of a list or set in a setting (counts) */
#define SETTINGS_PAIRS_MAX 1024      /* PREFECT_ variables of one source (counts) */
#define CLUSTERS_MAX 9               /* our own and those of cluster_config (counts) */
#define OUTPUT_STREAMS 24            /* most pod logs streamed at once (counts) */
#define WORKER_PODS_MAX 32768        /* pods followed at once (counts) */
#define RUN_JSON_MAX (1 * MIB)       /* one run in a poll's reply */
#define POLL_BACKLOG_MAX (4 * MIB)   /* runs of a reply that wait for a submission */
#define MANIFEST_MAX (2 * MIB)       /* a Job's body, a Secret's body */
#define EVENTS_BYTES_MAX (4 * MIB)   /* events that wait for the API */
#define EVENTS_BATCH_MAX (256 * KIB) /* one POST of events */
#define LOGS_BYTES_MAX (4 * MIB)     /* flow-run logs that wait for the API */
#define PERM_ARENA (768 * MIB)       /* address space of configuration, tables, buffers */
#define START_ARENA (64 * MIB)       /* address space of what is read at start and dropped */
#define TICK_ARENA (256 * MIB)       /* address space of one turn's scratch */
#define CANCEL_CASES_MAX 8           /* runs being cancelled at once (counts) */
#define CANCEL_PASSED_MAX 256        /* runs remembered as none of ours to cancel (counts) */
#define CANCEL_ARENA (16 * MIB)      /* address space of one cancellation: deployment, flow */
#define DEADLINE_CASES_MAX 8         /* Jobs whose time is over, handled at once (counts) */
#define RESTORE_ARENA (4 * MIB)      /* address space of 200 runs' variables after a restart */
#define JOB_REFUSALS_MAX 16          /* namespaces without delete on Jobs, remembered (counts) */
#define SUSPICION_CAUSES_MAX 64      /* causes remembered of Jobs without a pod (counts) */
#define CASE_ARENA (8 * MIB)         /* address space of one crash: Job, message, log tails */
#define SUBMISSION_ARENA (48 * MIB)  /* address space of one submission */

/* command */
#define COMMANDS_MAX 32           /* commands in the table (counts) */
#define COMMAND_ARENA (8 * KIB)   /* options in front of the command */
#define HELP_MAX (16 * KIB)       /* one --help */
#define RENDER_ARENA (192 * MIB)  /* address space of `render`: files, replies, manifest */
#define ASK_ARENA (192 * MIB)     /* address space of commands that ask both APIs: their replies */
#define ASK_KUBE_TIMEOUT_MS 5000  /* of one of their requests to Kubernetes (ms) */
#define TEMPLATE_FAULTS_MAX 1000  /* faults of a template that are told (counts) */
#define RENDER_REFERENCES_MAX 256 /* blocks and variables of one template (counts) */

#endif
