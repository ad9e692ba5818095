/* SPDX-License-Identifier: Apache-2.0 */
#include "format/utf8.h"

#include "support.h"

/* Each character there is, to bytes and back. */
static void test_all_characters(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[4];
        size_t n = utf8_encode(bytes, c), length;
        bool is = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
        if (is != (n > 0))
            fail_msg("U+%04X has %zu bytes", c, n);
        if (is && (utf8_first((str){bytes, n}, &length) != c || length != n))
            fail_msg("U+%04X does not come back", c);
        if (n > 1 && utf8_first((str){bytes, n - 1}, &length) != UTF8_BAD)
            fail_msg("U+%04X is accepted when it is cut", c);
    }
}

static void test_bad_bytes(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x80\x80\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "\xE2\x82z",
                                      "\xC3\xC3"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        size_t n;
        assert_int_equal(utf8_first(str_of(bad[i]), &n), UTF8_BAD);
        assert_int_equal(n, 1);
    }
    assert_int_equal(utf8_find_bad(STR("a\xC3\xA9z")), -1);
    assert_int_equal(utf8_find_bad(STR("a\xC3\xA9z\x80")), 4);
    assert_int_equal(utf8_find_bad((str){0}), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_characters),
        TEST(test_bad_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
