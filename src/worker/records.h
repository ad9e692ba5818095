/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_RECORDS_H
#define WORKER_RECORDS_H

/*
 * A table of fixed-size records found by a UUID: the Jobs and pods that are followed. Capacity is
 * fixed at start, memory is touched as it fills, a record costs its size and 8 bytes of index.
 */

#include "base/arena.h"
#include "base/uuid.h"

/* First member of every record. */
struct record {
    struct uuid key;
    uint32_t next_free; /* index + 1 */
    uint8_t live;
};

struct records {
    char *base;
    uint32_t *index; /* open addressing; place + 1, 0 empty */
    size_t record_size;
    uint32_t cap, mask;
    uint32_t fresh;      /* places never used so far start here */
    uint32_t first_free; /* index + 1 */
    uint32_t used;
};

void records_init(struct records *r, struct arena *perm, size_t record_size, uint32_t cap);
/* The record, or NULL. */
void *records_find(const struct records *r, const struct uuid *key);
/* The record of this key, made (zeroed) where there is none; NULL when the table is full. */
void *records_get(struct records *r, const struct uuid *key);
void records_remove(struct records *r, void *record);
/* Walks all records by place, 0 to r->fresh; NULL where the place is free. */
void *records_at(const struct records *r, uint32_t place);

#endif
