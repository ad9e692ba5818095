/* SPDX-License-Identifier: Apache-2.0 */
/* A few of each kind; tests/slugs compares every code point with the Python worker's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/slug_table.h"

static void assert_spelled(uint32_t c, const char *want)
{
    char out[SLUG_SPELLING_MAX + 1] = "";
    size_t n = slug_spell(c, out);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(out, want, n);
}

static void assert_parts(uint32_t c, const uint32_t *want, size_t count)
{
    uint32_t out[SLUG_DECOMPOSITION_MAX];
    assert_int_equal(slug_decompose(c, out), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(out[i], want[i]);
}
#define ASSERT_PARTS(c, ...)                           \
    assert_parts((c), (const uint32_t[]){__VA_ARGS__}, \
                 sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void decompositions(void **state)
{
    (void)state;
    ASSERT_PARTS(0xE9, 'e', 0x301);
    ASSERT_PARTS(0xBD, '1', 0x2044, '2');
    ASSERT_PARTS(0x1D5, 'U', 0x308, 0x304); /* to the end, not one step */
    ASSERT_PARTS(0x304C, 0x304B, 0x3099);
    ASSERT_PARTS(0xFF21, 'A');
    ASSERT_PARTS(0x1D400, 'A');
    ASSERT_PARTS(0x1F100, '0', '.');
    ASSERT_PARTS(0xAC00, 0x1100, 0x1161);
    ASSERT_PARTS(0xD55C, 0x1112, 0x1161, 0x11AB);
    ASSERT_PARTS(0xD7A3, 0x1112, 0x1175, 0x11C2);
    uint32_t out[SLUG_DECOMPOSITION_MAX];
    assert_int_equal(slug_decompose(0xFDFA, out), SLUG_DECOMPOSITION_MAX);
    assert_int_equal(out[17], 0x645);
}

static void most_stay_themselves(void **state)
{
    (void)state;
    uint32_t out[SLUG_DECOMPOSITION_MAX];
    static const uint32_t selves[] = {0,      'A',    0x7F,   0x80,   0xC6,    0x301,   0x3B1,
                                      0x4E2D, 0xAB00, 0xD7A4, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF};
    for (size_t i = 0; i < ARRAY_LEN(selves); i++)
        assert_int_equal(slug_decompose(selves[i], out), 0);
    assert_int_equal(slug_decompose(UINT32_MAX, out), 0); /* UTF8_BAD */
}

static void classes(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        uint8_t class;
    } known[] = {
        {'a', 0},       {0x2FF, 0},     {0x300, 230}, {0x323, 220},  {0x345, 240}, {0x34F, 0},
        {0x5B0, 10},    {0x5BC, 21},    {0x64B, 27},  {0x94D, 9},    {0x3099, 8},  {0x20D2, 1},
        {0x1D165, 216}, {0x1E944, 230}, {0x1E94A, 7}, {0x10FFFF, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_int_equal(slug_combining_class(known[i].c), known[i].class);
}

static void ascii_is_itself(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x80; c++)
        assert_spelled(c, (const char[]){(char)c, 0});
}

static void scripts_with_readings(void **state)
{
    (void)state;
    assert_spelled(0x80, "");
    assert_spelled(0xDF, "ss");
    assert_spelled(0xA9, "-c-");
    assert_spelled(0x301, "");
    assert_spelled(0x3A8, "Ps");
    assert_spelled(0x3C8, "ps");
    assert_spelled(0x42F, "Ia");
    assert_spelled(0x44F, "ia");
    assert_spelled(0x429, "Shch");
    assert_spelled(0x510, "-"); /* Cyrillic, but without a reading there */
    assert_spelled(0x5E9, "sh");
    assert_spelled(0x634, "sh");
    assert_spelled(0x306B, "ni");
    assert_spelled(0x30CB, "ni");
    assert_spelled(0x1112, "h");
    assert_spelled(0x11AB, "n");
    assert_spelled(0x2019, "'");
    assert_spelled(0x203F, "_");
    assert_spelled(0x2713, "");
}

static void han(void **state)
{
    (void)state;
    assert_spelled(0x4E00, "Yi ");
    assert_spelled(0x65E5, "Ri ");
    assert_spelled(0x672C, "Ben ");
    assert_spelled(0x8A9E, "Yu ");
    assert_spelled(0x7EFF, "Lu ");
    assert_spelled(0x3400, "Qiu ");
    assert_spelled(0x9FA5, "Yu ");
    assert_spelled(0x2F00, "Yi ");   /* the radical */
    assert_spelled(0xF900, "Qi ");   /* 8C48, for compatibility */
    assert_spelled(0x2F800, "Li ");  /* 4E3D */
    assert_spelled(0x3402, "u3402"); /* no reading */
    assert_spelled(0xFACF, "");      /* decomposes to U+2284A */
    assert_spelled(0x4DFF, "-");     /* a hexagram in between */
}

static void others(void **state)
{
    (void)state;
    assert_spelled(0x915, "u0915");
    assert_spelled(0x10D0, "u10d0");
    assert_spelled(0xA000, "ua000");
    assert_spelled(0x96A, "4");
    assert_spelled(0x94D, "");
    assert_spelled(0x964, "-");
    assert_spelled(0xE000, "-");
    assert_spelled(0x10000, "");
    assert_spelled(0x1F600, "");
    assert_spelled(0x20000, "");
    assert_spelled(UINT32_MAX, ""); /* UTF8_BAD */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decompositions),
        cmocka_unit_test(most_stay_themselves),
        cmocka_unit_test(classes),
        cmocka_unit_test(ascii_is_itself),
        cmocka_unit_test(scripts_with_readings),
        cmocka_unit_test(han),
        cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
