/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H

/*
 * Events (v1): what a controller last did about an object. They come in two generations: with
 * firstTimestamp, lastTimestamp and count, or with eventTime and series. Pure.
 */

#include "kube/object.h"

struct kube_event { /* views of the text and of `out`; empty where a field is missing */
    str type;       /* "Normal", "Warning" */
    str reason, message;
    int64_t first_us, last_us; /* 0 unknown */
};

/* Any object: an Event without a field has it empty. */
void kube_event_read(struct arena *out, struct json v, struct kube_event *event);

/* The last one, by its time, of a list of Events (the reply's text) that has this type and this
 * reason; an empty one is any. False: there is none, or the text is no list. */
bool kube_event_newest(struct arena *out, str list, str type, str reason, struct kube_event *event);

#endif
