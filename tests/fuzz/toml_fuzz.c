/* SPDX-License-Identifier: Apache-2.0 */

/* TOML: the tree survives every writer. */

#include "format/toml.h"
#include "tree_check.h"

static struct arena arena;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tree *v;
    struct err e;
    fuzz_arena(&arena, 64 * MIB);
    if (toml_parse(&arena, (str){(const char *)data, size}, &v, &e) == ERR_NONE)
        check_tree(v);
    return 0;
}
