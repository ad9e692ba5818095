/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/attempt.h"

#include <string.h>

#include "base/buf.h"
#include "format/json.h"
#include "net/backoff.h"

#define DETAIL_MAX 200
#define DOUBLINGS_MAX 12 /* 2^12 s, more than an hour */

/* The server answered; a reply of which only the head arrived is no answer. */
static bool is_answered(const struct http_reply *r)
{
    return r->status >= 400;
}

static bool is_repeated_status(const struct prefect_attempt *a, int status)
{
    switch (status) {
    case 408:
    case 429:
    case 502:
    case 503:
        return true;
    default:
        for (size_t i = 0; i < a->extra_code_count; i++)
            if (a->extra_codes[i] == status)
                return true;
        return false;
    }
}

static bool is_token_refused(const struct http_reply *r)
{
    return r->status == 403 && str_has(r->body, STR("Invalid CSRF token"));
}

/* Surely without effect on the server. */
static bool is_unsent(const struct http_reply *r)
{
    if (is_answered(r))
        return r->status == 429 || r->status == 503;
    return !r->connected;
}

static bool is_wanted(const struct prefect_attempt *a, const struct http_reply *r)
{
    if (a->repeat == PREFECT_REPEAT_NEVER || a->streamed)
        return false;
    if (is_answered(r)) {
        if (!is_repeated_status(a, r->status))
            return false;
    } else if (r->kind != ERR_RETRY || (r->refused && !a->reached)) {
        return false;
    }
    return a->repeat == PREFECT_REPEAT_SAFE || is_unsent(r);
}

static int64_t delay_ms(const struct prefect_attempt *a, const struct http_reply *r, int tries)
{
    if (is_answered(r) && r->retry_after_ms >= 0) {
        int64_t floor_ms = r->retry_after_ms;
        if (floor_ms > PREFECT_RETRY_AFTER_MAX_MS)
            floor_ms = PREFECT_RETRY_AFTER_MAX_MS;
        return backoff_at_least_ms(floor_ms, a->jitter_factor);
    }
    return backoff_jitter_ms((int64_t)1000 << (tries < DOUBLINGS_MAX ? tries : DOUBLINGS_MAX),
                             a->jitter_factor);
}

struct prefect_step prefect_attempt_judge(const struct prefect_attempt *a,
                                          const struct http_reply *r)
{
    struct prefect_step step = {.tries = a->tries + 1};
    if (is_answered(r) && r->maintenance) {
        step.tries = a->tries;
        step.maintenance = true;
    }
    step.token_refused = is_token_refused(r);
    bool wanted = step.token_refused ? a->repeat != PREFECT_REPEAT_NEVER : is_wanted(a, r);
    step.again = wanted && (step.maintenance || step.tries <= a->max_retries);
    if (step.again)
        step.delay_ms = delay_ms(a, r, step.tries);
    return step;
}

bool prefect_attempt_lost(const struct http_reply *r)
{
    if (is_answered(r))
        return r->status == 408 || r->status == 502 || r->status == 504;
    return r->connected;
}

/* "body.name: Field required" of one entry of a validation's list. */
static str first_fault(struct arena *out, struct json faults)
{
    struct json fault = json_at(faults, 0);
    str message = json_str(out, json_get(fault, STR("msg")));
    struct buf b = buf_new(out, DETAIL_MAX);
    struct json_iter it = json_each(json_get(fault, STR("loc")));
    while (json_next(&it)) {
        str part = json_is(it.value, JSON_STRING) ? json_str(out, it.value) : json_raw(it.value);
        buf_printf(&b, "%s" STR_FMT, b.n ? "." : "", STR_ARG(part));
    }
    buf_printf(&b, "%s" STR_FMT, b.n ? ": " : "", STR_ARG(message));
    return message.n && !b.full ? buf_str(&b) : message;
}

static str described(struct arena *out, str body)
{
    struct json root;
    if (json_parse(out, body, &root, NULL))
        return (str){0};
    struct json detail = json_get(root, STR("detail"));
    if (json_is(detail, JSON_STRING))
        return json_str(out, detail);
    if (json_is(detail, JSON_ARRAY))
        return first_fault(out, detail);
    str fault = first_fault(out, json_get(root, STR("exception_detail")));
    return fault.n ? fault : json_str(out, json_get(root, STR("exception_message")));
}

void prefect_reply_error(const struct http_reply *r, struct err *e)
{
    *e = r->err;
    if (!is_answered(r) || !r->body.n || !r->arena)
        return;
    str detail = str_trim(described(r->arena, r->body));
    if (!detail.n && str_starts(r->content_type, STR("text/plain")))
        detail = str_trim(r->body);
    if (!detail.n)
        return;
    size_t n = strlen(e->text);
    struct buf b = buf_over(e->text + n, sizeof e->text - n - 1);
    buf_cstr(&b, ": ");
    for (size_t i = 0; i < detail.n && i < DETAIL_MAX; i++)
        buf_byte(&b, (unsigned char)detail.p[i] < ' ' ? ' ' : detail.p[i]);
    e->text[n + b.n] = '\0';
}
