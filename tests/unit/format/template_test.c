/* SPDX-License-Identifier: Apache-2.0 */
#include "format/template.h"

#include <string.h>

#include "support.h"

static struct arena scratch;

static int fresh_scratch(void **state)
{
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    return fresh(state);
}

static struct tree *parse(const char *json)
{
    struct tree *v;
    if (tree_parse_json(&arena, scratch, str_of(json), &v, &error) != ERR_NONE)
        fail_msg("%s: %s", error.text, json);
    return v;
}

static const char *const environment[] = {"OTHER=1", "SPEC_ENVVAR=hello", "EMPTY=", NULL};

static struct tree *apply(const char *template, const char *values)
{
    struct template_context context = {
        .out = &arena, .scratch = scratch, .values = parse(values), .environment = environment};
    struct tree *result = template_apply(&context, parse(template));
    assert_false(context.full);
    return result;
}

/* What the Python worker makes of a template; NULL: it is dropped. */
static const struct {
    const char *template, *values, *result;
} apply_cases[] = {
    {"\"{{ x }}\"", "{\"x\": 5}", "5"},
    {"\"{{x}}\"", "{\"x\": [1, 2]}", "[1, 2]"},
    {"\"a {{ x }} b\"", "{\"x\": 5}", "\"a 5 b\""},
    {"\"{{ x }}-\"", "{}", "\"-\""},
    {"\"{{ x }}-\"", "{\"x\": null}", "\"None-\""},
    {"\"{{ x }}\"", "{\"x\": null}", "null"},
    {"\"{{ x }}\"", "{}", NULL},
    {"{\"a\": \"{{ x }}\", \"b\": 1}", "{}", "{\"b\": 1}"},
    {"[\"{{ x }}\", \"{{ y }}\"]", "{\"y\": 2}", "[2]"},
    {"\"{{ x }} {{ y }}\"", "{\"x\": 1}", "\"1 \""},
    {"\"{{ a.b }}\"", "{\"a\": {\"b\": 7}}", "7"},
    {"\"{{ a.b[0].c }}\"", "{\"a\": {\"b\": [{\"c\": \"z\"}]}}", "\"z\""},
    {"\"{{ a.0 }}\"", "{\"a\": [\"p\", \"q\"]}", "\"p\""},
    {"\"{{ a.-1 }}\"", "{\"a\": [\"p\", \"q\"]}", "\"q\""},
    {"\"{{ a.0 }}\"", "{\"a\": {\"0\": \"p\"}}", NULL},
    {"\"{{ $SPEC_ENVVAR }}\"", "{}", "\"hello\""},
    {"\"x{{ $SPEC_ENVVAR }}y\"", "{}", "\"xhelloy\""},
    {"\"{{ $SPEC_MISSING }}\"", "{}", "\"\""},
    {"\"{{ prefect.blocks.secret.foo }}\"", "{}", "\"{{ prefect.blocks.secret.foo }}\""},
    {"\"{{ prefect.variables.foo }}x{{ y }}\"", "{\"y\": \"Y\"}",
     "\"{{ prefect.variables.foo }}xY\""},
    {"\"v={{ x }}\"", "{\"x\": true}", "\"v=True\""},
    {"\"v={{ x }}\"", "{\"x\": {\"a\": [1, \"b\", null, true, 1.5]}}",
     "\"v={'a': [1, 'b', None, True, 1.5]}\""},
    {"\"v={{ x }}\"", "{\"x\": 1.0}", "\"v=1.0\""},
    {"\"v={{ x }}\"", "{\"x\": \"it's\"}", "\"v=it's\""},
    {"\"v={{ x }}\"", "{\"x\": [\"it's\"]}", "\"v=[\\\"it's\\\"]\""},
    {"\" {{ x }}\"", "{\"x\": 3}", "\" 3\""},
    {"\"{{ x y }}\"", "{\"x\": 3}", "\"{{ x y }}\""},
    {"\"{{{ x }}}\"", "{\"x\": 3}", "\"{3}\""},
    {"\"{{ my-var_1 }}\"", "{\"my-var_1\": \"ok\"}", "\"ok\""},
    {"{\"{{ k }}\": \"{{ v }}\"}", "{\"k\": \"K\", \"v\": \"V\"}", "{\"{{ k }}\": \"V\"}"},
    {"{\"a\": {\"b\": \"{{ x }}\"}}", "{}", "{\"a\": {}}"},
    {"\"{{ x }}\"", "{\"x\": \"{{ y }}\", \"y\": \"deep\"}", "\"{{ y }}\""},
    {"\"{{ x.y }}\"", "{\"x.y\": \"dotted\"}", NULL},
    {"\"{{\\n x \\t}}\"", "{\"x\": \"nl\"}", "\"nl\""},
    {"\"{{ a.0 }}\"", "{\"a\": \"hello\"}", "\"h\""},
    {"\"{{ $EMPTY }}x\"", "{}", "\"x\""},
    {"\"{{ $$SPEC_ENVVAR }}\"", "{}", "\"hello\""},
    {"\"{{ x }}{{ x }}\"", "{\"x\": null}", "\"NoneNone\""},
    {"\"{{ a.1_0 }}\"", "{\"a\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}", "10"},
    {"\"{{ a.+1 }}\"", "{\"a\": [0, 1]}", "\"{{ a.+1 }}\""},
    {"\"{{ a.-3 }}\"", "{\"a\": [0, 1]}", NULL},
    {"\"{{ a.\xd9\xa1 }}\"", "{\"a\": [0, 1]}", "1"},
    {"\"{{ a[1][-1] }}\"", "{\"a\": [0, \"h\xc3\xa9\"]}", "\"\xc3\xa9\""},
    {"\"{{ a..b }}\"", "{\"a\": {\"\": {\"b\": 1}}}", "1"},
    {"\"{{ a]b }}\"", "{\"ab\": 1}", "1"},
    {"\"{{ 0 }}\"", "{\"0\": 1}", NULL},
    {"\"{{ \xc3\xa9t\xc3\xa9 }}\"", "{\"\xc3\xa9t\xc3\xa9\": 1}", "1"},
    {"\"{{\\u2003x\\u0085}}\"", "{\"x\": 1}", "1"},
    {"\"{{ x }} {{ y }\"", "{\"x\": 1}", "\"1 {{ y }\""},
    {"\"}}{{ x }}{{\"", "{\"x\": 1}", "\"}}1{{\""},
};

