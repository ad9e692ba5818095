/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* In front of each block: its size. 16 bytes keep the block aligned for any object. */
#define HEADER 16

static atomic_size_t used, high, budget = HEAP_BUDGET_DEFAULT;
static atomic_ullong allocations, refused;

void heap_set_budget(size_t bytes)
{
    atomic_store(&budget, bytes);
}

struct heap_figures heap_figures(void)
{
    return (struct heap_figures){atomic_load(&used), atomic_load(&high), atomic_load(&budget),
                                 atomic_load(&allocations), atomic_load(&refused)};
}

static bool charge(size_t size)
{
    size_t most = atomic_load(&budget);
    bool fits = size <= most; /* asked first, so that no sum wraps around */
    size_t now = fits ? atomic_fetch_add(&used, size) + size : 0;
    if (!fits || now > most) {
        if (fits)
            atomic_fetch_sub(&used, size);
        atomic_fetch_add(&refused, 1);
        return false;
    }
    size_t seen = atomic_load(&high);
    while (now > seen && !atomic_compare_exchange_weak(&high, &seen, now))
        continue;
    return true;
}

static size_t size_of(void *p)
{
    size_t size;
    memcpy(&size, (char *)p - HEADER, sizeof size);
    return size;
}

static void *seal(void *block, size_t size)
{
    memcpy(block, &size, sizeof size);
    return (char *)block + HEADER;
}

void *heap_malloc(size_t size)
{
    if (!charge(size))
        return NULL;
    void *block = malloc(size + HEADER);
    if (!block) {
        atomic_fetch_sub(&used, size);
        return NULL;
    }
    atomic_fetch_add(&allocations, 1);
    return seal(block, size);
}

void *heap_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX; /* refused, and counted */
    void *p = heap_malloc(total);
    return p ? memset(p, 0, total) : NULL;
}

void *heap_realloc(void *p, size_t size)
{
    if (!p)
        return heap_malloc(size);
    size_t old = size_of(p);
    if (size > old && !charge(size - old))
        return NULL;
    void *block = realloc((char *)p - HEADER, size + HEADER);
    if (!block) {
        if (size > old)
            atomic_fetch_sub(&used, size - old);
        return NULL;
    }
    if (size < old)
        atomic_fetch_sub(&used, old - size);
    atomic_fetch_add(&allocations, 1);
    return seal(block, size);
}

void heap_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub(&used, size_of(p));
    free((char *)p - HEADER);
}

char *heap_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = heap_malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}
