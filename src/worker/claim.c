/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/claim.h"

#include "prefect/state.h"

static const str head = STR_INIT("Claimed by Kubernetes worker '");
static const str middle = STR_INIT("' for cluster ");

str claim_message(struct arena *out, str worker_name, str cluster_mark)
{
    return str_printf(out, STR_FMT STR_FMT STR_FMT STR_FMT, STR_ARG(head), STR_ARG(worker_name),
                      STR_ARG(middle), STR_ARG(cluster_mark));
}

bool claim_parse(str message, str *worker_name, str *cluster_mark)
{
    if (!str_starts(message, head))
        return false;
    str rest = str_skip(message, head.n);
    /* The mark has no quote, so the last one ends the name, whatever the name contains. */
    ptrdiff_t quote = str_rfind_char(rest, '\'');
    if (quote < 0 || !str_starts(str_skip(rest, (size_t)quote), middle))
        return false;
    *worker_name = str_sub(rest, 0, (size_t)quote);
    *cluster_mark = str_skip(rest, (size_t)quote + middle.n);
    return cluster_mark->n > 0;
}

bool claim_newest(struct arena *out, struct json history, struct claim *claim)
{
    bool found = false;
    *claim = (struct claim){0};
    for (struct json_iter it = json_each(history); json_next(&it);) {
        struct prefect_state state;
        struct err e;
        if (prefect_state_read(out, it.value, &state, &e) != ERR_NONE ||
            state.type != PREFECT_PENDING || !str_eq(state.name, STR("Pending")) ||
            state.timestamp_us < claim->at_us)
            continue;
        found = claim_parse(state.message, &claim->worker_name, &claim->cluster_mark);
        claim->state = state.id;
        claim->at_us = state.timestamp_us;
    }
    return found;
}
