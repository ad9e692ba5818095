/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/output.h"

#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/time.h"
#include "net/backoff.h"
#include "worker/clusters.h"

#define WAITING 512      /* pods that wait for a stream */
#define STREAM_IDLE_MS 0 /* a log may be silent for as long as it likes */
#define LINE_MAX_KEPT (16 * KIB)

/* Whose log. */
struct source {
    char pod[128];
    char namespace[KUBE_NAMESPACE_MAX + 1];
    char container[KUBE_NAME_MAX + 1];
    char run[128];
    uint8_t cluster; /* clusters.h */
};

struct stream {
    struct output *output;
    bool used;
    struct source source;
    kube_id call;
    struct loop_timer timer;
    int64_t last_ns;  /* time of the last line printed */
    uint64_t at_last; /* lines printed that carry it */
    uint64_t to_skip; /* of a resumed stream: lines of that time which were printed */
    uint64_t fresh;   /* lines printed since the stream was opened */
    int failures;
    bool cut_said;
    size_t n;
    char line[LINE_MAX_KEPT];
};

struct output {
    struct worker *w;
    struct stream streams[OUTPUT_STREAMS];
    struct source waiting[WAITING];
    size_t waiting_first, waiting_count;
};

static void open_stream(void *ctx);

struct output *output_open(struct arena *perm, struct worker *w)
{
    struct output *o = arena_untouched(perm, sizeof *o);
    o->w = w;
    for (size_t i = 0; i < OUTPUT_STREAMS; i++)
        o->streams[i].output = o;
    return o;
}

/* ---- lines --------------------------------------------------------------------------------- */

static void print(const struct stream *s, str text)
{
    char line[LINE_MAX_KEPT + 256];
    struct buf b = buf_over(line, sizeof line);
    while (text.n && (text.p[text.n - 1] == '\r' || text.p[text.n - 1] == ' '))
        text.n--;
    buf_printf(&b, "%s | ", s->source.run);
    buf_put(&b, text);
    buf_byte(&b, '\n');
    for (size_t done = 0; done < b.n;) {
        ssize_t w = write(STDOUT_FILENO, b.p + done, b.n - done);
        if (w <= 0)
            return;
        done += (size_t)w;
    }
}

/* Nanoseconds of the RFC 3339 time that stands in front of each line; microseconds from the common
 * parser, the rest by hand. */
static bool stamp_ns(str stamp, int64_t *out)
{
    int64_t us, nanos = 0;
    if (!time_parse_rfc3339(stamp, &us))
        return false;
    ptrdiff_t dot = str_find_char(stamp, '.');
    for (size_t i = 7; i < 10; i++) {
        size_t at = (size_t)dot + i;
        bool digit = dot >= 0 && at < stamp.n && stamp.p[at] >= '0' && stamp.p[at] <= '9';
        nanos = nanos * 10 + (digit ? stamp.p[at] - '0' : 0);
        if (!digit)
            break;
    }
    *out = us * 1000 + nanos;
    return true;
}

static void take_line(struct stream *s, str line)
{
    str stamp, text;
    int64_t at_ns;
    if (!str_cut(line, ' ', &stamp, &text) || !stamp_ns(stamp, &at_ns)) {
        print(s, line); /* the rest of a line that was printed in pieces */
        return;
    }
    if (at_ns < s->last_ns)
        return; /* printed before the stream was cut */
    if (at_ns == s->last_ns && s->to_skip > 0) {
        s->to_skip--;
        return;
    }
    if (at_ns > s->last_ns) {
        s->last_ns = at_ns;
        s->at_last = 0;
        s->to_skip = 0;
    }
    s->at_last++;
    s->fresh++;
    print(s, text);
}

static enum http_data_verdict on_data(void *ctx, str bytes, struct err *e)
{
    struct stream *s = ctx;
    (void)e;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '\n' || s->n == sizeof s->line) {
            take_line(s, (str){s->line, s->n});
            s->n = 0;
        }
        if (bytes.p[i] != '\n')
            s->line[s->n++] = bytes.p[i];
    }
    return HTTP_DATA_TAKEN;
}

/* ---- streams ------------------------------------------------------------------------------- */

static void start(struct stream *s, const struct source *source)
{
    s->used = true;
    s->source = *source;
    s->last_ns = 0;
    s->at_last = s->to_skip = s->fresh = 0;
    s->failures = 0;
    s->cut_said = false;
    open_stream(s);
}

static void finish(struct stream *s)
{
    struct output *o = s->output;
    s->used = false;
    if (o->waiting_count == 0)
        return;
    struct source next = o->waiting[o->waiting_first];
    o->waiting_first = (o->waiting_first + 1) % WAITING;
    o->waiting_count--;
    start(s, &next);
}

