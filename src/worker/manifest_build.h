/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_MANIFEST_BUILD_H
#define WORKER_MANIFEST_BUILD_H

/*
 * What the passes of manifest.c share; nobody else includes it. Each pass takes the build, works
 * on the trees below in place and stops at the first fault.
 */

#include "format/template.h"
#include "worker/manifest.h"

struct build {
    struct arena *out;
    struct arena scratch;
    const struct manifest_input *in;
    struct manifest *m;
    struct manifest_error *error;

    const struct tree *template;      /* the pool's base job template */
    const struct tree *configuration; /* its job_configuration */
    struct tree *variables;           /* defaults and job variables by name */
    const struct tree *run_variables; /* what the run's job_variables still hold after the merge */

    struct tree *resolved; /* job_configuration with everything filled in */
    /* its fields, checked */
    struct tree *env; /* object or array; NULL: not given */
    struct tree *labels, *annotations;
    str command, name, namespace;
    const struct tree *odd_name; /* name resolved to something that is no text */
    struct tree *job;            /* job_manifest */
    struct tree *spec;           /* of the Job */
    struct tree *container;      /* the first one */
};

/* A place in a tree, for messages: a chain on the C stack, innermost first. */
struct build_path {
    const struct build_path *up;
    str key;      /* of a member */
    size_t index; /* of an element, where key.p is NULL */
};

/* Places in job_configuration that several passes complain about. */
extern const struct build_path build_at_manifest;  /* job_manifest */
extern const struct build_path build_at_metadata;  /* job_manifest.metadata */
extern const struct build_path build_at_pod;       /* job_manifest.spec.template */
extern const struct build_path build_at_container; /* ...spec.template.spec.containers[0] */

typedef enum err_kind build_pass(struct build *b);

/* Our sentence for a fault, with the class that the Python worker would name; ERR_INVALID. */
enum err_kind build_fail(struct build *b, const char *exception, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* As build_fail about the value at `path` of job_configuration, which is put in front, and which
 * placeholder and variable it came from, which is put behind. */
enum err_kind build_fail_at(struct build *b, const char *exception, const struct build_path *path,
                            const char *format, ...) PRINTF_LIKE(4, 5);
/* Placeholders and values may have line breaks; what is said of them has none. */
void build_one_line(char *text);
/* An arena is full. */
enum err_kind build_full(struct build *b);
/* What build_fail_at puts behind: line, placeholder and variable of the template at `path`. */
void build_put_sources(struct build *b, struct buf *text, const struct build_path *path);
void build_warn(struct build *b, const char *format, ...) PRINTF_LIKE(2, 3);
void build_put_path(struct buf *out, const struct build_path *path);
/* "the flow run", "the deployment" ...: where a value came from, for sentences. */
const char *build_origin(uint8_t origin);

/* manifest_variables.c: configuration, variables; then `resolved` with its values filled in. */
enum err_kind build_variables(struct build *b) MUST_CHECK;
enum err_kind build_values(struct build *b) MUST_CHECK;
/* manifest_warnings.c */
void build_warn_unused(struct build *b, const struct tree *given);
/* manifest_references.c */
enum err_kind build_blocks(struct build *b) MUST_CHECK;
enum err_kind build_references(struct build *b) MUST_CHECK;
/* manifest_validate.c */
enum err_kind build_validate(struct build *b) MUST_CHECK;
/* One part of it: the timeouts, and stream_output. */
enum err_kind build_timeouts(struct build *b) MUST_CHECK;
/* manifest_skeleton.c: what the Job has to have. */
enum err_kind build_check_skeleton(struct build *b) MUST_CHECK;
/* manifest_prepare.c */
enum err_kind build_prepare(struct build *b) MUST_CHECK;
/* manifest_env.c: environment of the run, into the container. */
enum err_kind build_environment(struct build *b) MUST_CHECK;
/* manifest_labels.c */
enum err_kind build_labels(struct build *b) MUST_CHECK;
enum err_kind build_job_labels(struct build *b) MUST_CHECK;
enum err_kind build_pod_labels(struct build *b) MUST_CHECK;
/* manifest_context.c: {"ctx": {"flow": .., "flow_run": ..}} for names. NULL: full. */
struct tree *build_context(struct build *b);
/* manifest_secrets.c */
enum err_kind build_secrets(struct build *b) MUST_CHECK;
/* manifest_name.c */
enum err_kind build_name(struct build *b) MUST_CHECK;

/* Text of the object's member, for members that the API always gives. */
str build_text(const struct tree *object, const char *member);
/* A member that the worker made. */
bool build_set(struct build *b, struct tree *object, const char *key, struct tree *value,
               enum tree_origin origin);

#endif
