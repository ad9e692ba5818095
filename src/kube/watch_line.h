/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WATCH_LINE_H
#define KUBE_WATCH_LINE_H

/*
 * One line of a watch: {"type": ..., "object": {...}}. The envelope alone is looked at; the object
 * stays text, and only its resourceVersion is picked out. Pure.
 */

#include "format/json.h"
#include "kube/status.h"

enum kube_line_type {
    KUBE_LINE_ADDED,
    KUBE_LINE_MODIFIED,
    KUBE_LINE_DELETED,
    KUBE_LINE_BOOKMARK,
    KUBE_LINE_ERROR,
    KUBE_LINE_OTHER, /* a type that we don't know */
};

struct kube_watch_line { /* views of the line or of `out` */
    enum kube_line_type type;
    str object;
    str resource_version;      /* of the object; empty where it has none */
    bool initial_events_end;   /* BOOKMARK: all that exists has been sent */
    struct kube_status status; /* ERROR */
};

/* ERR_INVALID: the line is no such object. */
enum err_kind kube_watch_line_read(struct arena *out, str line, struct kube_watch_line *read,
                                   struct err *e) MUST_CHECK;

#endif
