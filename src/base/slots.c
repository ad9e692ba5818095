/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

/* A live place has an odd generation, a free one an even one. */

void slots_init(struct slots *s, struct arena *perm, uint32_t cap)
{
    *s = (struct slots){.cap = cap};
    size_t size = cap * sizeof *s->generation;
    s->generation = arena_untouched(perm, size);
    s->next_free = arena_untouched(perm, size);
}

slot_id slots_take(struct slots *s)
{
    uint32_t index;
    if (s->first_free) {
        index = s->first_free - 1;
        s->first_free = s->next_free[index];
    } else if (s->fresh < s->cap) {
        index = s->fresh++;
    } else {
        return 0;
    }
    s->used++;
    s->generation[index]++;
    return (slot_id)s->generation[index] << 32 | (index + 1);
}

void slots_free(struct slots *s, slot_id id)
{
    ptrdiff_t index = slots_index(s, id);
    ASSERT(index >= 0);
    s->generation[index]++;
    s->next_free[index] = s->first_free;
    s->first_free = (uint32_t)index + 1;
    s->used--;
}

ptrdiff_t slots_index(const struct slots *s, slot_id id)
{
    uint32_t place = (uint32_t)id, generation = (uint32_t)(id >> 32);
    if (place == 0 || place > s->fresh || generation % 2 == 0 ||
        s->generation[place - 1] != generation)
        return -1;
    return (ptrdiff_t)place - 1;
}

slot_id slots_at(const struct slots *s, uint32_t index)
{
    if (index >= s->fresh || s->generation[index] % 2 == 0)
        return 0;
    return (slot_id)s->generation[index] << 32 | (index + 1);
}
