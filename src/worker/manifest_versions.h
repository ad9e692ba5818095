/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_MANIFEST_VERSIONS_H
#define WORKER_MANIFEST_VERSIONS_H

/* The versions that a Job names by default: the one that this worker stands for, and the last of
 * the older generation for its servers. Private to manifest_*.c. */

#include "prefect/client.h"

#define MANIFEST_VERSION_3 PREFECT_VERSION
#define MANIFEST_VERSION_2 "2.20.25"
#define MANIFEST_IMAGE(version) "prefecthq/prefect:" version "-python3.11"

#endif