static void on_end(void *ctx, const struct kube_reply *reply)
{
    struct stream *s = ctx;
    s->call = 0;
    if (s->n)
        take_line(s, (str){s->line, s->n});
    s->n = 0;
    bool gone = reply->kind == ERR_MISSING || reply->kind == ERR_FORBIDDEN;
    if (gone || (reply->kind == ERR_NONE && s->fresh == 0)) {
        if (reply->kind == ERR_FORBIDDEN)
            log_warning("the log of pod %s is not streamed: %s", s->source.pod, reply->err->text);
        finish(s); /* ended, or nothing more since it was last opened */
        return;
    }
    if (reply->kind != ERR_NONE && !s->cut_said) {
        log_warning("the log stream of pod %s was cut and goes on where it was: %s", s->source.pod,
                    reply->err->text);
        s->cut_said = true;
    }
    s->failures = s->fresh ? 0 : s->failures + 1;
    loop_timer_set(s->output->w->loop, &s->timer,
                   reply->kind ? backoff_exponential_ms(500, s->failures, 30000) : 0, open_stream,
                   s);
}

static void open_stream(void *ctx)
{
    struct stream *s = ctx;
    struct worker *w = s->output->w;
    struct err e;
    struct buf path = buf_new(&w->tick, HTTP_URL_MAX);
    buf_put(&path, kube_path(&w->tick, "/api/v1", str_of(s->source.namespace), "pods",
                             str_of(s->source.pod)));
    buf_put(&path, STR("/log?follow=true&timestamps=true&container="));
    percent_encode(&path, str_of(s->source.container), STR(""));
    if (s->last_ns) { /* whole seconds: what was printed of that second is passed over */
        char since[TIME_TEXT_MAX];
        buf_put(&path, STR("&sinceTime="));
        buf_put(&path, time_format_rfc3339(s->last_ns / 1000000000 * 1000000, since));
    }
    s->to_skip = s->at_last;
    s->fresh = 0;
    struct kube_request request = {.method = HTTP_GET,
                                   .path = buf_str(&path),
                                   .timeout_ms = -1,
                                   .idle_timeout_ms = STREAM_IDLE_MS,
                                   .on_data = on_data,
                                   .on_done = on_end,
                                   .ctx = s};
    if (kube_send(clusters_kube(w->clusters, s->source.cluster), &request, &s->call, &e) !=
        ERR_NONE)
        loop_timer_set(w->loop, &s->timer, 1000, open_stream, s);
}

/* The run's container: by its name, else the only regular one. */
static bool choose_container(struct arena *tick, const struct kube_pod *pod, struct source *source)
{
    struct kube_container c;
    size_t regular = 0;
    bool runs = false;
    source->container[0] = '\0';
    for (size_t i = 0; kube_pod_container(tick, pod, i, &c); i++) {
        if (c.init)
            continue;
        bool named = str_eq(c.name, STR("prefect-job"));
        if (regular++ == 0 || named) {
            str_to_cstr(c.name, source->container, sizeof source->container);
            runs = c.phase == KUBE_RUNNING || c.phase == KUBE_TERMINATED;
        }
        if (named)
            return runs;
    }
    return regular == 1 && runs;
}

bool output_follow(struct output *o, uint8_t cluster, const struct kube_pod *pod,
                   const struct uuid *flow_run, str flow_run_name)
{
    struct source source;
    if (!choose_container(&o->w->tick, pod, &source))
        return false;
    source.cluster = cluster;
    str_to_cstr(pod->meta.name, source.pod, sizeof source.pod);
    str_to_cstr(pod->meta.namespace, source.namespace, sizeof source.namespace);
    if (flow_run_name.n)
        str_to_cstr(flow_run_name, source.run, sizeof source.run);
    else
        uuid_format(flow_run, source.run);
    for (size_t i = 0; i < (size_t)o->w->config->log_streams; i++)
        if (!o->streams[i].used) {
            start(&o->streams[i], &source);
            return true;
        }
    if (o->waiting_count == WAITING)
        return false;
    o->waiting[(o->waiting_first + o->waiting_count++) % WAITING] = source;
    return true;
}

void output_stop(struct output *o)
{
    for (size_t i = 0; i < OUTPUT_STREAMS; i++) {
        struct stream *s = &o->streams[i];
        if (s->call)
            kube_cancel(clusters_kube(o->w->clusters, s->source.cluster), s->call);
        loop_timer_clear(o->w->loop, &s->timer);
        s->used = false;
    }
    o->waiting_count = 0;
}
