/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/arena.h"
#include "rig.h"

static void test_writes(void **state)
{
    (void)state;
    char memory[32];
    struct buf b = buf_over(memory, sizeof memory);
    buf_put(&b, STR("a\0b"));
    buf_byte(&b, '-');
    buf_cstr(&b, "cd");
    buf_cstr(&b, NULL);
    buf_put(&b, (str){0});
    buf_printf(&b, "%03d", 7);
    assert_false(b.full);
    assert_int_equal(b.n, 9);
    assert_memory_equal(b.p, "a\0b-cd007", 9);
    assert_int_equal(buf_str(&b).n, 9);
}

static void test_cap_is_exact(void **state)
{
    (void)state;
    char memory[4];
    struct buf b = buf_over(memory, sizeof memory);
    buf_put(&b, STR("abcd"));
    assert_false(b.full);
    buf_put(&b, (str){0});
    buf_printf(&b, "%s", "");
    assert_false(b.full); /* nothing always fits */
    buf_byte(&b, 'e');
    assert_true(b.full);
    assert_str(buf_str(&b), "abcd");
}

static void test_too_much_keeps_nothing_of_it(void **state)
{
    (void)state;
    char memory[5];
    struct buf b = buf_over(memory, sizeof memory);
    buf_put(&b, STR("ab"));
    buf_put(&b, STR("cdef"));
    assert_true(b.full);
    assert_str(buf_str(&b), "ab");
    buf_byte(&b, 'c'); /* would fit, but comes after what did not */
    buf_printf(&b, "d");
    assert_str(buf_str(&b), "ab");
    buf_clear(&b);
    assert_false(b.full);
    buf_put(&b, STR("12345"));
    assert_str(buf_str(&b), "12345");
}

static void test_printf_needs_room_for_its_terminator(void **state)
{
    (void)state;
    char memory[5];
    struct buf b = buf_over(memory, sizeof memory);
    buf_printf(&b, "%s", "1234");
    assert_false(b.full);
    buf_clear(&b);
    buf_printf(&b, "%s", "12345");
    assert_true(b.full);
    assert_int_equal(b.n, 0);
}

static void test_from_an_arena(void **state)
{
    (void)state;
    char memory[16];
    struct arena a = arena_over("test", memory, sizeof memory);
    struct buf b = buf_new(&a, 10);
    buf_put(&b, STR("0123456789"));
    assert_false(b.full);
    struct buf too_large = buf_new(&a, 7);
    assert_true(too_large.full);
    buf_byte(&too_large, 'x');
    buf_printf(&too_large, "x");
    buf_clear(&too_large); /* has no memory: stays full */
    assert_true(too_large.full);
    assert_int_equal(buf_str(&too_large).n, 0);
}

static void test_no_room_at_all(void **state)
{
    (void)state;
    struct buf b = buf_over(NULL, 0);
    buf_put(&b, (str){0});
    buf_printf(&b, "%s", "");
    assert_false(b.full);
    buf_printf(&b, "x");
    assert_true(b.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_cap_is_exact),
        cmocka_unit_test(test_too_much_keeps_nothing_of_it),
        cmocka_unit_test(test_printf_needs_room_for_its_terminator),
        cmocka_unit_test(test_from_an_arena),
        cmocka_unit_test(test_no_room_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
