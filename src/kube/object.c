/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/object.h"

#include "base/time.h"

int64_t kube_time_read(struct arena *out, struct json v)
{
    int64_t at_us;
    return time_parse_rfc3339(json_str(out, v), &at_us) ? at_us : 0;
}

enum err_kind kube_meta_read(struct arena *out, struct json object, struct kube_meta *meta,
                             struct err *e)
{
    struct json v = json_get(object, STR("metadata"));
    *meta = (struct kube_meta){
        .name = json_str(out, json_get(v, STR("name"))),
        .namespace = json_str(out, json_get(v, STR("namespace"))),
        .uid_text = json_str(out, json_get(v, STR("uid"))),
        .resource_version = json_str(out, json_get(v, STR("resourceVersion"))),
        .created_us = kube_time_read(out, json_get(v, STR("creationTimestamp"))),
        .deleting = !json_is_null(json_get(v, STR("deletionTimestamp"))),
        .labels = json_get(v, STR("labels")),
    };
    if (!meta->name.n || !meta->uid_text.n)
        return err_set(e, ERR_INVALID, "an object from the API server has no %s",
                       meta->name.n ? "uid" : "name");
    if (!uuid_parse(meta->uid_text, &meta->uid))
        meta->uid = (struct uuid){0};
    return ERR_NONE;
}

str kube_label(struct arena *out, const struct kube_meta *meta, const char *key)
{
    return json_str(out, json_get(meta->labels, str_of(key)));
}
