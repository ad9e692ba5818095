/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <sys/mman.h>

#include "base/limits.h"
#include "rig.h"

static struct arena arena;

static int reserve(void **state)
{
    (void)state;
    arena_reserve(&arena, "test", 1 * MIB);
    return 0;
}

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void test_alloc_is_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t size = 1; size < 200; size++) {
        char *odd = arena_bytes(&arena, 1);
        *odd = 'x';
        unsigned char *p = arena_alloc(&arena, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, size);
        arena_rewind(&arena, 0); /* the next one gets dirty memory */
    }
}

static void test_bytes_are_packed(void **state)
{
    (void)state;
    char *a = arena_bytes(&arena, 3), *b = arena_bytes(&arena, 5);
    assert_ptr_equal(b, a + 3);
    assert_int_equal(arena.used, 8);
}

static void test_full(void **state)
{
    (void)state;
    assert_non_null(arena_bytes(&arena, arena.cap - 1));
    assert_null(arena_bytes(&arena, 2));
    assert_null(arena_alloc(&arena, 1)); /* alignment leaves nothing */
    assert_non_null(arena_bytes(&arena, 1));
    assert_null(arena_bytes(&arena, 1));
    assert_int_equal(arena.used, arena.cap);
    arena_rewind(&arena, 0);
    assert_null(arena_bytes(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 8));
    assert_int_equal(arena.used, 0);
}

static void test_arrays_do_not_overflow(void **state)
{
    (void)state;
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_array(&arena, 16, SIZE_MAX / 16 + 1));
    assert_null(arena_array(&arena, arena.cap / 2 + 1, 2));
    uint32_t *p = ARENA_ARRAY(&arena, uint32_t, 5);
    assert_non_null(p);
    assert_int_equal(arena.used, 5 * sizeof *p);
    assert_non_null(ARENA_NEW(&arena, struct arena));
}

static void must_when_full(void)
{
    (void)arena_must(&arena, arena.cap + 1);
}

static void untouched_when_full(void)
{
    (void)arena_untouched(&arena, arena.cap + 1);
}

static void rewind_forwards(void)
{
    arena_rewind(&arena, 1);
}

static void test_programmers_errors_abort(void **state)
{
    (void)state;
    assert_true(aborts(must_when_full));
    assert_true(aborts(untouched_when_full));
    assert_true(aborts(rewind_forwards));
    assert_non_null(arena_must(&arena, 10));
}

static size_t borrow(struct arena scratch)
{
    assert_non_null(arena_alloc(&scratch, 1000));
    return scratch.used;
}

static void test_by_value_is_given_back(void **state)
{
    (void)state;
    assert_non_null(arena_bytes(&arena, 10));
    assert_true(borrow(arena) >= 1010);
    assert_int_equal(arena.used, 10);
    assert_int_equal(arena.high, 10);
}

static void test_mark_and_rewind(void **state)
{
    (void)state;
    assert_non_null(arena_bytes(&arena, 100));
    size_t mark = arena_mark(&arena);
    char *first = arena_bytes(&arena, 50);
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_bytes(&arena, 50), first);
    assert_int_equal(arena.high, 150);
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_int_equal(arena.high, 150);
}

static size_t resident(void)
{
    unsigned char pages[1 * MIB / 4096];
    size_t count = 0;
    assert_int_equal(mincore(arena.base, arena.cap, pages), 0);
    for (size_t i = 0; i < arena.cap / 4096; i++)
        count += pages[i] & 1;
    return count * 4096;
}

static void test_reset_returns_pages(void **state)
{
    (void)state;
    memset(arena_bytes(&arena, 800 * KIB), 'x', 800 * KIB);
    assert_true(resident() >= 800 * KIB);
    arena_reset(&arena);
    assert_true(resident() <= ARENA_KEEP + 4096);
    /* below the limit, what is resident stays */
    char *p = arena_bytes(&arena, ARENA_KEEP);
    assert_int_equal(p[100], 'x');
    arena_reset(&arena);
    assert_int_equal(arena_bytes(&arena, 101)[100], 'x');
    assert_int_equal(arena.high, 800 * KIB);
    /* and again, as often as it grows */
    memset(arena_bytes(&arena, 700 * KIB), 'y', 700 * KIB);
    arena_reset(&arena);
    assert_true(resident() <= ARENA_KEEP + 4096);
}

static void test_untouched_takes_no_memory(void **state)
{
    (void)state;
    size_t before = resident();
    unsigned char *table = arena_untouched(&arena, 512 * KIB);
    assert_int_equal((uintptr_t)table % 16, 0);
    assert_true(resident() - before <= 4096);
    assert_int_equal(table[300 * KIB], 0);
}

static void test_over_memory_of_the_caller(void **state)
{
    (void)state;
    static char memory[100];
    struct arena a = arena_over("slice", memory + 1, 64);
    char *p = arena_alloc(&a, 16);
    assert_true(p >= memory + 1 && p + 16 <= memory + 65);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_null(arena_bytes(&a, 64));
    assert_string_equal(a.name, "slice");
    struct arena none = {0};
    assert_null(arena_bytes(&none, 0));
    assert_null(arena_alloc(&none, 1));
}

static void test_release_leaves_nothing(void **state)
{
    (void)state;
    struct arena a;
    arena_reserve(&a, "other", 1);
    assert_int_equal(a.cap, 4096); /* whole pages */
    arena_release(&a);
    assert_null(a.base);
    assert_int_equal(a.cap, 0);
    arena_release(&a); /* again: nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reserve, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_alloc_is_zeroed_and_aligned),
        TEST(test_bytes_are_packed),
        TEST(test_full),
        TEST(test_arrays_do_not_overflow),
        TEST(test_programmers_errors_abort),
        TEST(test_by_value_is_given_back),
        TEST(test_mark_and_rewind),
        TEST(test_reset_returns_pages),
        TEST(test_untouched_takes_no_memory),
        TEST(test_over_memory_of_the_caller),
        TEST(test_release_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
