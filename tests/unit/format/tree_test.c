/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tree.h"

#include <string.h>

#include "support.h"

static struct arena scratch;

static struct tree *parsed(const char *text)
{
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    struct tree *v = NULL;
    if (tree_parse_json(&arena, scratch, str_of(text), &v, &error))
        fail_msg("%s: %s", text, error.text);
    return v;
}

static str written(const struct tree *v)
{
    struct buf out = buf_new(&arena, 8000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, v);
    assert_false(out.full);
    return buf_str(&out);
}

static void test_build(void **state)
{
    (void)state;
    struct tree *v = tree_object(&arena);
    char key[] = "list";
    struct tree *list = tree_set(&arena, v, str_of(key), tree_array(&arena));
    memset(key, 'x', 4); /* it was copied */
    tree_append(list, tree_i64(&arena, INT64_MIN));
    tree_append(list, tree_null(&arena));
    tree_append(list, tree_bool(&arena, true));
    tree_append(list, tree_number(&arena, STR("1.50")));
    tree_set(&arena, v, STR("s"), tree_str(&arena, STR("t")));
    assert_str(written(v), "{\"list\":[-9223372036854775808,null,true,1.5],\"s\":\"t\"}");
    int64_t i;
    assert_true(tree_i64_value(tree_at(tree_path(v, "list"), 0), &i) && i == INT64_MIN);
    assert_false(tree_i64_value(tree_at(list, 3), &i));
    assert_str(tree_text(tree_get(v, STR("s"))), "t");
    assert_null(tree_text(list).p);
    assert_null(tree_at(list, 4));
    assert_null(tree_get(list, STR("s")));
    assert_null(tree_path(v, "list.x"));
    assert_true(tree_is_null(tree_at(list, 1)) && tree_is_null(NULL));
    assert_int_equal(list->count, 4);
}

static void test_set_keeps_the_place(void **state)
{
    (void)state;
    struct tree *v = parsed("{\"a\":1,\"b\":2,\"c\":3}");
    tree_set(&arena, v, STR("a"), tree_i64(&arena, 10));
    tree_set(&arena, v, STR("c"), tree_i64(&arena, 30));
    tree_set(&arena, v, STR("d"), tree_i64(&arena, 40));
    assert_str(written(v), "{\"a\":10,\"b\":2,\"c\":30,\"d\":40}");
    assert_true(tree_remove(v, STR("a")));
    assert_false(tree_remove(v, STR("a")));
    tree_unlink(v, tree_get(v, STR("d")));
    tree_set(&arena, v, STR("e"), tree_null(&arena));
    assert_str(written(v), "{\"b\":2,\"c\":30,\"e\":null}");
    tree_replace(v, tree_get(v, STR("c")), tree_array(&arena));
    assert_str(written(v), "{\"b\":2,\"c\":[],\"e\":null}");
    assert_int_equal(v->count, 3);
    assert_ptr_equal(v->last, tree_get(v, STR("e")));
    tree_remove(v, STR("b")), tree_remove(v, STR("e")), tree_remove(v, STR("c"));
    assert_null(v->first);
    assert_null(v->last);
}

static void test_failure_is_passed_on(void **state)
{
    (void)state;
    char memory[160] __attribute__((aligned(16)));
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    struct tree *v = tree_object(&tiny);
    assert_non_null(v);
    struct tree *last = v;
    for (int i = 0; i < 4; i++)
        last = tree_set(&tiny, v, STR("k"), tree_i64(&tiny, i));
    assert_null(last);
    assert_null(tree_append(NULL, v));
    assert_null(tree_set(&tiny, NULL, STR("k"), v));
    assert_null(tree_clone(&tiny, NULL));
    struct tree *root;
    assert_error(tree_parse_json(&tiny, arena, STR("[1,2,3]"), &root, &error), ERR_LIMIT, "memory");
}

static void test_clone_and_eq(void **state)
{
    (void)state;
    struct tree *v = parsed("{\"a\":[1,{\"b\":null}],\"c\":\"x\"}");
    struct tree *copy = tree_clone(&arena, v);
    assert_true(tree_eq(v, copy));
    tree_set_origin(copy, TREE_FROM_RUN);
    assert_int_equal(tree_path(copy, "a")->first->origin, TREE_FROM_RUN);
    assert_int_equal(tree_path(v, "a")->first->origin, TREE_FROM_NOWHERE);
    tree_append(tree_path(copy, "a"), tree_null(&arena));
    assert_false(tree_eq(v, copy));
    assert_true(tree_eq(NULL, NULL));
    assert_false(tree_eq(NULL, v));
    assert_true(tree_eq(parsed("{\"a\":1,\"b\":[2]}"), parsed("{\"b\":[2.0],\"a\":1e0}")));
    assert_false(tree_eq(parsed("[1,2]"), parsed("[2,1]")));
    assert_false(tree_eq(parsed("{\"a\":1}"), parsed("{\"a\":1,\"b\":1}")));
    assert_false(tree_eq(parsed("{\"a\":1,\"c\":1}"), parsed("{\"a\":1,\"b\":1}")));
    assert_false(tree_eq(parsed("1"), parsed("true")));
    assert_false(tree_eq(parsed("\"1\""), parsed("1")));
    assert_true(tree_eq(parsed("-0"), parsed("0")) && tree_eq(parsed("-0.0"), parsed("0")));
    assert_true(tree_eq(parsed("100000000000000000000"), parsed("1e20")));
    assert_false(tree_eq(parsed("100000000000000000001"), parsed("1e20")));
    assert_false(tree_eq(parsed("9007199254740993"), parsed("9007199254740992.0")));
    assert_false(tree_eq(parsed("9007199254740993"), parsed("9007199254740992")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_build),
        TEST(test_set_keeps_the_place),
        TEST(test_failure_is_passed_on),
        TEST(test_clone_and_eq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
