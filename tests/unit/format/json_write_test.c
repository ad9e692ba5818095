/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_write.h"

#include "support.h"

static char memory[1024];
static struct buf out;

static struct json_writer compact(void)
{
    out = buf_over(memory, sizeof memory);
    return json_writer(&out);
}

static struct json_writer python(void)
{
    out = buf_over(memory, sizeof memory);
    return json_writer_python(&out);
}

static void write_sample(struct json_writer *w)
{
    json_object_begin(w);
    json_member_str(w, "s", STR("a\"\\/\b\f\n\r\t\x01\x7F\xC3\xA9\xF0\x9F\x98\x80"));
    json_member_cstr(w, "none", NULL);
    json_key(w, STR("list"));
    json_array_begin(w);
    json_put_i64(w, INT64_MIN);
    json_put_f64(w, 1);
    json_array_begin(w);
    json_array_end(w);
    json_object_begin(w);
    json_object_end(w);
    json_put_printf(w, "%d\"%s", 3, "x");
    json_array_end(w);
    json_member_bool(w, "yes", true);
    json_member_bool(w, "no", false);
    json_member_i64(w, "i", 7);
    json_member_null(w, "null");
    json_member_raw(w, "raw", STR("[1]"));
    json_object_end(w);
}

static void test_compact(void **state)
{
    (void)state;
    struct json_writer w = compact();
    write_sample(&w);
    assert_str(buf_str(&out),
               "{\"s\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7F\xC3\xA9\xF0\x9F\x98\x80\","
               "\"none\":null,\"list\":[-9223372036854775808,1.0,[],{},\"3\\\"x\"],"
               "\"yes\":true,\"no\":false,\"i\":7,\"null\":null,\"raw\":[1]}");
}

static void test_as_python_dumps(void **state)
{
    (void)state;
    struct json_writer w = python();
    write_sample(&w);
    assert_str(buf_str(&out),
               "{\"s\": \"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\\u00e9\\ud83d\\ude00\", "
               "\"none\": null, \"list\": [-9223372036854775808, 1.0, [], {}, \"3\\\"x\"], "
               "\"yes\": true, \"no\": false, \"i\": 7, \"null\": null, \"raw\": [1]}");
}

static void test_bad_utf8_is_replaced(void **state)
{
    (void)state;
    struct json_writer w = compact();
    json_put_str(&w, STR("a\xFF\xE2\x82z\xC3"));
    assert_str(buf_str(&out), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\"");
    w = python();
    json_put_str(&w, STR("\xED\xA0\x80"));
    assert_str(buf_str(&out), "\"\\ufffd\\ufffd\\ufffd\"");
}

static void test_full_buffer(void **state)
{
    (void)state;
    char small[10];
    struct buf b = buf_over(small, sizeof small);
    struct json_writer w = json_writer(&b);
    json_array_begin(&w);
    json_put_str(&w, STR("12345"));
    assert_false(b.full);
    json_put_str(&w, STR("6"));
    assert_true(b.full);
    b = buf_over(small, 3);
    w = json_writer(&b);
    json_put_i64(&w, 123);
    assert_false(b.full); /* fills it to the last byte */
    assert_str(buf_str(&b), "123");
}

static void test_too_deep_is_full(void **state)
{
    (void)state;
    struct json_writer w = compact();
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_begin(&w);
    assert_false(out.full);
    json_object_begin(&w);
    json_member_null(&w, "x");
    json_key(&w, STR("y"));
    json_array_begin(&w);
    json_array_end(&w);
    json_object_end(&w);
    assert_true(out.full);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_end(&w);
}

static void test_numbers_that_json_cannot_hold(void **state)
{
    (void)state;
    struct json_writer w = compact();
    json_array_begin(&w);
    json_put_f64(&w, 1e308 * 10);
    json_put_f64(&w, 2.5);
    json_array_end(&w);
    assert_str(buf_str(&out), "[null,2.5]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_compact),
        TEST(test_as_python_dumps),
        TEST(test_bad_utf8_is_replaced),
        TEST(test_full_buffer),
        TEST(test_too_deep_is_full),
        TEST(test_numbers_that_json_cannot_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
