/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <pthread.h>

#include "base/limits.h"
#include "rig.h"

#define BUDGET (64 * KIB)

static int fresh(void **state)
{
    (void)state;
    heap_set_budget(BUDGET);
    return heap_figures().used != 0; /* each test gives back what it took */
}

static int nothing_left(void **state)
{
    (void)state;
    return heap_figures().used != 0;
}

static void test_counts(void **state)
{
    (void)state;
    struct heap_figures before = heap_figures();
    char *p = heap_malloc(1000);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    memset(p, 'x', 1000);
    assert_int_equal(heap_figures().used, 1000);
    p = heap_realloc(p, 3000);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_true(p[0] == 'x' && p[999] == 'x');
    assert_int_equal(heap_figures().used, 3000);
    assert_true(heap_figures().high >= 3000);
    p = heap_realloc(p, 10);
    assert_non_null(p);
    assert_int_equal(heap_figures().used, 10);
    heap_free(p);
    heap_free(NULL);
    struct heap_figures after = heap_figures();
    assert_int_equal(after.used, 0);
    assert_true(after.high >= 3000);
    assert_int_equal(after.budget, BUDGET);
    assert_int_equal(after.refused, before.refused);
    assert_int_equal(after.allocations, before.allocations + 3);
}

static void test_budget_is_hard(void **state)
{
    (void)state;
    uint64_t refused = heap_figures().refused;
    char *p = heap_malloc(BUDGET - 100);
    assert_non_null(p);
    assert_null(heap_malloc(101));
    assert_null(heap_calloc(101, 1));
    assert_null(heap_realloc(p, BUDGET + 1)); /* and p lives on */
    p[BUDGET - 101] = 'x';
    char *rest = heap_malloc(100);
    assert_non_null(rest);
    assert_null(heap_malloc(1));
    assert_null(heap_strdup(""));
    assert_int_equal(heap_figures().used, BUDGET);
    assert_int_equal(heap_figures().refused, refused + 5);
    heap_free(rest);
    rest = heap_malloc(1); /* there is room again */
    assert_non_null(rest);
    heap_free(rest);
    heap_free(p);
}

static void test_budget_can_shrink(void **state)
{
    (void)state;
    char *p = heap_malloc(1000);
    heap_set_budget(500);
    assert_null(heap_malloc(1));
    p = heap_realloc(p, 400); /* smaller is always allowed */
    assert_non_null(p);
    assert_int_equal(heap_figures().used, 400);
    heap_free(p);
}

static void test_absurd_sizes(void **state)
{
    (void)state;
    uint64_t refused = heap_figures().refused;
    char *p = heap_malloc(200);
    assert_null(heap_malloc(SIZE_MAX));
    assert_null(heap_malloc(SIZE_MAX - 8));
    assert_null(heap_malloc(SIZE_MAX - 200)); /* plus what is used wraps to 0 */
    assert_null(heap_malloc(SIZE_MAX / 2));
    assert_null(heap_calloc(SIZE_MAX / 2, 3));
    assert_null(heap_calloc(SIZE_MAX, SIZE_MAX));
    for (size_t less = 0; less < 300; less++)
        assert_null(heap_realloc(p, SIZE_MAX - less));
    assert_int_equal(heap_figures().refused, refused + 306);
    assert_int_equal(heap_figures().used, 200);
    memset(p, 'x', 200);
    heap_free(p);
}

static void test_calloc_is_zeroed(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        unsigned char *p = heap_calloc(17, 13);
        assert_non_null(p);
        for (size_t i = 0; i < 17 * 13; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, 17 * 13);
        heap_free(p);
    }
    assert_int_equal(heap_figures().used, 0);
}

static void test_of_nothing(void **state)
{
    (void)state;
    char *p = heap_malloc(0), *q = heap_realloc(NULL, 5);
    assert_non_null(p);
    assert_non_null(q);
    assert_int_equal(heap_figures().used, 5);
    q = heap_realloc(q, 0);
    assert_non_null(q);
    assert_int_equal(heap_figures().used, 0);
    heap_free(p);
    heap_free(q);
}

static void test_strdup(void **state)
{
    (void)state;
    char *copy = heap_strdup("abc");
    assert_string_equal(copy, "abc");
    assert_int_equal(heap_figures().used, 4);
    heap_free(copy);
}

/* -- several threads, as curl's resolver has them */

#define THREADS 4
#define BLOCKS 32

static void *churn(void *seed)
{
    uint32_t random = (uint32_t)(uintptr_t)seed;
    char *blocks[BLOCKS] = {0};
    size_t sizes[BLOCKS] = {0};
    for (int step = 0; step < 20000; step++) {
        size_t at = next_random(&random) % BLOCKS, size = next_random(&random) % 2000;
        if (blocks[at] && (blocks[at][0] != (char)at || heap_figures().used > BUDGET + 4 * 2000))
            return seed; /* a block changed, or the budget broke */
        if (blocks[at] && size % 3) {
            char *grown = heap_realloc(blocks[at], size + 1);
            if (grown)
                blocks[at] = grown, sizes[at] = size + 1;
        } else if (blocks[at]) {
            heap_free(blocks[at]);
            blocks[at] = NULL;
        } else if ((blocks[at] = heap_malloc(size + 1)) != NULL) {
            sizes[at] = size + 1;
            memset(blocks[at], (int)at, sizes[at]);
        }
    }
    for (size_t at = 0; at < BLOCKS; at++)
        heap_free(blocks[at]);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t refused = heap_figures().refused;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *trouble;
        assert_int_equal(pthread_join(threads[i], &trouble), 0);
        assert_null(trouble);
    }
    struct heap_figures f = heap_figures();
    assert_int_equal(f.used, 0);
    assert_true(f.refused > refused); /* the budget was reached */
    assert_true(f.high <= BUDGET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts),       TEST(test_budget_is_hard),   TEST(test_budget_can_shrink),
        TEST(test_absurd_sizes), TEST(test_calloc_is_zeroed), TEST(test_of_nothing),
        TEST(test_strdup),       TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
