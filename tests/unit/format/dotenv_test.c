/* SPDX-License-Identifier: Apache-2.0 */
#include "format/dotenv.h"

#include "support.h"

static struct tree *parsed(const char *text)
{
    struct tree *v = NULL;
    if (dotenv_parse(&arena, str_of(text), NULL, NULL, &v, &error))
        fail_msg("%s\n%s", text, error.text);
    return v;
}

static void refused(const char *text, const char *part)
{
    struct tree *v;
    assert_error(dotenv_parse(&arena, str_of(text), NULL, NULL, &v, &error), ERR_INVALID, part);
}

static void test_file(void **state)
{
    (void)state;
    struct tree *v = parsed("# settings\n"
                            "export PREFECT_API_URL=http://h:4200/api # where\n"
                            "KEY='a b'\n"
                            "TWO=\"x\\ny\n"
                            "z\"\n"
                            "BARE\n"
                            "LAST=${KEY}!\n");
    assert_str(tree_text(tree_get(v, STR("PREFECT_API_URL"))), "http://h:4200/api");
    assert_str(tree_text(tree_get(v, STR("TWO"))), "x\ny\nz");
    assert_true(tree_is(tree_get(v, STR("BARE")), TREE_NULL));
    assert_str(tree_text(tree_get(v, STR("LAST"))), "a b!");
    assert_int_equal(tree_get(v, STR("TWO"))->line, 4);
    assert_int_equal(tree_get(v, STR("BARE"))->line, 6);
    assert_int_equal(v->count, 5);
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    refused("A=1\nB C\n", "line 2");
    refused("A=1\r\n\r\n=x\r\n", "line 3: a name is due");
    refused("A='x\ny'\nB='z", "line 3: the quote in front of the value has no end");
    refused("'A=1", "the quote in front of the name");
    refused("A='x' y", "nothing behind a quoted value");
    refused("A=1\nB=\xFF", "line 2: bytes that are not UTF-8");
}

static str environ_value(void *ctx, str name)
{
    ++*(int *)ctx;
    return str_eq(name, STR("HOME")) ? STR("/h") : (str){0};
}

static void test_environment(void **state)
{
    (void)state;
    struct tree *v;
    int asked = 0;
    assert_int_equal(dotenv_parse(&arena, STR("A=${HOME}/x ${NONE:-d}\nHOME=/y\nB=${HOME}"),
                                  environ_value, &asked, &v, &error),
                     ERR_NONE);
    assert_str(tree_text(tree_get(v, STR("A"))), "/h/x d");
    assert_str(tree_text(tree_get(v, STR("B"))), "/y");
    assert_int_equal(asked, 2);
}

static void test_expansion_is_capped(void **state)
{
    (void)state;
    struct buf text = buf_new(&arena, 4000);
    buf_cstr(&text, "A=0123456789abcdef\n");
    for (int i = 0; i < 13; i++)
        buf_cstr(&text, "A=${A}${A}\n");
    struct tree *v;
    assert_error(dotenv_parse(&arena, buf_str(&text), NULL, NULL, &v, &error), ERR_LIMIT,
                 "line 14: a value is too large");
}

static void test_zero_bytes_do_no_harm(void **state)
{
    (void)state;
    static const str texts[] = {STR_INIT("A=\0"), STR_INIT("\0=1"), STR_INIT("A='\\\0'"),
                                STR_INIT("A=\"\\\0\""), STR_INIT("A\0\n#\0")};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct tree *v;
        assert_int_equal(dotenv_parse(&arena, texts[i], NULL, NULL, &v, &error), ERR_NONE);
    }
}

static void test_memory_is_capped(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++) {
        char memory[300] __attribute__((aligned(16)));
        struct arena tiny = arena_over("tiny", memory, size);
        struct tree *v;
        assert_int_equal(
            dotenv_parse(&tiny, STR("A='\\''\nB=x\nC\nD=${A}"), NULL, NULL, &v, &error), ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file),
        TEST(test_errors_name_the_line),
        TEST(test_environment),
        TEST(test_expansion_is_capped),
        TEST(test_zero_bytes_do_no_harm),
        TEST(test_memory_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
