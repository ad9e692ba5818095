/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_RENDER_H
#define COMMAND_RENDER_H

/*
 * `render`: the Job of one flow run, as the worker would create it. What it is made of comes from
 * files, from the API, or from both (a changed template against a real run). Shared by render*.c.
 */

#include "base/arena.h"
#include "command/command.h"
#include "worker/manifest.h"

struct render_api;

struct render {
    const struct command_context *context;
    struct arena *arena; /* everything read and made */
    struct arena scratch;
    struct config config;
    const struct argument_value *given; /* by enum render_option */
    bool secrets;                       /* --show-secrets */
    bool explain;
    bool json; /* -o json */

    struct render_api *api; /* NULL: files only */
    struct tree *work_pool, *flow_run, *deployment, *flow;
    struct tree *values; /* of --values; NULL without */
    struct manifest_value *known;
    struct uuid claim;
    int server_major;
    struct manifest manifest;
};

enum render_option {
    RENDER_WORK_POOL,
    RENDER_FLOW_RUN,
    RENDER_DEPLOYMENT,
    RENDER_FLOW,
    RENDER_WORKER_NAME,
    RENDER_VALUES,
    RENDER_OUTPUT,
    RENDER_EXPLAIN,
    RENDER_SHOW_SECRETS,
    RENDER_OPTION_COUNT,
};

/* The state is a claim of a worker of ours: its id goes into the Job's name. */
bool render_claim(const struct tree *state, struct uuid *claim);

/* render_files.c: JSON, or YAML by the file's name. ERR_INVALID: no object. The text names it. */
enum err_kind render_read(struct render *r, str path, struct tree **object,
                          struct err *e) MUST_CHECK;
/* Objects and values whose files are given. */
enum err_kind render_read_files(struct render *r, struct err *e) MUST_CHECK;
/* What --values has for a reference; NULL: nothing. */
struct tree *render_value(struct render *r, const struct manifest_reference *wanted);

/* render_api.c: what no file gave. ERR_MISSING from the last one: 404. */
enum err_kind render_api_open(struct render *r, struct err *e) MUST_CHECK;
enum err_kind render_api_objects(struct render *r, str flow_run_id, struct err *e) MUST_CHECK;
enum err_kind render_api_reference(struct render *r, const struct manifest_reference *wanted,
                                   struct tree **value, struct err *e) MUST_CHECK;
void render_api_close(struct render *r);

/* render_output.c: the manifest on standard output; false: it can't be written. */
bool render_print(struct render *r);

#endif
