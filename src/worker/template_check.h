/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_TEMPLATE_CHECK_H
#define WORKER_TEMPLATE_CHECK_H

/*
 * Looks a base job template over before a work pool gets it, without any run: everything that would
 * crash each run, and what is silent in Prefect but surely not meant. Unlike the worker it does not
 * stop at the first fault.
 */

#include "format/tree.h"

struct template_fault {
    str path;      /* "job_configuration.labels.team" */
    uint32_t line; /* 0: unknown (JSON) */
    bool warning;  /* works, but surely not as meant */
    str text;
    struct template_fault *next;
};

/* *faults: by line; NULL for none. ERR_LIMIT: an arena is full, or there are
 * more than TEMPLATE_FAULTS_MAX. */
enum err_kind template_check(struct arena *out, struct arena scratch, const struct tree *template,
                             struct template_fault **faults, struct err *e) MUST_CHECK;

#endif
