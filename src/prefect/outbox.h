/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_OUTBOX_H
#define PREFECT_OUTBOX_H

/*
 * JSON objects on their way to Prefect in batches, for prefect/event and prefect/log: an array is
 * posted, and what it held is forgotten when the server said 2xx. While the server can't be
 * reached or is busy everything is kept, within a cap; a batch that it refuses as invalid is
 * halved until the bad item stands alone, which is dropped. Order is kept.
 */

#include "base/buf.h"
#include "prefect/client.h"

struct prefect_outbox;

struct prefect_outbox_options {
    const char *path; /* "/events" */
    const char *what; /* what one item is called in messages: "event" */
    size_t bytes_max; /* what may wait */
    size_t batch_max; /* bytes of one request */
    size_t full_at;   /* so much waiting is sent without delay */
    int64_t delay_ms; /* collect for so long after the first item */
    bool optional;    /* 404 means that the server has no use for it: all is dropped, said once */
};

/* Memory and address space from `perm` and the kernel; views must stay valid. */
struct prefect_outbox *prefect_outbox_open(struct arena *perm, struct loop *loop,
                                           struct prefect *prefect,
                                           const struct prefect_outbox_options *options);

/* The free room, to write one JSON object into; then prefect_outbox_commit. False where the object
 * did not fit (it is dropped, counted, said once a shortage). `weight`: what it counts for
 * full_at; 0: its bytes. */
struct buf *prefect_outbox_begin(struct prefect_outbox *outbox);
bool prefect_outbox_commit(struct prefect_outbox *outbox, size_t weight);
bool prefect_outbox_put(struct prefect_outbox *outbox, str object);

/* Sends what waits now, and goes on until nothing waits. */
void prefect_outbox_flush(struct prefect_outbox *outbox);
/* Nothing waits, nothing is under way. */
bool prefect_outbox_idle(const struct prefect_outbox *outbox);

struct prefect_outbox_figures {
    uint64_t sent, dropped, failed_batches;
    size_t bytes_waiting;
};
struct prefect_outbox_figures prefect_outbox_figures(const struct prefect_outbox *outbox);

#endif
