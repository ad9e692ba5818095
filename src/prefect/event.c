/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/event.h"

#include "base/time.h"
#include "prefect/outbox.h"

#define FOLLOWS_WITHIN_US ((int64_t)5 * 60 * 1000 * 1000)

/* The outbox under another name, so that events can't be put into the logs' one. */
struct prefect_events {
    struct prefect_outbox *outbox;
};

struct prefect_events *prefect_events_open(struct arena *perm, struct loop *loop,
                                           struct prefect *prefect,
                                           const struct prefect_events_options *options)
{
    struct prefect_outbox_options outbox = {
        .path = "/events",
        .what = "event",
        .bytes_max = options->bytes_max,
        .batch_max = options->batch_max,
        .full_at = options->batch_max / 2,
        .delay_ms = options->delay_ms,
        .optional = true,
    };
    struct prefect_events *events = arena_must(perm, sizeof *events);
    events->outbox = prefect_outbox_open(perm, loop, prefect, &outbox);
    return events;
}

bool prefect_events_put(struct prefect_events *events, str event)
{
    return prefect_outbox_put(events->outbox, event);
}

void prefect_events_flush(struct prefect_events *events)
{
    prefect_outbox_flush(events->outbox);
}

bool prefect_events_idle(const struct prefect_events *events)
{
    return prefect_outbox_idle(events->outbox);
}

struct prefect_events_figures prefect_events_figures(const struct prefect_events *events)
{
    struct prefect_outbox_figures figures = prefect_outbox_figures(events->outbox);
    return (struct prefect_events_figures){
        .sent = figures.sent,
        .dropped = figures.dropped,
        .failed_batches = figures.failed_batches,
        .bytes_waiting = figures.bytes_waiting,
    };
}

/* ---- the event object ---------------------------------------------------------------------- */

void prefect_event_write(struct json_writer *w, int64_t occurred_us, const char *name,
                         const struct prefect_label *resource, size_t resource_count,
                         str related_json, const struct uuid *id, const struct uuid *follows)
{
    char text[TIME_TEXT_MAX], uuid[UUID_TEXT_LEN + 1];
    json_object_begin(w);
    json_member_str(w, "occurred", time_format_rfc3339(occurred_us, text));
    json_member_cstr(w, "event", name);
    json_key(w, STR("resource"));
    json_object_begin(w);
    for (size_t i = 0; i < resource_count; i++) {
        json_key(w, resource[i].key);
        json_put_str(w, resource[i].value);
    }
    json_object_end(w);
    json_member_raw(w, "related", related_json.n ? related_json : STR("[]"));
    json_key(w, STR("payload"));
    json_object_begin(w);
    json_object_end(w);
    json_member_str(w, "id", uuid_format(id, uuid));
    if (follows)
        json_member_str(w, "follows", uuid_format(follows, uuid));
    else
        json_member_null(w, "follows");
    json_object_end(w);
}

bool prefect_event_may_follow(int64_t occurred_us, int64_t previous_us)
{
    int64_t apart_us = occurred_us - previous_us;
    return apart_us > -FOLLOWS_WITHIN_US && apart_us < FOLLOWS_WITHIN_US;
}
