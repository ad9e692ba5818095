/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/*
 * The counted allocator for the libraries that need one (curl, libyaml): malloc behind a hard
 * budget. Over the budget an allocation fails, and the library reports it for that one operation.
 * Our own code does not call it: it has arenas. Safe to call from curl's resolver threads.
 */

#include "base/base.h"

struct heap_figures {
    size_t used;          /* bytes held now, by their requested sizes */
    size_t high;          /* most ever held */
    size_t budget;        /* hard limit */
    uint64_t allocations; /* since start; reallocations that moved count too */
    uint64_t refused;     /* allocations that the budget stopped */
};

/* Sets the budget; before the libraries are initialised. */
void heap_set_budget(size_t bytes);
struct heap_figures heap_figures(void);

void *heap_malloc(size_t size);
void *heap_calloc(size_t count, size_t size);
void *heap_realloc(void *p, size_t size);
void heap_free(void *p);
char *heap_strdup(const char *text);

#endif
