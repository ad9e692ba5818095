/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/*
 * What fuzz targets share. A target defines LLVMFuzzerTestOneInput, so it runs under libFuzzer
 * (`make fuzz-run F=json`) and, without clang, over the committed inputs (`make fuzz-replay`).
 * What it asserts beside "no crash" stands in its first comment.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An empty arena: reserved at the first call, reset at the others. */
UNUSED static struct arena *fuzz_arena(struct arena *a, size_t cap)
{
    if (!a->base)
        arena_reserve(a, "fuzz", cap);
    arena_reset(a);
    return a;
}

#endif
