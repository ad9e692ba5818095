/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_REPORT_H
#define WORKER_REPORT_H

/*
 * What the worker tells: lines about a run go to our own output and to the run's logs in Prefect;
 * events about the worker and its runs go to Prefect's event stream.
 */

#include "format/tree.h"
#include "worker/worker.h"

/* A run as far as lines about it need it. The name may be empty. */
struct run_ref {
    struct uuid id;
    str name;
};

#define RUN_LOGGER_WORKER "prefect.flow_runs.worker"
#define RUN_LOGGER_OBSERVER "prefect.flow_runs.observer"

void report_run(struct worker *w, const struct run_ref *run, enum log_level level,
                const char *logger, const char *format, ...) PRINTF_LIKE(5, 6);
/* As report_run for text that is not ours: a line of a pod's log. */
void report_run_text(struct worker *w, const struct run_ref *run, enum log_level level,
                     const char *logger, str text);

/* prefect.worker.started and .stopped; started remembers its id for `follows`. */
void report_worker_started(struct worker *w);
void report_worker_stopped(struct worker *w);

/* What a run's event says of its surroundings: API objects, NULL where absent. */
struct report_subject {
    const struct tree *deployment, *flow, *flow_run;
    str infrastructure_pid; /* of the executed and the cancelled event; empty otherwise */
    str status_code;        /* of the executed event */
};
/* prefect.worker.submitted-flow-run and .executed-flow-run. *id and *occurred_us are those of the
 * submitted event: set by the first, followed by the second. */
void report_submitted(struct worker *w, const struct report_subject *subject, struct uuid *id,
                      int64_t *occurred_us);
void report_executed(struct worker *w, const struct report_subject *subject,
                     const struct uuid *submitted_id, int64_t submitted_us);
/* prefect.worker.cancelled-flow-run, as prefect 2.20's worker: after the Job was deleted. */
void report_cancelled(struct worker *w, const struct report_subject *subject);

#endif
