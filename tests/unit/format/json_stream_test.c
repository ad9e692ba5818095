/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "format/json.h"
#include "support.h"

/* Elements as they came, with a bar behind each. */
static char seen_memory[4096];
static struct buf seen;
static int fail_at; /* the element at which the callback fails; 0 never */
static int count;

static enum err_kind on_element(void *ctx, str element, struct err *e)
{
    (void)ctx;
    buf_put(&seen, element);
    buf_byte(&seen, '|');
    return ++count == fail_at ? err_set(e, ERR_CONFLICT, "enough") : ERR_NONE;
}

static struct json_stream *open_stream(const char *member, size_t element_max, size_t rest_max)
{
    seen = buf_over(seen_memory, sizeof seen_memory);
    count = 0;
    struct json_stream_options options = {.member = str_of(member),
                                          .element_max = element_max,
                                          .rest_max = rest_max,
                                          .on_element = on_element};
    struct json_stream *s = json_stream_new(&arena, &options);
    assert_non_null(s);
    return s;
}

/* Feeds `text` in chunks of `size` bytes, the chunk in memory of just its size. */
static enum err_kind feed(struct json_stream *s, str text, size_t size)
{
    for (size_t at = 0; at < text.n; at += size) {
        str chunk = str_sub(text, at, at + size);
        char *copy = arena_bytes(&arena, chunk.n);
        memcpy(copy, chunk.p, chunk.n);
        enum err_kind kind = json_stream_feed(s, (str){copy, chunk.n}, &error);
        memset(copy, 'X', chunk.n); /* what was not copied is gone */
        if (kind)
            return kind;
    }
    return ERR_NONE;
}

static void check_split(const char *member, const char *text, const char *elements,
                        const char *rest_expected)
{
    for (size_t size = 1; size <= strlen(text); size++) {
        fail_at = 0;
        arena_reset(&arena);
        struct json_stream *s = open_stream(member, 256, 256);
        str rest;
        if (feed(s, str_of(text), size) || json_stream_end(s, &rest, &error))
            fail_msg("%s in chunks of %zu: %s", text, size, error.text);
        buf_byte(&seen, '\0');
        assert_string_equal(seen_memory, elements);
        char copy[512];
        assert_true(str_to_cstr(rest, copy, sizeof copy));
        assert_string_equal(copy, rest_expected);
        assert_int_equal(json_stream_skipped(s), 0);
    }
}

static void test_split_anywhere(void **state)
{
    (void)state;
    check_split("", " [1, \"a,]\\\"\\\\\", {\"x\":[{}]},[ ] ,null,-1.5e3\n] ",
                "1|\"a,]\\\"\\\\\"|{\"x\":[{}]}|[ ]|null|-1.5e3|", " [] ");
    check_split("", "[]", "", "[]");
    check_split("items",
                "{\"kind\":\"List\",\"items\" : [ {\"a\":\"]}\"} , 2 ],\"meta\":{\"items\":[3]}}",
                "{\"a\":\"]}\"}|2|", "{\"kind\":\"List\",\"items\" : [],\"meta\":{\"items\":[3]}}");
    check_split("items", "{\"i\\u0074ems\":[\"x\"]}", "\"x\"|", "{\"i\\u0074ems\":[]}");
}

static void test_other_shapes_are_all_rest(void **state)
{
    (void)state;
    check_split("items", "{\"items\":null,\"a\":[1,2]}", "", "{\"items\":null,\"a\":[1,2]}");
    check_split("items", "{\"items\":{\"items\":[1]}}", "", "{\"items\":{\"items\":[1]}}");
    check_split("items", "{\"x\":\"items\",\"y\":[1]}", "", "{\"x\":\"items\",\"y\":[1]}");
    check_split("items", "[\"items\",[1]]", "", "[\"items\",[1]]");
    check_split("items", "[{\"items\":[1]}]", "", "[{\"items\":[1]}]");
    check_split("", "{\"detail\":[1]}", "", "{\"detail\":[1]}");
    check_split("", "{\"\":[1]}", "", "{\"\":[1]}");
    check_split("", "7", "", "7");
}

static void test_oversized_elements_are_skipped(void **state)
{
    (void)state;
    const char *text = "[\"1234\",\"12345\",12345,1234567,{\"a\":\"123456\"},[1]]";
    for (size_t size = 1; size <= strlen(text); size++) {
        struct json_stream *s = open_stream("", 6, 64);
        assert_int_equal(feed(s, str_of(text), size), ERR_NONE);
        str rest;
        assert_int_equal(json_stream_end(s, &rest, &error), ERR_NONE);
        assert_str(buf_str(&seen), "\"1234\"|12345|[1]|");
        assert_int_equal(json_stream_skipped(s), 3);
    }
}

static void test_rest_is_capped(void **state)
{
    (void)state;
    struct json_stream *s = open_stream("items", 64, 20);
    assert_error(feed(s, STR("{\"items\":[1],\"more\":\"0123456789\"}"), 7), ERR_LIMIT,
                 "limit of 20 bytes");
    assert_int_equal(json_stream_feed(s, STR("x"), &error), ERR_LIMIT);
    str rest;
    assert_int_equal(json_stream_end(s, &rest, &error), ERR_LIMIT);
}

static void test_cut_or_broken(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     " ",    "[",    "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}",
        "[1]]", "[1]x", "[\"a", "[{", "[x]", "[:2]", "[]1",  "[\\0]", "[[1]",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        for (size_t size = 1; size <= 5; size++) {
            struct json_stream *s = open_stream("", 64, 64);
            str rest;
            enum err_kind kind = feed(s, str_of(bad[i]), size);
            if (!kind)
                kind = json_stream_end(s, &rest, &error);
            if (kind != ERR_INVALID)
                fail_msg("accepted: %s", bad[i]);
        }
    struct json_stream *s = open_stream("items", 64, 64);
    str rest;
    assert_int_equal(feed(s, STR("{\"items\":[1]"), 3), ERR_NONE);
    assert_error(json_stream_end(s, &rest, &error), ERR_INVALID, "around the array \"items\"");
    s = open_stream("items", 64, 64);
    assert_error(feed(s, STR("{\"items\":[1 2]}"), 2), ERR_INVALID, "byte 12");
}

static void test_errors_of_the_callback_stop(void **state)
{
    (void)state;
    struct json_stream *s = open_stream("", 64, 64);
    fail_at = 2;
    assert_error(feed(s, STR("[1,2,3]"), 100), ERR_CONFLICT, "enough");
    assert_int_equal(count, 2);
    assert_int_equal(json_stream_feed(s, STR(",4]"), &error), ERR_CONFLICT);
    assert_int_equal(count, 2);
    fail_at = 0;
}

static void test_no_room(void **state)
{
    (void)state;
    char memory[300];
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    struct json_stream_options options = {
        .element_max = 400, .rest_max = 10, .on_element = on_element};
    assert_null(json_stream_new(&tiny, &options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_split_anywhere),
        TEST(test_other_shapes_are_all_rest),
        TEST(test_oversized_elements_are_skipped),
        TEST(test_rest_is_capped),
        TEST(test_cut_or_broken),
        TEST(test_errors_of_the_callback_stop),
        TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
