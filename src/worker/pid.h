/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_PID_H
#define WORKER_PID_H

/* infrastructure_pid of a flow run: which Job runs it. Pure. */

#include "base/str.h"

/* "<namespace>:<job>", or "<cluster uid>:<namespace>:<job>" as older workers wrote it. False where
 * it is neither. Views of `pid`. */
bool pid_split(str pid, str *namespace, str *job);
/* Whether the pid names this Job. */
bool pid_names(str pid, str namespace, str job);

#endif
