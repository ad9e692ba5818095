/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/resource.h"

#include "base/arena.h"
#include "format/slug.h"

#define NAME_MAX_KEPT 512

str resource_of_worker(struct arena *out, str worker_name)
{
    char memory[SLUG_SCRATCH(NAME_MAX_KEPT)];
    struct arena scratch = arena_over("slug", memory, sizeof memory);
    str slug = slug_plain(out, scratch, str_sub(worker_name, 0, NAME_MAX_KEPT));
    return str_printf(out, "prefect.worker.kubernetes." STR_FMT, STR_ARG(slug));
}
