/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include <string.h>

#include "base/heap.h"
#include "support.h"

static struct tree *parsed(const char *text)
{
    struct tree *v = NULL;
    if (yaml_parse(&arena, str_of(text), &v, &error))
        fail_msg("%s\n%s", text, error.text);
    assert_int_equal(heap_figures().used, 0);
    return v;
}

static void refused(const char *text, enum err_kind expected, const char *part)
{
    struct tree *v;
    assert_error(yaml_parse(&arena, str_of(text), &v, &error), expected, part);
    assert_int_equal(heap_figures().used, 0);
}

static void check(const char *text, const char *json)
{
    struct buf out = buf_new(&arena, 8000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, parsed(text));
    buf_byte(&out, '\0');
    assert_string_equal(out.p, json);
}

static void test_kubeconfig(void **state)
{
    (void)state;
    struct tree *v = parsed("apiVersion: v1\n"
                            "kind: Config\n"
                            "current-context: \"dev\"\n"
                            "clusters:\n"
                            "- name: dev\n"
                            "  cluster:\n"
                            "    server: https://10.0.0.1:6443   # API\n"
                            "    insecure-skip-tls-verify: yes\n"
                            "users: []\n");
    struct tree *cluster = tree_get(tree_at(tree_get(v, STR("clusters")), 0), STR("cluster"));
    assert_str(tree_text(tree_get(cluster, STR("server"))), "https://10.0.0.1:6443");
    assert_true(tree_get(cluster, STR("insecure-skip-tls-verify"))->boolean);
    assert_int_equal(tree_get(cluster, STR("server"))->line, 7);
    assert_int_equal(tree_get(v, STR("clusters"))->line, 4);
    assert_int_equal(tree_at(tree_get(v, STR("clusters")), 0)->line, 5);
    assert_int_equal(v->line, 1);
}

static void test_empty_documents_are_null(void **state)
{
    (void)state;
    check("", "null");
    check("# only a comment\n", "null");
    check("---\n", "null");
    struct tree *v;
    assert_int_equal(yaml_parse(&arena, (str){0}, &v, &error), ERR_NONE);
    assert_true(tree_is_null(v));
}

static void test_keys(void **state)
{
    (void)state;
    check("1: a\n0x10: b\ntrue: c\n~: d\n1.50: e\n", "{\"1\":\"a\",\"16\":\"b\",\"true\":\"c\","
                                                     "\"null\":\"d\",\"1.5\":\"e\"}");
    check("a: &k name\n*k : 1\n", "{\"a\":\"name\",\"name\":1}");
    refused("? [a]\n: 1", ERR_INVALID, "a key must be");
    refused("a: &k [x]\n*k : 1", ERR_INVALID, "a key must be");
}

static void test_merges(void **state)
{
    (void)state;
    check("b: &b {x: 1, y: 2}\nm: {y: 3, <<: *b, z: 4}",
          "{\"b\":{\"x\":1,\"y\":2},\"m\":{\"x\":1,\"y\":3,\"z\":4}}");
    check("m:\n  <<: [{x: 1}, {x: 2, y: 2}]\n", "{\"m\":{\"x\":1,\"y\":2}}");
    refused("a: {<<: text}", ERR_INVALID, "<< takes a mapping");
}

static void test_later_anchors_count(void **state)
{
    (void)state;
    check("[&x 1, *x, &x 2, *x]", "[1,1,2,2]");
}

static void test_refuses(void **state)
{
    (void)state;
    refused("a: 1\nb: [1\n", ERR_INVALID, "YAML at line 3, column 1");
    refused("a: 1\n  b: 2\n", ERR_INVALID, "line 2");
    refused("a: 1\n---\nb: 2\n", ERR_INVALID, "second document");
    refused("a:\n  b: .inf\n", ERR_INVALID, "line 2: the number \".inf\"");
    refused("a: .nan", ERR_INVALID, ".nan");
    refused("a: 0b_", ERR_INVALID, "no digits");
    refused("a: 0xffffffffffffffffffffffffffffffffff", ERR_INVALID, "too large");
    refused("a: !foo x", ERR_INVALID, "unknown tag !foo");
    refused("a: !!binary x", ERR_INVALID, "unknown tag tag:yaml.org,2002:binary");
    refused("a: !!set {x}", ERR_INVALID, "unknown tag");
    refused("a: *b", ERR_INVALID, "no anchor named b");
    refused("a: &b [*b]", ERR_INVALID, "contains itself");
    refused("a: \"\xFF\"", ERR_INVALID, "not valid text");
    refused("a: x\x01", ERR_INVALID, "not valid text");
}

