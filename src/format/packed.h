/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_PACKED_H
#define FORMAT_PACKED_H

/*
 * Tables packed by an arithmetic coder, for slug_table.c; tools/slug-table packs them. A symbol of
 * n bits is a walk down a binary tree; at each node it is known how often the walk went right, in
 * 65536ths. Either the chances are given, or the model learns them as it goes, a tree a context.
 *
 * Unpacking touches nothing but its arguments, and a table of the program is never broken: there
 * is nothing to report.
 */

#include "base/base.h"

#define PACKED_NODES_BITS 12

/* Chances by hash of context and node: contexts that meet by chance cost size, not truth. */
struct packed_model {
    struct {
        uint16_t chance;
        uint16_t seen;
    } nodes[1 << PACKED_NODES_BITS];
};

struct packed {
    const uint64_t *words; /* the bytes, eight a word, the first one lowest */
    size_t words_count;
    size_t at; /* next byte */
    uint32_t range;
    uint32_t code;
};

/* Begins at byte `at`. */
struct packed packed_open(const uint64_t *words, size_t words_count, size_t at);
/* One bit that is 1 with this chance (1 to 65535). */
bool packed_bit(struct packed *p, uint32_t chance);

void packed_model_init(struct packed_model *m);
/* A symbol of `bits` bits in this context. */
uint32_t packed_symbol(struct packed *p, struct packed_model *m, uint32_t context, unsigned bits);
/* A number of any size: its width first. Uses the contexts of this column (packed_context). */
uint32_t packed_number(struct packed *p, struct packed_model *m, uint32_t context);

/* A column's context: the column (0 to 15) and what it depends on. */
static inline uint32_t packed_context(uint32_t column, uint32_t on)
{
    return on << 10 | column << 6;
}

#endif
