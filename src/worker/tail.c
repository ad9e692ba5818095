/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/tail.h"

#include "base/encode.h"

#define TAIL_BYTES_MAX (256 * KIB) /* of one container */

static void read_next(struct tail *tail);

static bool is_blank(str text)
{
    return str_trim(text).n == 0;
}

static void advance(struct tail *tail)
{
    bool said_enough = tail->has_primary && tail->next == 0 && tail->parts[0].text.n;
    tail->next = said_enough ? tail->count : tail->next + 1;
    tail->previous = true;
    read_next(tail);
}

static void on_log(void *ctx, const struct kube_reply *reply)
{
    struct tail *tail = ctx;
    tail->call = 0;
    if (reply->kind == ERR_NONE && !is_blank(reply->http->body)) {
        tail->parts[tail->next].text = str_copy(tail->arena, reply->http->body);
        advance(tail);
    } else if (tail->previous) { /* it did not run before: the present instance, then */
        tail->previous = false;
        read_next(tail);
    } else {
        advance(tail);
    }
}

static void read_next(struct tail *tail)
{
    struct arena *scratch = &tail->w->tick;
    struct err e;
    if (tail->next >= tail->count) {
        tail->on_done(tail->ctx);
        return;
    }
    struct buf path = buf_new(scratch, HTTP_URL_MAX);
    buf_put(&path, kube_path(scratch, "/api/v1", tail->namespace, "pods", tail->pod));
    buf_put(&path, STR("/log?container="));
    percent_encode(&path, tail->parts[tail->next].container, STR(""));
    buf_printf(&path, "%s&tailLines=%lld&limitBytes=%zu", tail->previous ? "&previous=true" : "",
               (long long)tail->w->config->forward_tail_lines, (size_t)TAIL_BYTES_MAX);
    struct kube_request request = {.method = HTTP_GET,
                                   .path = buf_str(&path),
                                   .body_max = TAIL_BYTES_MAX + 4 * KIB,
                                   .on_done = on_log,
                                   .ctx = tail};
    if (kube_send(tail->kube, &request, &tail->call, &e) != ERR_NONE)
        tail->on_done(tail->ctx);
}

/* All containers of the pod; the run's own moves to the front. */
static void gather(struct tail *tail, const struct kube_pod *pod)
{
    size_t regular = 0, primary = 0;
    str name;
    bool init;
    tail->count = 0;
    for (size_t i = 0; tail->count < TAIL_CONTAINERS &&
                       kube_pod_spec_container(tail->arena, pod, i, &name, &init);
         i++) {
        if (!init && (regular++ == 0 || str_eq(name, STR("prefect-job"))))
            primary = tail->count;
        tail->has_primary = tail->has_primary || (!init && str_eq(name, STR("prefect-job")));
        tail->parts[tail->count++] =
            (struct tail_part){.container = str_copy(tail->arena, name), .init = init};
    }
    tail->has_primary = tail->has_primary || regular == 1;
    if (!tail->has_primary)
        return;
    struct tail_part first = tail->parts[primary];
    for (size_t i = primary; i > 0; i--)
        tail->parts[i] = tail->parts[i - 1];
    tail->parts[0] = first;
}

void tail_read(struct tail *tail, const struct kube_pod *pod)
{
    tail->pod = str_copy(tail->arena, pod->meta.name);
    tail->namespace = str_copy(tail->arena, pod->meta.namespace);
    tail->has_primary = false;
    tail->next = 0;
    tail->previous = true;
    gather(tail, pod);
    read_next(tail);
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static void forward_part(struct tail *tail, const struct run_ref *run, const struct tail_part *part)
{
    report_run(tail->w, run, LOG_ERROR, RUN_LOGGER_OBSERVER,
               "Last lines of %s '" STR_FMT "' of pod " STR_FMT ":",
               part->init ? "init container" : "container", STR_ARG(part->container),
               STR_ARG(tail->pod));
    for (size_t from = 0, to; from < part->text.n; from = to + 1) {
        for (to = from; to < part->text.n && !ends_line(part->text.p[to]);)
            to++;
        str line = str_sub(part->text, from, to);
        if (!is_blank(line))
            report_run_text(tail->w, run, LOG_ERROR, RUN_LOGGER_OBSERVER, line);
    }
}

void tail_forward(struct tail *tail, const struct run_ref *run)
{
    for (size_t i = 0; i < tail->count; i++)
        if (tail->parts[i].text.n)
            forward_part(tail, run, &tail->parts[i]);
}

void tail_cancel(struct tail *tail)
{
    if (tail->w && tail->kube)
        kube_cancel(tail->kube, tail->call);
    tail->call = 0;
}
