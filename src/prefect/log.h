/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_LOG_H
#define PREFECT_LOG_H

/*
 * Flow-run logs on their way to POST /logs/: collected for the batch interval or until the batch
 * is full, cut at the server's size, kept (bounded) while the API can't be reached.
 */

#include "base/log.h"
#include "prefect/client.h"

struct prefect_logs;

struct prefect_logs_options {
    bool enabled;
    double batch_interval_s;
    size_t batch_size;   /* PREFECT_LOGGING_TO_API_BATCH_SIZE */
    size_t max_log_size; /* PREFECT_LOGGING_TO_API_MAX_LOG_SIZE */
    size_t bytes_max;    /* what may wait */
};

struct prefect_logs *prefect_logs_open(struct arena *perm, struct loop *loop,
                                       struct prefect *prefect,
                                       const struct prefect_logs_options *options);
/* `logger` "prefect.flow_runs.worker"; the message is cut as the Python worker cuts it. False where
 * it was dropped for want of room (counted, said once). */
bool prefect_logs_put(struct prefect_logs *logs, enum log_level level, const char *logger,
                      const struct uuid *flow_run_id, int64_t at_us, str message);
void prefect_logs_flush(struct prefect_logs *logs);
bool prefect_logs_idle(const struct prefect_logs *logs);

#endif
