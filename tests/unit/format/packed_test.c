/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/packed.h"

/* The coder that packed.c undoes, with given chances (tools/slug-table has the learning one). */
struct packer {
    uint64_t words[4096];
    size_t n;
    uint64_t low;
    uint32_t range;
};

static uint8_t byte_at(const struct packer *p, size_t i)
{
    return (uint8_t)(p->words[i / 8] >> (8 * (i % 8)));
}

static void set_byte(struct packer *p, size_t i, uint8_t byte)
{
    p->words[i / 8] &= ~((uint64_t)255 << (8 * (i % 8)));
    p->words[i / 8] |= (uint64_t)byte << (8 * (i % 8));
}

static void carry(struct packer *p)
{
    size_t i = p->n - 1;
    for (; byte_at(p, i) == 255; i--)
        set_byte(p, i, 0);
    set_byte(p, i, (uint8_t)(byte_at(p, i) + 1));
}

static void pack_bit(struct packer *p, uint32_t chance, bool bit)
{
    uint32_t bound = (p->range >> 16) * chance;
    if (!bit) {
        p->low += bound;
        p->range -= bound;
    } else {
        p->range = bound;
    }
    if (p->low >> 32) {
        p->low &= UINT32_MAX;
        carry(p);
    }
    for (; p->range < 1u << 24; p->range <<= 8) {
        set_byte(p, p->n++, (uint8_t)(p->low >> 24));
        p->low = p->low << 8 & UINT32_MAX;
    }
}

static void pack_end(struct packer *p)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        set_byte(p, p->n++, (uint8_t)(p->low >> shift));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void bits_come_back(void **state)
{
    (void)state;
    static const uint32_t chances[] = {1, 64, 3000, 32768, 65000, 65535};
    static struct packer p;
    for (uint32_t seed = 1; seed <= 50; seed++) {
        p = (struct packer){.range = UINT32_MAX};
        uint32_t random = seed;
        for (int i = 0; i < 5000; i++) {
            uint32_t chance = chances[next_random(&random) % ARRAY_LEN(chances)];
            pack_bit(&p, chance, (next_random(&random) & 65535) < chance);
        }
        pack_end(&p);
        assert_true(p.n < sizeof p.words);
        struct packed in = packed_open(p.words, ARRAY_LEN(p.words), 0);
        random = seed;
        for (int i = 0; i < 5000; i++) {
            uint32_t chance = chances[next_random(&random) % ARRAY_LEN(chances)];
            assert_int_equal(packed_bit(&in, chance), (next_random(&random) & 65535) < chance);
        }
    }
}

static void begins_at_a_byte(void **state)
{
    (void)state;
    static struct packer p;
    p = (struct packer){.range = UINT32_MAX, .n = 13};
    for (int i = 0; i < 64; i++)
        pack_bit(&p, 32768, i % 3 == 0);
    pack_end(&p);
    struct packed in = packed_open(p.words, ARRAY_LEN(p.words), 13);
    for (int i = 0; i < 64; i++)
        assert_int_equal(packed_bit(&in, 32768), i % 3 == 0);
}

/* A model that has seen nothing holds both outcomes even: then the first symbol of each context is
 * its bits, coded with a chance of one half. */
static void symbols_are_walks_from_the_top(void **state)
{
    (void)state;
    static struct packer p;
    static struct packed_model m;
    p = (struct packer){.range = UINT32_MAX};
    for (int shift = 6; shift >= 0; shift--)
        pack_bit(&p, 32768, 0x59 >> shift & 1);
    pack_end(&p);
    packed_model_init(&m);
    struct packed in = packed_open(p.words, ARRAY_LEN(p.words), 0);
    assert_int_equal(packed_symbol(&in, &m, packed_context(3, 17), 7), 0x59);
}

/* The chance of a 1 after k ones in a row is (k + 0.5) / (k + 1), until twelve were seen. */
static void chances_follow_what_was_seen(void **state)
{
    (void)state;
    static struct packer p;
    static struct packed_model m;
    p = (struct packer){.range = UINT32_MAX};
    uint32_t chance = 32768;
    for (uint32_t seen = 0; seen < 300; seen++) {
        pack_bit(&p, chance, seen % 50 != 49);
        uint32_t weight = 2 * (seen < 12 ? seen : 12) + 3;
        chance =
            seen % 50 != 49 ? chance + (65535 - chance) * 2 / weight : chance - chance * 2 / weight;
        chance = chance > 65535 - 64 ? 65535 - 64 : chance;
    }
    pack_end(&p);
    packed_model_init(&m);
    struct packed in = packed_open(p.words, ARRAY_LEN(p.words), 0);
    for (int seen = 0; seen < 300; seen++)
        assert_int_equal(packed_symbol(&in, &m, 5, 1), seen % 50 != 49);
}

static void nothing_follows_the_end(void **state)
{
    (void)state;
    uint64_t word = 0;
    struct packed in = packed_open(&word, 1, 6);
    for (int i = 0; i < 1000; i++)
        assert_true(packed_bit(&in, 32768)); /* zeros from there on: always the lower part */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_come_back),
        cmocka_unit_test(begins_at_a_byte),
        cmocka_unit_test(symbols_are_walks_from_the_top),
        cmocka_unit_test(chances_follow_what_was_seen),
        cmocka_unit_test(nothing_follows_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
