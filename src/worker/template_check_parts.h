/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_TEMPLATE_CHECK_PARTS_H
#define WORKER_TEMPLATE_CHECK_PARTS_H

/* What template_check*.c share; nobody else includes it. */

#include "format/template.h"
#include "worker/template_check.h"

struct check {
    struct arena *out;
    struct arena scratch;
    const struct tree *configuration; /* job_configuration */
    const struct tree *properties;    /* variables.properties */
    struct template_fault *first;     /* by line */
    size_t count;
    bool full;
};

/* A place in the template: a chain on the C stack, innermost first. */
struct check_path {
    const struct check_path *up;
    str key;      /* of a member */
    size_t index; /* of an element, where key.p is NULL */
};

/* A fault at `path`, whose line is that of `node` (NULL: unknown). */
void check_fault(struct check *c, const struct check_path *path, const struct tree *node,
                 const char *format, ...) PRINTF_LIKE(4, 5);
void check_warning(struct check *c, const struct check_path *path, const struct tree *node,
                   const char *format, ...) PRINTF_LIKE(4, 5);

/* The value that stands there without a run: a lone placeholder's default; the node itself where no
 * placeholder is in it; NULL where it can't be told. */
const struct tree *check_known(const struct check *c, const struct tree *node);

/* template_check_text.c: placeholders in every text, and which variables they use. */
void check_texts(struct check *c);
/* template_check_schema.c: variables and their defaults. */
void check_schema(struct check *c);
/* template_check_job.c: fields of job_configuration, and what the Job has to have. */
void check_job(struct check *c);

#endif
