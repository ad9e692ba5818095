/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/claim.h"

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
