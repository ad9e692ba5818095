/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

/* What every object has: metav1.ObjectMeta, as far as it is read. Views of the object's text. */

#include "base/uuid.h"
#include "format/json.h"

struct kube_meta {
    str name, namespace;
    str uid_text;
    struct uuid uid;      /* nil where uid_text is no UUID */
    str resource_version; /* opaque */
    int64_t created_us;   /* 0 unknown */
    bool deleting;        /* deletionTimestamp is set */
    struct json labels;   /* for kube_label */
};

/* ERR_INVALID where metadata, name or uid is missing. Decoded copies (escapes) go to `out`. */
enum err_kind kube_meta_read(struct arena *out, struct json object, struct kube_meta *meta,
                             struct err *e) MUST_CHECK;
/* Value of a label; p == NULL where it is absent. */
str kube_label(struct arena *out, const struct kube_meta *meta, const char *key);

/* An RFC 3339 time; 0 where it is absent or none. */
int64_t kube_time_read(struct arena *out, struct json v);

#endif