static void test_depth_is_capped(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 4] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    struct buf out = buf_new(&arena, 1000);
    struct json_writer w = json_writer(&out);
    tree_write_json(&w, parsed(text));
    assert_false(out.full);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    refused(text, ERR_LIMIT, "more than 64 levels");
    struct buf deep = buf_new(&arena, 2000);
    buf_cstr(&deep, "a: &a ");
    for (int i = 0; i < 40; i++)
        buf_byte(&deep, '[');
    for (int i = 0; i < 40; i++)
        buf_byte(&deep, ']');
    buf_cstr(&deep, "\nb: ");
    for (int i = 0; i < 30; i++)
        buf_cstr(&deep, "- ");
    buf_cstr(&deep, "*a\n");
    buf_byte(&deep, '\0');
    refused(deep.p, ERR_INVALID, "line 2"); /* block sequences begin on their own line */
    deep.n -= strlen("\nb: ") + 30 * 2 + strlen("*a\n") + 1;
    buf_cstr(&deep, "\nb: ");
    for (int i = 0; i < 30; i++)
        buf_byte(&deep, '[');
    buf_cstr(&deep, "*a");
    for (int i = 0; i < 30; i++)
        buf_byte(&deep, ']');
    buf_byte(&deep, '\0');
    refused(deep.p, ERR_LIMIT, "more than 64 levels");
}

/* Nine values at each of nine levels: half a billion when expanded. */
static void test_expansion_is_capped(void **state)
{
    (void)state;
    struct buf text = buf_new(&arena, 4000);
    buf_cstr(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_printf(&text, "*a%d,", i - 1);
        buf_cstr(&text, "]\n");
    }
    buf_byte(&text, '\0');
    refused(text.p, ERR_LIMIT, "aliases expanded");
    buf_clear(&text);
    buf_cstr(&text, "a0: &a0 {a: 1, b: 2, c: 3, d: 4}\n");
    buf_cstr(&text, "l: [");
    for (int i = 0; i < 300; i++)
        buf_cstr(&text, "*a0,");
    buf_cstr(&text, "]\n");
    buf_byte(&text, '\0');
    assert_int_equal(tree_get(parsed(text.p), STR("l"))->count, 300);
}

static void test_memory_is_capped(void **state)
{
    (void)state;
    char memory[400] __attribute__((aligned(16)));
    struct arena tiny = arena_over("tiny", memory, sizeof memory);
    struct tree *v;
    assert_error(yaml_parse(&tiny, STR("[1, 2, 3, 4, 5, 6, 7, 8]"), &v, &error), ERR_LIMIT,
                 "memory");
    heap_set_budget(1000);
    assert_error(yaml_parse(&arena, STR("a: 1"), &v, &error), ERR_LIMIT, "--memory-budget");
    heap_set_budget(200 * KIB);
    struct buf text = buf_new(&arena, 400 * KIB);
    buf_cstr(&text, "a: ");
    for (int i = 0; i < 30000; i++)
        buf_cstr(&text, "0123456789");
    assert_error(yaml_parse(&arena, buf_str(&text), &v, &error), ERR_LIMIT, "--memory-budget");
    heap_set_budget(HEAP_BUDGET_DEFAULT);
    assert_int_equal(heap_figures().used, 0);
    assert_int_equal(yaml_parse(&arena, buf_str(&text), &v, &error), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kubeconfig),
        TEST(test_empty_documents_are_null),
        TEST(test_keys),
        TEST(test_merges),
        TEST(test_later_anchors_count),
        TEST(test_refuses),
        TEST(test_depth_is_capped),
        TEST(test_expansion_is_capped),
        TEST(test_memory_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
