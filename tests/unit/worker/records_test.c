/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

struct thing {
    struct record record;
    int value;
    char text[20];
};

static struct arena perm;

static int reserve(void **state)
{
    (void)state;
    arena_reserve(&perm, "perm", 16 * MIB);
    return 0;
}

static int release(void **state)
{
    (void)state;
    arena_release(&perm);
    return 0;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Key number n. Its place in the index is made of its last bytes: few values there collide much. */
static struct uuid key_of(uint32_t n, uint32_t homes)
{
    struct uuid key = {{0}};
    uint32_t home = n % homes;
    memcpy(key.bytes, &n, sizeof n);
    memcpy(key.bytes + 12, &home, sizeof home);
    return key;
}

static void test_empty(void **state)
{
    (void)state;
    struct records r;
    struct uuid key = key_of(1, 1);
    records_init(&r, &perm, sizeof(struct thing), 4);
    assert_null(records_find(&r, &key));
    assert_null(records_at(&r, 0));
    assert_null(records_at(&r, 3));
    assert_int_equal(r.used, 0);
}

static void test_get_makes_once(void **state)
{
    (void)state;
    struct records r;
    struct uuid a = key_of(1, 1), nil = {{0}};
    records_init(&r, &perm, sizeof(struct thing), 4);
    struct thing *t = records_get(&r, &a);
    assert_non_null(t);
    assert_int_equal(t->value, 0);
    t->value = 7;
    assert_ptr_equal(records_get(&r, &a), t);
    assert_ptr_equal(records_find(&r, &a), t);
    assert_int_equal(t->value, 7);
    assert_int_equal(r.used, 1);
    assert_null(records_find(&r, &nil)); /* a key like any other */
    struct thing *other = records_get(&r, &nil);
    assert_non_null(other);
    assert_ptr_equal(records_find(&r, &nil), other);
}

static void test_full(void **state)
{
    (void)state;
    struct records r;
    records_init(&r, &perm, sizeof(struct thing), 4);
    for (uint32_t n = 0; n < 4; n++) {
        struct uuid key = key_of(n, 1);
        assert_non_null(records_get(&r, &key));
    }
    struct uuid first = key_of(0, 1), more = key_of(9, 1);
    assert_null(records_get(&r, &more));
    assert_null(records_find(&r, &more));
    assert_non_null(records_get(&r, &first)); /* what is there is still found */
    records_remove(&r, records_find(&r, &first));
    struct thing *t = records_get(&r, &more);
    assert_non_null(t);
    assert_int_equal(t->value, 0);
    assert_null(records_find(&r, &first));
}

static void test_a_record_used_again_is_zeroed(void **state)
{
    (void)state;
    struct records r;
    struct uuid a = key_of(1, 1), b = key_of(2, 1);
    records_init(&r, &perm, sizeof(struct thing), 4);
    struct thing *t = records_get(&r, &a);
    t->value = 7;
    memset(t->text, 'x', sizeof t->text);
    records_remove(&r, t);
    struct thing *again = records_get(&r, &b);
    assert_ptr_equal(again, t);
    assert_int_equal(again->value, 0);
    for (size_t i = 0; i < sizeof again->text; i++)
        assert_int_equal(again->text[i], 0);
}

/* -- beside a naive table */

#define CAP 48
#define KEYS 80

struct model {
    bool live[KEYS];
    int value[KEYS];
    struct thing *where[KEYS];
    uint32_t used;
};

static void compare(struct records *r, const struct model *m, uint32_t homes)
{
    uint32_t walked = 0;
    assert_int_equal(r->used, m->used);
    for (uint32_t n = 0; n < KEYS; n++) {
        struct uuid key = key_of(n, homes);
        struct thing *t = records_find(r, &key);
        assert_ptr_equal(t, m->live[n] ? m->where[n] : NULL); /* records never move */
        if (t) {
            assert_int_equal(t->value, m->value[n]);
            assert_true(uuid_eq(&t->record.key, &key));
        }
    }
    for (uint32_t place = 0; place < r->fresh; place++)
        walked += records_at(r, place) != NULL;
    assert_int_equal(walked, m->used);
    assert_null(records_at(r, r->fresh));
}

static void step(struct records *r, struct model *m, uint32_t homes, uint32_t *random)
{
    uint32_t n = next_random(random) % KEYS;
    struct uuid key = key_of(n, homes);
    if (m->live[n] && next_random(random) % 2) {
        records_remove(r, m->where[n]);
        m->live[n] = false;
        m->used--;
        return;
    }
    struct thing *t = records_get(r, &key);
    if (!m->live[n] && m->used == CAP) {
        assert_null(t);
        return;
    }
    assert_non_null(t);
    if (!m->live[n]) {
        assert_int_equal(t->value, 0);
        m->live[n] = true;
        m->where[n] = t;
        m->used++;
    }
    t->value = m->value[n] = (int)next_random(random);
}

static void test_against_a_naive_table(void **state)
{
    (void)state;
    static const uint32_t homes[] = {1, 2, 7, 127, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        struct records r;
        struct model m = {.used = 0};
        uint32_t random = 5;
        records_init(&r, &perm, sizeof(struct thing), CAP);
        for (int k = 0; k < 4000; k++) {
            step(&r, &m, homes[i], &random);
            if (k % 10 == 0)
                compare(&r, &m, homes[i]);
        }
    }
}

/* Runs of the index that go beyond its end and on at its begin. */
static void test_around_the_end(void **state)
{
    (void)state;
    struct records r;
    struct uuid keys[6];
    records_init(&r, &perm, sizeof(struct thing), 6); /* an index of 16 */
    for (uint32_t n = 0; n < 6; n++) {
        keys[n] = key_of(n, 1);
        uint32_t home = n < 4 ? 14 : 0;
        memcpy(keys[n].bytes + 12, &home, sizeof home);
        assert_non_null(records_get(&r, &keys[n]));
    }
    for (uint32_t gone = 0; gone < 6; gone++) {
        records_remove(&r, records_find(&r, &keys[gone]));
        for (uint32_t n = 0; n < 6; n++)
            assert_int_equal(records_find(&r, &keys[n]) != NULL, n > gone);
    }
    assert_int_equal(r.used, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reserve, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_get_makes_once),
        TEST(test_full),
        TEST(test_a_record_used_again_is_zeroed),
        TEST(test_against_a_naive_table),
        TEST(test_around_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
