/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_WORK_POOL_H
#define PREFECT_WORK_POOL_H

/* Work pools as the REST API speaks of them: the object, and the bodies of requests. Pure. */

#include "base/uuid.h"
#include "format/json.h"
#include "format/json_write.h"

struct prefect_work_pool { /* views of the text that was read, or of `out` */
    struct uuid id;
    str name, type;
    bool is_paused;
    str status;            /* "READY", "NOT_READY", "PAUSED"; empty: not said */
    str base_job_template; /* its JSON text; empty where it is null or {} */
    str text;              /* the whole object */
};

/* ERR_INVALID: no work pool object. */
enum err_kind prefect_work_pool_parse(struct arena *out, str text, struct prefect_work_pool *pool,
                                      struct err *e) MUST_CHECK;

/* POST /work_pools/: `base_job_template` is JSON text, or empty to leave it out. */
void prefect_work_pool_create_body(struct json_writer *w, str name, str base_job_template);
/* PATCH /work_pools/{name} */
void prefect_work_pool_template_body(struct json_writer *w, str base_job_template);
/* POST /work_pools/{name}/queues/filter; without names: all queues. */
void prefect_work_queues_filter_body(struct json_writer *w, const str *names, size_t count);

struct prefect_heartbeat {
    str worker_name;
    int64_t interval_s;
    bool with_metadata; /* Cloud, once: the version of the integration */
    bool return_id;     /* Cloud, until the worker's id is known */
};
/* POST /work_pools/{name}/workers/heartbeat */
void prefect_heartbeat_body(struct json_writer *w, const struct prefect_heartbeat *heartbeat);

#endif
