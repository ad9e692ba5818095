/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_EVENT_H
#define PREFECT_EVENT_H

/*
 * The outbox of events: JSON objects collected into batches for POST /events and kept, bounded,
 * until the server acknowledged them (2xx). 404 (a 2.20 server without its experimental setting)
 * drops them, said once; other errors are tried again with back-off. Order is kept.
 */

#include "format/json_write.h"
#include "prefect/client.h"

struct prefect_events;

struct prefect_events_options {
    size_t bytes_max; /* what may wait; more drops the newest event, counted and said */
    size_t batch_max; /* bytes of one request */
    int64_t delay_ms; /* collect for so long before a batch goes out */
};

struct prefect_events *prefect_events_open(struct arena *perm, struct loop *loop,
                                           struct prefect *prefect,
                                           const struct prefect_events_options *options);
/* `event` is one complete JSON object; copied. False: no room, dropped. */
bool prefect_events_put(struct prefect_events *events, str event);
/* Sends what waits now, without delay. */
void prefect_events_flush(struct prefect_events *events);
bool prefect_events_idle(
    const struct prefect_events *events); /* nothing waits, nothing under way */

struct prefect_events_figures {
    uint64_t sent, dropped, failed_batches;
    size_t bytes_waiting;
};
struct prefect_events_figures prefect_events_figures(const struct prefect_events *events);

/* ---- the event object ---------------------------------------------------------------------- */

struct prefect_label {
    str key, value;
};

/* Writes {"occurred", "event", "resource", "related", "payload", "id", "follows"} in that order.
 * `related` is a finished JSON array ("[...]"); `follows` may be NULL. */
void prefect_event_write(struct json_writer *w, int64_t occurred_us, const char *name,
                         const struct prefect_label *resource, size_t resource_count,
                         str related_json, const struct uuid *id, const struct uuid *follows);
/* Python's rule: an event follows another only within 5 minutes. */
bool prefect_event_may_follow(int64_t occurred_us, int64_t previous_us);

#endif
