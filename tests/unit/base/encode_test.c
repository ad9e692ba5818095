/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include "base/arena.h"
#include "rig.h"

static struct arena arena;
static struct err error;

static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 1 << 20);
    arena_reset(&arena);
    error = (struct err){0};
    return 0;
}

/* RFC 4648, 10, and some that need all of the alphabet. */
static const struct {
    str bytes;
    const char *text;
} known[] = {
    {STR_INIT(""), ""},
    {STR_INIT("f"), "Zg=="},
    {STR_INIT("fo"), "Zm8="},
    {STR_INIT("foo"), "Zm9v"},
    {STR_INIT("foob"), "Zm9vYg=="},
    {STR_INIT("fooba"), "Zm9vYmE="},
    {STR_INIT("foobar"), "Zm9vYmFy"},
    {STR_INIT("\xFB\xFF\xBF"), "+/+/"},
    {STR_INIT("\0\0\0"), "AAAA"},
    {STR_INIT("\0"), "AA=="},
};

static void test_base64_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct buf b = buf_new(&arena, 20);
        str back;
        base64_encode(&b, known[i].bytes);
        assert_str(buf_str(&b), known[i].text);
        assert_int_equal(base64_decode(&arena, buf_str(&b), &back, &error), ERR_NONE);
        assert_true(str_eq(back, known[i].bytes));
    }
}

static void test_base64_round_trip(void **state)
{
    (void)state;
    uint32_t random = 3;
    for (size_t n = 0; n < 600; n++) {
        char bytes[600];
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)next_random(&random);
        arena_reset(&arena);
        struct buf b = buf_new(&arena, (n + 2) / 3 * 4);
        base64_encode(&b, (str){bytes, n});
        assert_false(b.full);
        assert_int_equal(b.n, b.cap);
        str back;
        assert_int_equal(base64_decode(&arena, buf_str(&b), &back, &error), ERR_NONE);
        assert_true(str_eq(back, (str){bytes, n}));
        while (b.n && b.p[b.n - 1] == '=') /* padding may be left out */
            b.n--;
        assert_int_equal(base64_decode(&arena, buf_str(&b), &back, &error), ERR_NONE);
        assert_true(str_eq(back, (str){bytes, n}));
    }
}

static void test_base64_of_urls_and_lines(void **state)
{
    (void)state;
    str bytes;
    assert_int_equal(base64_decode(&arena, STR("-_-_"), &bytes, &error), ERR_NONE);
    assert_true(str_eq(bytes, STR("\xFB\xFF\xBF")));
    assert_int_equal(base64_decode(&arena, STR(" Zm\r\n9v\tYg\n==\n"), &bytes, &error), ERR_NONE);
    assert_str(bytes, "foob");
    assert_int_equal(base64_decode(&arena, (str){0}, &bytes, &error), ERR_NONE);
    assert_int_equal(bytes.n, 0);
    assert_non_null(bytes.p);
}

static void test_base64_refusals(void **state)
{
    (void)state;
    static const str bad[] = {
        STR_INIT("Z"),      STR_INIT("Zm9vY"), STR_INIT("Zm9v!"),
        STR_INIT("Zm=9"),   STR_INIT("Zg==Z"), STR_INIT("\xC3\xA9=="),
        STR_INIT("Zm9v\0"), STR_INIT("Z==="),  STR_INIT("Zm9v."),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        str bytes = STR("kept");
        if (base64_decode(&arena, bad[i], &bytes, &error) != ERR_INVALID)
            fail_msg("\"" STR_FMT "\" was accepted", STR_ARG(bad[i]));
        assert_str(bytes, "kept");
        assert_non_null(strstr(error.text, "base64"));
    }
    assert_int_equal(base64_decode(&arena, STR("Zm9v!"), &(str){0}, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "offset 4"));
}

static void test_base64_without_room(void **state)
{
    (void)state;
    char memory[4];
    struct arena small = arena_over("small", memory, sizeof memory);
    str bytes;
    assert_int_equal(base64_decode(&small, STR("Zm9vYmFy"), &bytes, &error), ERR_LIMIT);
    struct buf b = buf_over(memory, 3);
    base64_encode(&b, STR("f"));
    assert_true(b.full);
}

static void test_hex(void **state)
{
    (void)state;
    struct buf b = buf_new(&arena, 8);
    hex_encode(&b, STR("\0\x0F\xA5\xFF"));
    assert_str(buf_str(&b), "000fa5ff");
}

static void test_percent(void **state)
{
    (void)state;
    struct buf b = buf_new(&arena, 200);
    percent_encode(&b, STR("aZ09-._~ /?&=%+:\xC3\xA9\n"), (str){0});
    assert_str(buf_str(&b), "aZ09-._~%20%2F%3F%26%3D%25%2B%3A%C3%A9%0A");
    buf_clear(&b);
    percent_encode(&b, STR("a/b:c d"), STR("/:"));
    assert_str(buf_str(&b), "a/b:c%20d");
    buf_clear(&b);
    percent_encode(&b, STR("\0"), (str){0});
    assert_str(buf_str(&b), "%00");
    for (int c = 0; c < 256; c++) { /* what is not kept comes back from its digits */
        char byte = (char)c;
        buf_clear(&b);
        percent_encode(&b, (str){&byte, 1}, (str){0});
        if (b.n == 1) {
            assert_true((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || strchr("-._~", c));
        } else {
            assert_int_equal(b.n, 3);
            b.p[3] = '\0';
            assert_int_equal(strtol(b.p + 1, NULL, 16), c);
        }
    }
}

static void test_percent_needs_three_bytes(void **state)
{
    (void)state;
    char memory[6];
    struct buf b = buf_over(memory, sizeof memory);
    percent_encode(&b, STR("  "), (str){0});
    assert_false(b.full);
    assert_str(buf_str(&b), "%20%20");
    percent_encode(&b, STR("x"), (str){0});
    assert_true(b.full);
}

/* FIPS 180-2's examples. */
static void test_sha256(void **state)
{
    (void)state;
    char text[65];
    sha256_hex(STR("abc"), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex((str){0}, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), text);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    uint8_t digest[32];
    sha256(STR("abc"), digest);
    assert_int_equal(digest[0], 0xba);
    assert_int_equal(digest[31], 0xad);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_base64_known),
        TEST(test_base64_round_trip),
        TEST(test_base64_of_urls_and_lines),
        TEST(test_base64_refusals),
        TEST(test_base64_without_room),
        TEST(test_hex),
        TEST(test_percent),
        TEST(test_percent_needs_three_bytes),
        TEST(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
