/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_CONNECT_H
#define WORKER_CONNECT_H

/* From the configuration to the client of the Prefect API. Nothing is sent yet. */

#include "worker/worker.h"

/* Fills w->prefect. ERR_FATAL: URL, CA bundle or custom headers are unusable. */
enum err_kind connect_prefect(struct worker *w, struct err *e) MUST_CHECK;
#endif