static void values_are_filled_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(apply_cases); i++) {
        struct tree *got = apply(apply_cases[i].template, apply_cases[i].values);
        struct tree *want = apply_cases[i].result ? parse(apply_cases[i].result) : NULL;
        struct buf text = buf_new(&arena, 4 * KIB);
        if (got)
            tree_write_json_pretty(&text, got, 0);
        if (!tree_eq(got, want))
            fail_msg("%s with %s gives " STR_FMT, apply_cases[i].template, apply_cases[i].values,
                     STR_ARG(buf_str(&text)));
    }
}

static void placeholders_are_found_in_order(void **state)
{
    (void)state;
    struct template_placeholder p;
    size_t at = 0;
    str text = STR("a{{ x }}{{$Y}}{{ prefect.blocks.s.n }}{{prefect.variables.v}}{{}}");
    static const enum template_kind kinds[] = {TEMPLATE_VALUE, TEMPLATE_ENVIRONMENT, TEMPLATE_BLOCK,
                                               TEMPLATE_VARIABLE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_true(template_next(text, &at, &p));
        assert_int_equal(p.kind, kinds[i]);
    }
    assert_str(p.name, "prefect.variables.v");
    assert_str(p.text, "{{prefect.variables.v}}");
    assert_false(template_next(text, &at, &p));
    assert_int_equal(at, text.n);
}

static void whole_means_nothing_else(void **state)
{
    (void)state;
    struct template_placeholder p;
    assert_true(template_whole(STR("{{ x }}"), &p));
    assert_false(template_whole(STR("{{ x }} "), &p));
    assert_false(template_whole(STR(" {{ x }}"), &p));
    assert_false(template_whole(STR("{{ x }}{{ x }}"), &p));
    assert_false(template_whole(STR(""), &p));
    assert_false(template_whole(STR("{{ x }"), &p));
}

