/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/figures.h"

#include "base/heap.h"
#include "format/json_write.h"
#include "worker/observe.h"
#include "worker/submit.h"
#include "worker/worker.h"

static void put_memory(struct worker *w, struct json_writer *out)
{
    struct heap_figures heap = heap_figures();
    struct http_figures http = http_figures(w->http);
    json_key(out, STR("heap"));
    json_object_begin(out);
    json_member_i64(out, "used", (int64_t)heap.used);
    json_member_i64(out, "high", (int64_t)heap.high);
    json_member_i64(out, "budget", (int64_t)heap.budget);
    json_member_i64(out, "allocations", (int64_t)heap.allocations);
    json_member_i64(out, "refused", (int64_t)heap.refused);
    json_object_end(out);
    json_key(out, STR("arenas"));
    json_object_begin(out);
    json_member_i64(out, "perm_used", (int64_t)w->perm->used);
    json_member_i64(out, "tick_high", (int64_t)w->tick.high);
    json_member_i64(out, "exchange_high", (int64_t)http.exchange_arena_high);
    json_member_i64(out, "submission_high",
                    (int64_t)submissions_figures(w->submissions).arena_high);
    json_object_end(out);
    json_key(out, STR("http"));
    json_object_begin(out);
    json_member_i64(out, "requests", (int64_t)http.requests);
    json_member_i64(out, "failures", (int64_t)http.failures);
    json_member_i64(out, "under_way", http.exchanges_used);
    json_object_end(out);
}

void figures_write(struct worker *w, struct buf *text)
{
    struct json_writer out = json_writer(text);
    struct observer_figures observer = observer_figures(w->observer);
    struct prefect_events_figures events = prefect_events_figures(w->events);
    struct submissions_figures submissions = submissions_figures(w->submissions);
    json_object_begin(&out);
    put_memory(w, &out);
    json_key(&out, STR("submissions"));
    json_object_begin(&out);
    json_member_i64(&out, "active", (int64_t)submissions_active(w->submissions));
    json_member_i64(&out, "created", (int64_t)submissions.created);
    json_member_i64(&out, "adopted", (int64_t)submissions.adopted);
    json_member_i64(&out, "crashed", (int64_t)submissions.crashed);
    json_object_end(&out);
    json_key(&out, STR("observer"));
    json_object_begin(&out);
    json_member_i64(&out, "jobs", (int64_t)observer.jobs);
    json_member_i64(&out, "pods", (int64_t)observer.pods);
    json_member_i64(&out, "bytes_per_job", (int64_t)observer.bytes_per_job);
    json_member_i64(&out, "bytes_per_pod", (int64_t)observer.bytes_per_pod);
    json_member_i64(&out, "own_live_jobs", (int64_t)observer_own_live_jobs(w->observer));
    json_object_end(&out);
    json_key(&out, STR("events"));
    json_object_begin(&out);
    json_member_i64(&out, "sent", (int64_t)events.sent);
    json_member_i64(&out, "dropped", (int64_t)events.dropped);
    json_member_i64(&out, "bytes_waiting", (int64_t)events.bytes_waiting);
    json_object_end(&out);
    json_object_end(&out);
}
