/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_MANIFEST_H
#define WORKER_MANIFEST_H

/*
 * Base job template + deployment + flow run -> the Job's manifest, as the Python worker makes it
 * (prefect-kubernetes 0.8.0), save for metadata.name. Pure: no I/O, no clock. Block documents and
 * variables that the template refers to are given by the caller; where one is missing, the result
 * names it and the caller fetches it and asks again, from the start.
 */

#include "base/uuid.h"
#include "format/tree.h"
#include "worker/config.h"

/* A reference into the API that has to be known first. */
enum manifest_reference_kind { MANIFEST_BLOCK, MANIFEST_BLOCK_BY_ID, MANIFEST_VARIABLE };
struct manifest_reference {
    enum manifest_reference_kind kind;
    str type_slug; /* MANIFEST_BLOCK */
    str name;      /* block document, its id, or the variable */
};
/* What was fetched: value is the document's `data` or the variable's value; NULL: 404. */
struct manifest_value {
    struct manifest_reference reference;
    struct tree *value;
    struct manifest_value *next;
};

struct manifest_input {           /* API objects as the REST API returns them */
    const struct tree *work_pool; /* id, name, base_job_template */
    const struct tree *flow_run;
    const struct tree *deployment; /* NULL: absent */
    const struct tree *flow;       /* NULL: absent */
    const struct config *config;   /* worker name (empty: none), settings, Secret settings */
    str worker_id;                 /* Cloud's backend id; empty */
    struct uuid claim;             /* id of the Pending state; nil for an unclaimed run */
    int server_major;              /* 3, or 2: default image and version labels */
    const struct manifest_value *values;
    const char *const *environment; /* the worker's own, for {{ $NAME }} */
};

struct manifest_warning {
    str text;
    struct manifest_warning *next;
};

struct manifest {
    struct tree *job;   /* the body of the POST, with metadata.name */
    str namespace;      /* of the POST's path */
    str name_prefix;    /* of the derived name, with its dash; empty with a name of its own */
    bool own_name;      /* the template fixed metadata.name */
    str flow_run_label; /* value of prefect.io/flow-run-id as sent */
    struct tree *cluster_config; /* NULL: the worker's own cluster */
    bool stream_output;
    int64_t job_timeout_s;             /* job_watch_timeout_seconds; -1 none */
    int64_t pod_timeout_s;             /* pod_watch_timeout_seconds */
    bool pod_timeout_enforced;         /* a value other than the stock default was given */
    struct manifest_warning *warnings; /* for the run's log: unused variables ... */
    bool plain_api_key;                /* a credential stands in the manifest in plain text */
    bool plain_auth_string;

    /* Secrets that the caller creates before the Job; the manifest refers to them already. */
    str api_key_secret_name; /* empty: none is to be made; value in key "value" */
    str api_key_value;
    struct tree *env_secret; /* body of the POST, or NULL */
    str env_secret_name;
};

struct manifest_error {
    const char *exception; /* the Python class that the reference reports: "ValueError" ... */
    struct err err;        /* our sentence: placeholder, variable, path */
    struct manifest_reference needed; /* where kind == ERR_MISSING: fetch it and ask again */
    str needed_by;                    /* then: the placeholder and its path, for a message */
};

/* ERR_NONE; ERR_MISSING: error->needed has to be fetched; ERR_INVALID: this run can't be rendered;
 * ERR_LIMIT: a cap. Results live in `out`, with views of the inputs. */
enum err_kind manifest_build(struct arena *out, struct arena scratch,
                             const struct manifest_input *input, struct manifest *manifest,
                             struct manifest_error *error) MUST_CHECK;

/* Only the timeouts of the manifest, which need no blocks, no claim and no flow; the rest of it is
 * unset. Errors as above. */
enum err_kind manifest_timeouts(struct arena *out, struct arena scratch,
                                const struct manifest_input *input, struct manifest *manifest,
                                struct manifest_error *error) MUST_CHECK;

/* prefix + 12 characters [a-z0-9], a pure function of run, claim and attempt (0, then 1 ... where
 * a name is taken by a foreign Job); the prefix is cut so that the whole has at most 63 bytes.
 * Also names the env Secret. */
str manifest_name(struct arena *out, str prefix, const struct uuid *flow_run,
                  const struct uuid *claim, int attempt);

/* The name of an environment variable, or of a block's field, says that its value is a credential.
 */
bool manifest_name_is_secret(str name);

/* The default base job template of type kubernetes: JSON text, static. */
str manifest_default_template(void);

#endif
