/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>

#include "base/limits.h"

#define ALIGNMENT (sizeof(max_align_t) > 16 ? (size_t)16 : sizeof(max_align_t))
#define PAGE ((size_t)4096)

void arena_reserve(struct arena *a, const char *name, size_t cap)
{
    cap = (cap + PAGE - 1) & ~(PAGE - 1);
    void *p =
        mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(p != MAP_FAILED);
    *a = (struct arena){.name = name, .base = p, .cap = cap};
}

void arena_release(struct arena *a)
{
    if (a->base)
        munmap(a->base, a->cap);
    *a = (struct arena){0};
}

struct arena arena_over(const char *name, void *memory, size_t size)
{
    return (struct arena){.name = name, .base = memory, .cap = size};
}

static void *take(struct arena *a, size_t size, size_t alignment)
{
    uintptr_t at = (uintptr_t)a->base + a->used;
    size_t pad = (alignment - at % alignment) % alignment;
    if (!a->base || a->cap - a->used < pad || a->cap - a->used - pad < size)
        return NULL;
    a->used += pad + size;
    if (a->used > a->high)
        a->high = a->used;
    if (a->used > a->touched)
        a->touched = a->used;
    return a->base + a->used - size;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = take(a, size, ALIGNMENT);
    return p ? memset(p, 0, size) : NULL;
}

char *arena_bytes(struct arena *a, size_t size)
{
    return take(a, size, 1);
}

void *arena_untouched(struct arena *a, size_t size)
{
    void *p = take(a, size, ALIGNMENT);
    ASSERT(p);
    return p;
}

void *arena_must(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    ASSERT(p);
    return p;
}

void *arena_array(struct arena *a, size_t size, size_t count)
{
    size_t total;
    return __builtin_mul_overflow(size, count, &total) ? NULL : arena_alloc(a, total);
}

size_t arena_mark(const struct arena *a)
{
    return a->used;
}

void arena_rewind(struct arena *a, size_t mark)
{
    ASSERT(mark <= a->used);
    a->used = mark;
}

void arena_reset(struct arena *a)
{
    if (a->touched > ARENA_KEEP) { /* so a reset is usually free */
        uintptr_t from = ((uintptr_t)a->base + ARENA_KEEP + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
        uintptr_t to = ((uintptr_t)a->base + a->touched) & ~(uintptr_t)(PAGE - 1);
        if (to > from)
            madvise((void *)from, to - from, MADV_DONTNEED);
        a->touched = ARENA_KEEP;
    }
    a->used = 0;
}
