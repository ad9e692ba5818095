/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

/*
 * Memory with a lifetime instead of an owner: one contiguous reservation of address space, touched
 * as it is used, never chained. Allocation moves a mark, reset moves it back.
 *
 * By pointer an arena means "results live here"; by value ("struct arena scratch") it means "I
 * borrow the rest and give it back on return", because only the caller's copy of the mark counts.
 * The lifetimes are perm, slot, exchange and tick (ARCHITECTURE.md).
 */

#include "base/base.h"

struct arena {
    const char *name; /* static text, for errors and figures */
    char *base;
    size_t cap;
    size_t used;
    size_t high;    /* most ever used; a by-value copy keeps its own */
    size_t touched; /* as `high`, since pages last went back to the kernel */
};

/* Reserves `cap` bytes of address space (no memory yet). Aborts when the kernel refuses: happens
 * at start or never. */
void arena_reserve(struct arena *a, const char *name, size_t cap);
/* Gives the reservation back; *a is zero afterwards. */
void arena_release(struct arena *a);
/* An arena over memory that the caller owns (an array, a slice of another arena). */
struct arena arena_over(const char *name, void *memory, size_t size);

/* `size` bytes, aligned for any object and zeroed; NULL when the arena is full: the caller reports
 * ERR_LIMIT. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* As arena_alloc, but not zeroed and not aligned: for text. */
char *arena_bytes(struct arena *a, size_t size) MUST_CHECK;
/* Aligned, but not zeroed: in an arena that is never reset (perm) the bytes are zero and take no
 * memory until they are written. For tables that are large and mostly empty. Aborts when full. */
void *arena_untouched(struct arena *a, size_t size);
/* As arena_alloc; a full arena is a programmer's error here (sizes computed from limits.h). */
void *arena_must(struct arena *a, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), sizeof(type), (count)))
void *arena_array(struct arena *a, size_t size, size_t count) MUST_CHECK;

/* Mark and rewind: frees all that was allocated since the mark. */
size_t arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, size_t mark);
/* Frees everything and returns what is resident above ARENA_KEEP to the kernel. */
void arena_reset(struct arena *a);

#endif
