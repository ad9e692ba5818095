/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PREFECT_CLIENT_H
#define PREFECT_CLIENT_H

/*
 * Requests to the Prefect API: headers, authentication, CSRF, and the Python client's repetition
 * (408, 429, 502, 503 and configured codes; Retry-After; jitter; maintenance) for requests that
 * are safe to repeat. Other folders build bodies and read replies; here is only the exchange.
 */

#include "base/uuid.h"
#include "net/http.h"

/* The release of Prefect that we stand for: the server parses User-Agent and behaves by it. */
#define PREFECT_VERSION "3.8.8"
#define PREFECT_API_VERSION "0.8.4"
#define PREFECT_INTEGRATION_VERSION "0.8.0"

struct prefect;

struct prefect_options { /* views must stay valid */
    str api_url;         /* with its path prefix; a trailing slash is tolerated */
    str api_key;
    str api_auth_string; /* user:password; wins over the key */
    str custom_headers;  /* JSON object of strings; empty for none */
    struct http_proxy proxy;
    struct tls_config tls;
    double request_timeout_s; /* connect and silence each */
    int max_retries;
    double jitter_factor;
    const int *extra_codes; /* further statuses to repeat */
    size_t extra_code_count;
    bool csrf;
    bool cloud;
};

/* Memory from `perm`. ERR_INVALID: URL or custom headers are unusable; the text says how. */
enum err_kind prefect_open(struct arena *perm, struct loop *loop, struct http *http,
                           const struct prefect_options *options, struct prefect **prefect,
                           struct err *e) MUST_CHECK;
/* Sent as X-Prefect-Worker-Name from now on; copied. */
void prefect_set_worker_name(struct prefect *prefect, str name);
/* Sent as X-Prefect-Worker-Id from now on (Prefect Cloud); copied. */
void prefect_set_worker_id(struct prefect *prefect, str id);

enum prefect_repeat {
    PREFECT_REPEAT_SAFE,   /* GET, or a body that may be sent twice */
    PREFECT_REPEAT_UNSENT, /* only where the request surely had no effect (refused, 429, 503) */
    PREFECT_REPEAT_NEVER,  /* once: start-up's best effort */
};

struct prefect_reply {
    enum err_kind kind;
    int status;
    str body;                      /* empty when streamed */
    struct arena *arena;           /* scratch, gone on return */
    const struct http_reply *http; /* never NULL; status 0 where no exchange took place */
    const struct err *err;
    bool lost; /* an attempt may have had its effect although its reply never arrived; also set
                  beside the answer of a later attempt */
};
typedef void prefect_done_fn(void *ctx, const struct prefect_reply *reply);

struct prefect_request {
    enum http_method method;
    str path; /* "/flow_runs/x", encoded, with query; copied */
    str body; /* JSON; copied; empty for none */
    enum prefect_repeat repeat;
    size_t body_max;       /* 0: HTTP_BODY_MAX */
    http_data_fn *on_data; /* streams a 2xx body */
    prefect_done_fn *on_done;
    void *ctx;
};

typedef slot_id prefect_id;
/* Waits inside for CSRF tokens and repetitions; on_done once, never from inside. ERR_LIMIT when
 * all calls are taken. */
enum err_kind prefect_send(struct prefect *prefect, const struct prefect_request *request,
                           prefect_id *id, struct err *e) MUST_CHECK;
void prefect_cancel(struct prefect *prefect, prefect_id id);
void prefect_resume(struct prefect *prefect, prefect_id id); /* a paused stream */

/* End of the latest maintenance wait on the monotonic clock (ms); 0 without one. */
int64_t prefect_maintenance_until_ms(const struct prefect *prefect);

#endif
