/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml.h"

#include <string.h>

#include "support.h"

static struct tree *parsed(const char *text)
{
    struct tree *v = NULL;
    if (toml_parse(&arena, str_of(text), &v, &error))
        fail_msg("%s\n%s", text, error.text);
    return v;
}

static void refused(const char *text, enum err_kind expected, const char *part)
{
    struct tree *v;
    assert_error(toml_parse(&arena, str_of(text), &v, &error), expected, part);
}

static void test_profiles(void **state)
{
    (void)state;
    struct tree *v = parsed("active = \"local\"\n"
                            "\n"
                            "[profiles.local]\n"
                            "PREFECT_API_URL = \"http://127.0.0.1:4200/api\"  # here\n"
                            "PREFECT_WORKER_QUERY_SECONDS = 1_0\n"
                            "\n"
                            "[profiles.\"other one\"]\n"
                            "PREFECT_DEBUG = true\n");
    assert_str(tree_text(tree_get(v, STR("active"))), "local");
    struct tree *local = tree_path(v, "profiles.local");
    assert_str(tree_text(tree_get(local, STR("PREFECT_API_URL"))), "http://127.0.0.1:4200/api");
    assert_str(tree_get(local, STR("PREFECT_WORKER_QUERY_SECONDS"))->text, "10");
    assert_int_equal(tree_get(local, STR("PREFECT_WORKER_QUERY_SECONDS"))->line, 5);
    assert_int_equal(local->line, 3);
    assert_true(tree_path(v, "profiles.other one.PREFECT_DEBUG")->boolean);
}

static void test_text_is_shared_where_it_can_be(void **state)
{
    (void)state;
    const char *text = "a = 'view'\nb = \"view\"\nc = \"c\\opy\"";
    struct tree *v;
    assert_error(toml_parse(&arena, str_of(text), &v, &error), ERR_INVALID, "unknown escape");
    text = "a = 'view'\nb = \"view\"\nc = \"copy\\n\"";
    v = parsed(text);
    assert_ptr_equal(tree_get(v, STR("a"))->text.p, text + 5);
    assert_ptr_equal(tree_get(v, STR("b"))->text.p, text + 16);
    assert_str(tree_get(v, STR("c"))->text, "copy\n");
}

static void test_lines_of_errors(void **state)
{
    (void)state;
    refused("a = 1\n\nb = x\n", ERR_INVALID, "TOML at line 3, column 5: neither");
    refused("a = '''\n\n'''\nb\n", ERR_INVALID, "line 4, column 2: = is due");
    refused("a = 1\r\nb = [1,\r\n2 3]", ERR_INVALID, "line 3, column 3");
    refused("[a]\n[a]\n", ERR_INVALID, "line 2, column 4: this table was defined before");
    refused("a = 1\na = 2", ERR_INVALID, "line 2, column 5: the key in front was defined before");
    refused("a = \"x\ny\"", ERR_INVALID, "line 1, column 7: the line ends inside a string");
    refused("a = '''x", ERR_INVALID, "the text ends inside a string");
    refused("a = 1 b = 2", ERR_INVALID, "the line should end here");
    refused("a = 1\nb = '\xFF'", ERR_INVALID, "line 2, column 6: bytes that are not UTF-8");
    refused("a = 0xfffffffffffffffffffffffffffffffff", ERR_INVALID, "neither a number");
    refused("a = yes", ERR_INVALID, "text stands in quotes");
}

static void test_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    assert_str(tree_get(parsed("\xEF\xBB\xBF"
                               "a = 1"),
                        STR("a"))
                   ->text,
               "1");
}

static void test_no_zero_bytes(void **state)
{
    (void)state;
    static const str bad[] = {STR_INIT("a = 1\0"),
                              STR_INIT("\0"),
                              STR_INIT("a\0 = 1"),
                              STR_INIT("a = '\0'"),
                              STR_INIT("a = \0"),
                              STR_INIT("a = \"\\\0\""),
                              STR_INIT("a = \"\\u00\0\0\""),
                              STR_INIT("a = 1979-05-27 \0\0")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct tree *v;
        assert_int_equal(toml_parse(&arena, bad[i], &v, &error), ERR_INVALID);
    }
}

static void check_depth(const char *head, const char *open, const char *inner, const char *close,
                        int times, bool fits)
{
    struct buf text = buf_new(&arena, 8000);
    buf_cstr(&text, head);
    for (int i = 0; i < times; i++)
        buf_cstr(&text, open);
    buf_cstr(&text, inner);
    for (int i = 0; i < times; i++)
        buf_cstr(&text, close);
    struct tree *v;
    enum err_kind kind = toml_parse(&arena, buf_str(&text), &v, &error);
    assert_int_equal(kind, fits ? ERR_NONE : ERR_LIMIT);
    if (!fits) {
        assert_non_null(strstr(error.text, "nested more than 64 deep"));
        return;
    }
    struct buf out = buf_new(&arena, 8000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, v);
    assert_false(out.full);
}

static void test_depth_is_capped(void **state)
{
    (void)state;
    check_depth("a = ", "[", "1", "]", 61, true);
    check_depth("a = ", "[", "1", "]", 64, false);
    check_depth("a = ", "{b = ", "1", "}", 30, true);
    check_depth("a = ", "{b = ", "1", "}", 64, false);
    check_depth("", "a.", "a = 1", "", 61, true);
    check_depth("", "a.", "a = 1", "", 64, false);
    check_depth("[", "a.", "a]", "", 61, true);
    check_depth("[", "a.", "a]", "", 64, false);
    check_depth("[[", "a.", "a]]", "", 64, false);
}

static void test_memory_is_capped(void **state)
{
    (void)state;
    for (size_t size = 0; size < 900; size++) {
        char memory[900] __attribute__((aligned(16)));
        struct arena tiny = arena_over("tiny", memory, size);
        struct tree *v;
        assert_int_equal(
            toml_parse(&tiny, STR("a = [1.5, '', \"\\n\", {b.c = 0x1}]\n[d.e]\n[[f]]\ng = inf"), &v,
                       &error),
            ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_profiles),         TEST(test_text_is_shared_where_it_can_be),
        TEST(test_lines_of_errors),  TEST(test_byte_order_mark_is_skipped),
        TEST(test_no_zero_bytes),    TEST(test_depth_is_capped),
        TEST(test_memory_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
