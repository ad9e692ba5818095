/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_RESOURCE_H
#define WORKER_RESOURCE_H

/* Ids of the resources in Prefect's events. */

#include "base/str.h"

/* "prefect.worker.kubernetes.<slug of the name>"; from `out`. */
str resource_of_worker(struct arena *out, str worker_name);

#endif
