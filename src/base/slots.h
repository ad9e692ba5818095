/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

/*
 * A table of numbered places with generations: an id that was kept across a callback finds its
 * place only while the place is still the same one. Holds no data itself; the owner keeps an array
 * beside it and indexes it by slots_index().
 */

#include "base/arena.h"

typedef uint64_t slot_id; /* generation << 32 | index + 1; 0 is no slot */

struct slots {
    uint32_t *generation;
    uint32_t *next_free; /* index + 1 of the next free place; 0 ends the list */
    uint32_t first_free; /* index + 1 */
    uint32_t fresh;      /* places never used so far start here: untouched memory stays so */
    uint32_t cap;
    uint32_t used;
};

/* Room for `cap` places, from `perm`. */
void slots_init(struct slots *s, struct arena *perm, uint32_t cap);
/* A free place, or 0 when all are taken. */
slot_id slots_take(struct slots *s);
/* Frees the place; a stale id is a programmer's error. */
void slots_free(struct slots *s, slot_id id);
/* Index of a live id, or -1 when it is stale or 0. */
ptrdiff_t slots_index(const struct slots *s, slot_id id);
/* The id that lives at `index`, or 0: for walking all places from 0 to s->fresh. */
slot_id slots_at(const struct slots *s, uint32_t index);

#endif