static void values_keep_where_they_came_from(void **state)
{
    (void)state;
    struct template_context context = {
        .out = &arena, .scratch = scratch, .values = parse("{\"x\": {\"y\": 1}, \"s\": \"t\"}")};
    tree_set_origin(tree_get(context.values, STR("x")), TREE_FROM_RUN);
    tree_get(context.values, STR("s"))->secret = true;
    struct tree *template = parse("{\"a\": \"{{ x }}\", \"b\": \"plain\", \"c\": \"<{{ s }}>\"}");
    tree_set_origin(template, TREE_FROM_TEMPLATE);
    struct tree *v = template_apply(&context, template);
    assert_int_equal(tree_path(v, "a.y")->origin, TREE_FROM_RUN);
    assert_int_equal(tree_path(v, "b")->origin, TREE_FROM_TEMPLATE);
    assert_true(tree_path(v, "c")->secret);
    assert_false(tree_path(v, "b")->secret);
}

static void the_template_and_its_values_are_not_changed(void **state)
{
    (void)state;
    struct template_context context = {
        .out = &arena, .scratch = scratch, .values = parse("{\"x\": {\"y\": 1}}")};
    struct tree *template = parse("{\"a\": \"{{ x }}\", \"b\": [\"{{ x }}\"]}");
    struct tree *v = template_apply(&context, template);
    tree_set(&arena, tree_get(v, STR("a")), STR("z"), tree_null(&arena));
    assert_true(tree_eq(context.values, parse("{\"x\": {\"y\": 1}}")));
    assert_true(tree_eq(template, parse("{\"a\": \"{{ x }}\", \"b\": [\"{{ x }}\"]}")));
    assert_true(tree_eq(tree_at(tree_get(v, STR("b")), 0), parse("{\"y\": 1}")));
}

static void a_text_that_grows_too_long_is_refused(void **state)
{
    (void)state;
    struct tree *values = tree_object(&arena);
    char *long_text = arena_bytes(&arena, MIB);
    memset(long_text, 'x', MIB);
    tree_set(&arena, values, STR("x"), tree_str(&arena, (str){long_text, MIB}));
    struct template_context context = {.out = &arena, .scratch = scratch, .values = values};
    assert_non_null(template_apply(&context, parse("\"{{ x }}{{ x }}\"")));
    assert_null(template_apply(&context, parse("\"{{ x }}{{ x }}-\"")));
    assert_true(context.full);
}

static void a_full_arena_shows(void **state)
{
    (void)state;
    char memory[256];
    struct arena small = arena_over("small", memory, sizeof memory);
    struct template_context context = {
        .out = &small, .scratch = scratch, .values = parse("{\"x\": 1}")};
    (void)template_apply(&context, parse("[\"{{ x }}\", [1, 2, 3, 4, 5, 6, 7, 8, 9]]"));
    assert_true(context.full);
}

static void first_keys(void **state)
{
    (void)state;
    assert_str(template_first_key(STR("a.b[0]")), "a");
    assert_str(template_first_key(STR("a[0].b")), "a");
    assert_str(template_first_key(STR("plain")), "plain");
}

static void placeholders_anywhere_in_a_tree(void **state)
{
    (void)state;
    assert_true(template_has_placeholder(parse("{\"a\": [1, {\"b\": \"x{{ y }}\"}]}")));
    assert_false(template_has_placeholder(parse("{\"{{ k }}\": [1, \"{{ y }\", null]}")));
    assert_false(template_has_placeholder(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_are_filled_in, fresh_scratch),
        cmocka_unit_test_setup(placeholders_are_found_in_order, fresh_scratch),
        cmocka_unit_test_setup(whole_means_nothing_else, fresh_scratch),
        cmocka_unit_test_setup(values_keep_where_they_came_from, fresh_scratch),
        cmocka_unit_test_setup(the_template_and_its_values_are_not_changed, fresh_scratch),
        cmocka_unit_test_setup(a_text_that_grows_too_long_is_refused, fresh_scratch),
        cmocka_unit_test_setup(a_full_arena_shows, fresh_scratch),
        cmocka_unit_test_setup(first_keys, fresh_scratch),
        cmocka_unit_test_setup(placeholders_anywhere_in_a_tree, fresh_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
