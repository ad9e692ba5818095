/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_LINES_H
#define KUBE_LINES_H

/*
 * Chunks of a stream into lines, for kube/watch. A line that came in one chunk is not copied; one
 * above the cap is skipped to its end and counted.
 */

#include "base/arena.h"
#include "base/buf.h"

struct kube_lines {
    struct arena arena; /* address space of the buffer; resident only while long lines pass */
    struct buf buf;
    size_t max;
    bool skipping;
    uint64_t skipped; /* lines above the cap */
};

/* False: stop, the rest of the chunk is dropped. */
typedef bool kube_line_fn(void *ctx, str line);

/* Reserves address space for lines of up to `max` bytes; for the life of the process. */
void kube_lines_init(struct kube_lines *lines, size_t max);
/* Hands over each line that is complete now, without its end. False where `fn` said so. */
bool kube_lines_feed(struct kube_lines *lines, str bytes, kube_line_fn *fn, void *ctx);
/* Forgets an unfinished line: the stream was cut. */
void kube_lines_clear(struct kube_lines *lines);

#endif
