/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "worker/manifest.h"

#define SUFFIX_LEN 12

static struct arena arena;
static const struct uuid nil;

static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 16 * MIB);
    arena_reset(&arena);
    return 0;
}

static str suffix(const struct uuid *run, const struct uuid *claim, int attempt)
{
    return manifest_name(&arena, STR(""), run, claim, attempt);
}

static struct uuid number(uint32_t n)
{
    struct uuid u = {{0}};
    memcpy(u.bytes, &n, sizeof n);
    return u;
}

/* The function is a promise: after an upgrade a worker has to find the Jobs of the last one. */
static void it_is_the_same_for_ever(void **state)
{
    (void)state;
    struct uuid run;
    assert_true(uuid_parse(STR("11111111-1111-1111-1111-111111111111"), &run));
    str name = manifest_name(&arena, STR("snappy-otter-"), &run, &nil, 0);
    assert_true(str_eq(name, STR("snappy-otter-95h8q7bctnc4")));
}

static void run_claim_and_attempt_all_count(void **state)
{
    (void)state;
    struct uuid one = number(1);
    str all[] = {suffix(&nil, &nil, 0), suffix(&one, &nil, 0), suffix(&nil, &one, 0),
                 suffix(&nil, &nil, 1), suffix(&one, &one, 0)};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(all[i], all[k]));
}

static void no_character_is_likelier_than_another(void **state)
{
    (void)state;
    size_t counts[256] = {0}, runs = 6000, total = runs * SUFFIX_LEN;
    for (uint32_t i = 0; i < runs; i++) {
        struct uuid run = number(i);
        str s = suffix(&run, &nil, 0);
        assert_int_equal(s.n, SUFFIX_LEN);
        for (size_t k = 0; k < s.n; k++)
            counts[(unsigned char)s.p[k]]++;
    }
    double chi = 0, expected = (double)total / 36;
    size_t used = 0;
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        assert_true(allowed || counts[c] == 0);
        used += counts[c];
        if (allowed)
            chi += ((double)counts[c] - expected) * ((double)counts[c] - expected) / expected;
    }
    assert_int_equal(used, total);
    assert_true(chi < 80); /* 35 degrees of freedom: 66.6 at 0.1 % */
}

static void it_fits_a_label(void **state)
{
    (void)state;
    char prefix[200];
    for (size_t n = 0; n < sizeof prefix - 1; n++) {
        memset(prefix, 'a', n);
        prefix[n] = 0;
        str name = manifest_name(&arena, str_of(prefix), &nil, &nil, 0);
        assert_int_equal(name.n, n < 51 ? n + 12 : 63);
        assert_true(str_ends(name, suffix(&nil, &nil, 0)));
    }
}

static void a_character_is_not_cut_in_two(void **state)
{
    (void)state;
    char prefix[54];
    memset(prefix, 'a', sizeof prefix);
    memcpy(prefix + 50, "\xc3\xa9-", 3);
    str name = manifest_name(&arena, (str){prefix, 53}, &nil, &nil, 0);
    assert_int_equal(name.n, 50 + 12);
}

static void a_full_arena_shows(void **state)
{
    (void)state;
    char memory[16];
    struct arena small = arena_over("small", memory, sizeof memory);
    assert_null(manifest_name(&small, STR("prefix-"), &nil, &nil, 0).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_the_same_for_ever, fresh),
        cmocka_unit_test_setup(run_claim_and_attempt_all_count, fresh),
        cmocka_unit_test_setup(no_character_is_likelier_than_another, fresh),
        cmocka_unit_test_setup(it_fits_a_label, fresh),
        cmocka_unit_test_setup(a_character_is_not_cut_in_two, fresh),
        cmocka_unit_test_setup(a_full_arena_shows, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
