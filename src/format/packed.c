/* SPDX-License-Identifier: Apache-2.0 */
#include "format/packed.h"

#define EVEN 32768
#define SEEN_MAX 12     /* the longer, the slower a chance follows what it sees */
#define CHANCE_MIN 64   /* no outcome is ever held impossible */
#define WIDTH_BITS 5    /* of a number */
#define TREE_BITS_MAX 8 /* a wider number's lower bits have a tree of their own */

static uint32_t next_byte(struct packed *p)
{
    size_t word = p->at / 8, byte = p->at % 8;
    p->at++;
    return word < p->words_count ? (uint32_t)(p->words[word] >> (8 * byte)) & 255 : 0;
}

struct packed packed_open(const uint64_t *words, size_t words_count, size_t at)
{
    struct packed p = {words, words_count, at, UINT32_MAX, 0};
    for (int i = 0; i < 4; i++)
        p.code = p.code << 8 | next_byte(&p);
    return p;
}

bool packed_bit(struct packed *p, uint32_t chance)
{
    uint32_t bound = (p->range >> 16) * chance;
    bool bit = p->code < bound;
    if (bit) {
        p->range = bound;
    } else {
        p->code -= bound;
        p->range -= bound;
    }
    while (p->range < 1u << 24) {
        p->range <<= 8;
        p->code = p->code << 8 | next_byte(p);
    }
    return bit;
}

void packed_model_init(struct packed_model *m)
{
    for (size_t i = 0; i < ARRAY_LEN(m->nodes); i++) {
        m->nodes[i].chance = EVEN;
        m->nodes[i].seen = 0;
    }
}

static bool learned_bit(struct packed *p, struct packed_model *m, uint32_t node)
{
    size_t place = (node * 2654435761u) >> (32 - PACKED_NODES_BITS);
    uint32_t chance = m->nodes[place].chance, seen = m->nodes[place].seen;
    bool bit = packed_bit(p, chance);
    if (bit)
        chance += (65535 - chance) * 2 / (2 * seen + 3);
    else
        chance -= chance * 2 / (2 * seen + 3);
    if (chance < CHANCE_MIN)
        chance = CHANCE_MIN;
    if (chance > 65535 - CHANCE_MIN)
        chance = 65535 - CHANCE_MIN;
    m->nodes[place].chance = (uint16_t)chance;
    m->nodes[place].seen = (uint16_t)(seen < SEEN_MAX ? seen + 1 : seen);
    return bit;
}

uint32_t packed_symbol(struct packed *p, struct packed_model *m, uint32_t context, unsigned bits)
{
    uint32_t node = 1;
    for (unsigned i = 0; i < bits; i++)
        node = node << 1 | learned_bit(p, m, context * 7989 + node);
    return node - (1u << bits);
}

uint32_t packed_number(struct packed *p, struct packed_model *m, uint32_t context)
{
    uint32_t width = packed_symbol(p, m, context, WIDTH_BITS);
    if (width < 2)
        return width;
    unsigned low = width - 1, high = low < TREE_BITS_MAX ? low : TREE_BITS_MAX;
    low -= high;
    uint32_t value = 1u << high | packed_symbol(p, m, context + width, high);
    if (low)
        value = value << low | packed_symbol(p, m, context + (1u << WIDTH_BITS), low);
    return value;
}
