/* SPDX-License-Identifier: Apache-2.0 */

/* YAML: the tree survives every writer, and libyaml's memory is all given back. */

#include "base/heap.h"
#include "tree_check.h"

static struct arena arena;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tree *v;
    struct err e;
    fuzz_arena(&arena, 64 * MIB);
    enum err_kind kind = yaml_parse(&arena, (str){(const char *)data, size}, &v, &e);
    ASSERT(heap_figures().used == 0);
    if (kind == ERR_NONE)
        check_tree(v);
    return 0;
}
