/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/event.h"

static int64_t later_of(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

void kube_event_read(struct arena *out, struct json v, struct kube_event *event)
{
    int64_t single_us = kube_time_read(out, json_get(v, STR("eventTime")));
    int64_t made_us = kube_time_read(out, json_path(v, "metadata.creationTimestamp"));
    *event = (struct kube_event){
        .type = json_str(out, json_get(v, STR("type"))),
        .reason = json_str(out, json_get(v, STR("reason"))),
        .message = json_str(out, json_get(v, STR("message"))),
        .first_us = kube_time_read(out, json_get(v, STR("firstTimestamp"))),
        .last_us = later_of(kube_time_read(out, json_get(v, STR("lastTimestamp"))),
                            kube_time_read(out, json_path(v, "series.lastObservedTime"))),
    };
    if (!event->first_us)
        event->first_us = single_us ? single_us : made_us;
    if (!event->last_us)
        event->last_us = event->first_us;
}

bool kube_event_newest(struct arena *out, str list, str type, str reason, struct kube_event *event)
{
    struct json root;
    bool found = false;
    if (json_parse(out, list, &root, NULL) != ERR_NONE)
        return false;
    for (struct json_iter it = json_each(json_get(root, STR("items"))); json_next(&it);) {
        struct kube_event one;
        kube_event_read(out, it.value, &one);
        if ((type.n && !str_eq(one.type, type)) || (reason.n && !str_eq(one.reason, reason)))
            continue;
        if (!found || one.last_us >= event->last_us)
            *event = one;
        found = true;
    }
    return found;
}
