/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "base/time.h"
#include "rig.h"

static const struct uuid name_space_dns = {{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80,
                                            0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

static void assert_uuid(struct uuid u, const char *want)
{
    char text[UUID_TEXT_LEN + 1];
    assert_int_equal(uuid_format(&u, text).n, UUID_TEXT_LEN);
    assert_string_equal(text, want);
}

/* Python's uuid.uuid5 says the same; the first is of RFC 9562, A.4. */
static void test_v5(void **state)
{
    (void)state;
    assert_uuid(uuid_v5(&name_space_dns, STR("www.example.com")),
                "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    assert_uuid(uuid_v5(&uuid_namespace_url, STR("https://example.org/")),
                "527dda32-a0de-5105-a042-cb475b5f7d11");
    assert_uuid(uuid_v5(&uuid_namespace_url, (str){0}), "1b4db7eb-4057-5ddf-91e0-36dec72071f5");
    assert_uuid(uuid_v5(&uuid_namespace_url, STR("{\"a\": \"\\u00e9\"}")),
                "55ccf4d8-a223-5a78-b59c-4dd1045fa81c");
}

static void test_v4(void **state)
{
    (void)state;
    uint8_t ones[16] = {0}, zeros[16] = {0};
    struct uuid before = {{0}};
    for (int i = 0; i < 1000; i++) {
        struct uuid u = uuid_v4();
        assert_int_equal(u.bytes[6] >> 4, 4);
        assert_int_equal(u.bytes[8] >> 6, 2);
        assert_false(uuid_eq(&u, &before));
        before = u;
        for (int k = 0; k < 16; k++) {
            ones[k] |= u.bytes[k];
            zeros[k] |= (uint8_t)~u.bytes[k];
        }
    }
    for (int k = 0; k < 16; k++) { /* each other bit was seen as 0 and as 1 */
        assert_int_equal(ones[k], k == 6 ? 0x4F : k == 8 ? 0xBF : 0xFF);
        assert_int_equal(zeros[k], k == 6 ? 0xBF : k == 8 ? 0x7F : 0xFF);
    }
}

static void test_v7(void **state)
{
    (void)state;
    int64_t before_ms = time_now_us() / 1000;
    struct uuid a = uuid_v7(), b = uuid_v7();
    int64_t after_ms = time_now_us() / 1000, ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | a.bytes[i];
    assert_true(ms >= before_ms && ms <= after_ms);
    assert_int_equal(a.bytes[6] >> 4, 7);
    assert_int_equal(a.bytes[8] >> 6, 2);
    assert_false(uuid_eq(&a, &b));
    assert_true(memcmp(a.bytes, b.bytes, 6) <= 0);
}

static void test_text_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct uuid u = uuid_v4(), back;
        char text[UUID_TEXT_LEN + 1];
        str s = uuid_format(&u, text);
        assert_int_equal(text[UUID_TEXT_LEN], '\0');
        assert_true(uuid_parse(s, &back));
        assert_true(uuid_eq(&u, &back));
    }
}

static void test_parse(void **state)
{
    (void)state;
    struct uuid u;
    assert_true(uuid_parse(STR("00112233-4455-6677-8899-AABBCCDDEEFF"), &u));
    assert_uuid(u, "00112233-4455-6677-8899-aabbccddeeff");
    static const char *const bad[] = {
        "",
        "00112233445566778899aabbccddeeff",
        "{00112233-4455-6677-8899-aabbccddeef}",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeefff",
        "00112233-4455-6677-8899-aabbccddeefg",
        "00112233-4455-6677-8899-aabbccddeef ",
        "0011223-34455-6677-8899-aabbccddeeff",
        "00112233_4455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddee\xC3\xA9",
        "g0112233-4455-6677-8899-aabbccddeeff",
        "\x01"
        "0112233-4455-6677-8899-aabbccddeeff",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct uuid kept = u;
        if (uuid_parse(str_of(bad[i]), &u))
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_true(uuid_eq(&u, &kept));
    }
}

/* Every byte, at every place of a digit, is a digit or refused. */
static void test_digits(void **state)
{
    (void)state;
    for (int place = 0; place < UUID_TEXT_LEN; place++)
        for (int c = 0; c < 256; c++) {
            char text[] = "00112233-4455-6677-8899-aabbccddeeff";
            bool dash = text[place] == '-';
            text[place] = (char)c;
            struct uuid u;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            assert_int_equal(uuid_parse((str){text, UUID_TEXT_LEN}, &u), dash ? c == '-' : digit);
        }
}

static void test_nil(void **state)
{
    (void)state;
    struct uuid nil = {{0}}, other = {{0}};
    assert_true(uuid_is_nil(&nil));
    assert_uuid(nil, "00000000-0000-0000-0000-000000000000");
    other.bytes[15] = 1;
    assert_false(uuid_is_nil(&other));
    assert_false(uuid_eq(&nil, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v5),    cmocka_unit_test(test_v4),
        cmocka_unit_test(test_v7),    cmocka_unit_test(test_text_round_trip),
        cmocka_unit_test(test_parse), cmocka_unit_test(test_digits),
        cmocka_unit_test(test_nil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
