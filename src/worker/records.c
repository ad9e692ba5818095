/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/records.h"

#include <string.h>

void records_init(struct records *r, struct arena *perm, size_t record_size, uint32_t cap)
{
    uint32_t slots = 16;
    while (slots < cap * 2)
        slots *= 2;
    *r = (struct records){.record_size = record_size, .cap = cap, .mask = slots - 1};
    r->base = arena_untouched(perm, record_size * cap);
    r->index = arena_untouched(perm, sizeof *r->index * slots);
}

static struct record *place(const struct records *r, uint32_t i)
{
    return (struct record *)(void *)(r->base + r->record_size * i);
}

/* A UUID's own bits are the hash: v4 and v7 end in random ones. */
static uint32_t home(const struct records *r, const struct uuid *key)
{
    uint32_t hash;
    memcpy(&hash, key->bytes + 12, sizeof hash);
    return hash & r->mask;
}

/* Where the key stands in the index, or the empty slot where it would. */
static uint32_t slot_of(const struct records *r, const struct uuid *key)
{
    uint32_t slot = home(r, key);
    while (r->index[slot] && !uuid_eq(&place(r, r->index[slot] - 1)->key, key))
        slot = (slot + 1) & r->mask;
    return slot;
}

void *records_find(const struct records *r, const struct uuid *key)
{
    uint32_t at = r->index[slot_of(r, key)];
    return at ? place(r, at - 1) : NULL;
}

void *records_get(struct records *r, const struct uuid *key)
{
    uint32_t slot = slot_of(r, key), i;
    if (r->index[slot])
        return place(r, r->index[slot] - 1);
    if (r->first_free) {
        i = r->first_free - 1;
        r->first_free = place(r, i)->next_free;
    } else if (r->fresh < r->cap) {
        i = r->fresh++;
    } else {
        return NULL;
    }
    struct record *record = place(r, i);
    memset(record, 0, r->record_size);
    record->key = *key;
    record->live = 1;
    r->index[slot] = i + 1;
    r->used++;
    return record;
}

void records_remove(struct records *r, void *removed)
{
    struct record *record = removed;
    uint32_t hole = slot_of(r, &record->key), i = r->index[hole] - 1;
    ASSERT(record->live && place(r, i) == record);
    /* Moves later members of the run into the hole, so that no search ends too early. */
    for (uint32_t slot = (hole + 1) & r->mask; r->index[slot]; slot = (slot + 1) & r->mask) {
        uint32_t wanted = home(r, &place(r, r->index[slot] - 1)->key);
        if (((slot - wanted) & r->mask) >= ((slot - hole) & r->mask)) {
            r->index[hole] = r->index[slot];
            hole = slot;
        }
    }
    r->index[hole] = 0;
    record->live = 0;
    record->next_free = r->first_free;
    r->first_free = i + 1;
    r->used--;
}

void *records_at(const struct records *r, uint32_t i)
{
    struct record *record = place(r, i);
    return i < r->fresh && record->live ? record : NULL;
}
