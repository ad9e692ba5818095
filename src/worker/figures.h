/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_FIGURES_H
#define WORKER_FIGURES_H

/* The worker's memory and counters as one JSON object: at GET /figures, and logged on SIGHUP. */

#include "base/buf.h"

struct worker;

void figures_write(struct worker *w, struct buf *out);

#endif
