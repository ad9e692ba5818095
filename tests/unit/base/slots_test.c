/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

#include "rig.h"

#define CAP 8

static struct arena perm;
static struct slots slots;

static int fresh(void **state)
{
    (void)state;
    arena_reserve(&perm, "perm", 1 << 16);
    slots_init(&slots, &perm, CAP);
    return 0;
}

static int release(void **state)
{
    (void)state;
    arena_release(&perm);
    return 0;
}

static void test_take_until_full(void **state)
{
    (void)state;
    slot_id ids[CAP];
    for (uint32_t i = 0; i < CAP; i++) {
        ids[i] = slots_take(&slots);
        assert_true(ids[i] != 0);
        assert_int_equal(slots_index(&slots, ids[i]), i);
        assert_int_equal(slots.used, i + 1);
    }
    assert_true(slots_take(&slots) == 0);
    assert_int_equal(slots.used, CAP);
    slots_free(&slots, ids[3]);
    slot_id again = slots_take(&slots);
    assert_int_equal(slots_index(&slots, again), 3); /* the place is used again ... */
    assert_true(again != ids[3]);
    assert_int_equal(slots_index(&slots, ids[3]), -1); /* ... but not its id */
}

static void test_ids_that_never_were(void **state)
{
    (void)state;
    slot_id id = slots_take(&slots);
    assert_int_equal(slots_index(&slots, 0), -1);
    assert_int_equal(slots_index(&slots, id + 1), -1); /* a place not used yet */
    assert_int_equal(slots_index(&slots, id + ((slot_id)1 << 32)), -1);
    assert_int_equal(slots_index(&slots, (slot_id)UINT32_MAX), -1);
    assert_int_equal(slots_index(&slots, UINT64_MAX), -1);
    assert_true(slots_at(&slots, 0) == id);
    assert_true(slots_at(&slots, 1) == 0);
    assert_true(slots_at(&slots, CAP) == 0);
    assert_true(slots_at(&slots, UINT32_MAX) == 0);
    slots_free(&slots, id);
    assert_true(slots_at(&slots, 0) == 0);
    /* an id with a free place's generation is not live either */
    assert_int_equal(slots_index(&slots, (slot_id)2 << 32 | 1), -1);
}

static slot_id stale;

static void free_stale(void)
{
    slots_free(&slots, stale);
}

static void test_stale_free_aborts(void **state)
{
    (void)state;
    stale = slots_take(&slots);
    slots_free(&slots, stale);
    assert_true(aborts(free_stale));
    slot_id now = slots_take(&slots);
    assert_true(now != 0);
    assert_true(aborts(free_stale)); /* also when somebody else lives there */
    stale = 0;
    assert_true(aborts(free_stale));
}

/* A naive table beside it, through many random steps. */
static void test_against_a_naive_table(void **state)
{
    (void)state;
    slot_id live[CAP] = {0}; /* by index */
    slot_id dead[64] = {0};
    size_t deaths = 0;
    uint32_t random = 7, used = 0;
    for (int step = 0; step < 20000; step++) {
        uint32_t pick = next_random(&random) % (2 * CAP);
        if (pick < CAP && live[pick]) {
            slots_free(&slots, live[pick]);
            dead[deaths++ % ARRAY_LEN(dead)] = live[pick];
            live[pick] = 0;
            used--;
        } else {
            slot_id id = slots_take(&slots);
            assert_int_equal(id != 0, used < CAP);
            if (id) {
                ptrdiff_t index = slots_index(&slots, id);
                assert_true(index >= 0 && index < CAP && !live[index]);
                live[index] = id;
                used++;
            }
        }
        assert_int_equal(slots.used, used);
        for (uint32_t i = 0; i < CAP; i++) {
            assert_true(slots_at(&slots, i) == live[i]);
            assert_int_equal(slots_index(&slots, live[i]), live[i] ? (ptrdiff_t)i : -1);
        }
        for (size_t i = 0; i < ARRAY_LEN(dead); i++)
            assert_int_equal(slots_index(&slots, dead[i]), -1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_take_until_full),
        TEST(test_ids_that_never_were),
        TEST(test_stale_free_aborts),
        TEST(test_against_a_naive_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
