/* SPDX-License-Identifier: Apache-2.0 */

/* .env: only strings and nulls, and the tree survives every writer. */

#include "format/dotenv.h"
#include "tree_check.h"

static struct arena arena;

static str environ_value(void *ctx, str name)
{
    (void)ctx;
    return name.n % 2 ? STR("from ${OUTSIDE}") : (str){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tree *v;
    struct err e;
    fuzz_arena(&arena, 64 * MIB);
    if (dotenv_parse(&arena, (str){(const char *)data, size}, environ_value, NULL, &v, &e))
        return 0;
    for (const struct tree *line = v->first; line; line = line->next)
        ASSERT(line->type == TREE_NULL || (line->type == TREE_STRING && line->text.p));
    check_tree(v);
    return 0;
}
