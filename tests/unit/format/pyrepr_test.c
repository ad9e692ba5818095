/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"

#include "support.h"

static struct tree *parse(const char *json)
{
    static struct arena scratch;
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    struct tree *v;
    if (tree_parse_json(&arena, scratch, str_of(json), &v, &error) != ERR_NONE)
        fail_msg("%s: %s", error.text, json);
    return v;
}

/* JSON, and Python's repr() of what json.loads makes of it. */
static const struct {
    const char *json, *repr;
} cases[] = {
    {"null", "None"},
    {"true", "True"},
    {"false", "False"},
    {"0", "0"},
    {"-0", "0"},
    {"-17", "-17"},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"1.0", "1.0"},
    {"-0.0", "-0.0"},
    {"1.50", "1.5"},
    {"0.1", "0.1"},
    {"1e2", "100.0"},
    {"1e16", "1e+16"},
    {"1E15", "1000000000000000.0"},
    {"123456789012345680.0", "1.2345678901234568e+17"},
    {"0.0001", "0.0001"},
    {"0.00001", "1e-05"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"5e-324", "5e-324"},
    {"\"\"", "''"},
    {"\"abc\"", "'abc'"},
    {"\"it's\"", "\"it's\""},
    {"\"say \\\"hi\\\"\"", "'say \"hi\"'"},
    {"\"it's \\\"both\\\"\"", "'it\\'s \"both\"'"},
    {"\"a\\\\b\"", "'a\\\\b'"},
    {"\"\\n\\r\\t\\u0007\\u007f\"", "'\\n\\r\\t\\x07\\x7f'"},
    {"\"\xc3\xa9 \xe6\x97\xa5\"", "'\xc3\xa9 \xe6\x97\xa5'"},
    {"\"\\u00a0\\u00ad\\u200b\\u2028\\ue000\"", "'\\xa0\\xad\\u200b\\u2028\\ue000'"},
    {"\"\\ud83d\\ude00\\udb40\\udc01\"", "'\xf0\x9f\x98\x80\\U000e0001'"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[1, \"b\", null, true, 1.5, [\"it's\"]]", "[1, 'b', None, True, 1.5, [\"it's\"]]"},
    {"{\"a\": {\"b\": []}, \"it's\": 1}", "{'a': {'b': []}, \"it's\": 1}"},
};

static void values_print_as_in_python(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = buf_new(&arena, 1024);
        pyrepr_repr(&text, parse(cases[i].json));
        if (!str_eq(buf_str(&text), str_of(cases[i].repr)))
            fail_msg("%s prints as " STR_FMT ", not %s", cases[i].json, STR_ARG(buf_str(&text)),
                     cases[i].repr);
    }
}

static void str_leaves_texts_alone(void **state)
{
    (void)state;
    struct buf text = buf_new(&arena, 1024);
    pyrepr_str(&text, parse("\"it's\\n\""));
    pyrepr_str(&text, parse("[\"x\"]"));
    assert_str(buf_str(&text), "it's\n['x']");
}

static void a_cut_shows(void **state)
{
    (void)state;
    struct buf text = buf_new(&arena, 4);
    pyrepr_repr(&text, parse("[1, 2, 3]"));
    assert_true(text.full);
}

static void truth(void **state)
{
    (void)state;
    static const char *const no[] = {"null", "false", "0", "-0", "0.0", "0e5", "\"\"", "[]", "{}"};
    static const char *const yes[] = {"true",   "1",     "-1",  "0.5",
                                      "1e-300", "\"0\"", "[0]", "{\"a\": null}"};
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(pyrepr_is_true(parse(no[i])));
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(pyrepr_is_true(parse(yes[i])));
}

static void types(void **state)
{
    (void)state;
    assert_string_equal(pyrepr_type(parse("1")), "int");
    assert_string_equal(pyrepr_type(parse("1.0")), "float");
    assert_string_equal(pyrepr_type(parse("1e1")), "float");
    assert_string_equal(pyrepr_type(parse("\"\"")), "str");
    assert_string_equal(pyrepr_type(parse("null")), "NoneType");
    assert_string_equal(pyrepr_type(parse("true")), "bool");
    assert_string_equal(pyrepr_type(parse("[]")), "list");
    assert_string_equal(pyrepr_type(parse("{}")), "dict");
}

static void ints_are_read_as_by_python(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {" 12 ", 12},
        {"\t1_000\n", 1000},
        {"007", 7},
        {"\xc2\xa0"
         "5",
         5},
        {"\xd9\xa3\xd9\xa4", 34},
        {"1\xef\xbc\x92", 12},
        {"9223372036854775807", INT64_MAX},
        {"99999999999999999999999", INT64_MAX},
        {"-99999999999999999999999", -INT64_MAX},
    };
    static const char *const bad[] = {
        "",    " ",   "-",   "+",        "_1",           "1_", "1__0", "1 0",
        "0x1", "1.0", "--1", "\xc2\xbd", "\xe4\xb8\x80", "a",  "1a"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t value = -1;
        if (!pyrepr_int(str_of(good[i].text), &value) || value != good[i].value)
            fail_msg("\"%s\" is read as %lld", good[i].text, (long long)value);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t value = -1;
        if (pyrepr_int(str_of(bad[i]), &value))
            fail_msg("\"%s\" is read as %lld", bad[i], (long long)value);
        assert_int_equal(value, -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_print_as_in_python),
        TEST(str_leaves_texts_alone),
        TEST(a_cut_shows),
        TEST(truth),
        TEST(types),
        TEST(ints_are_read_as_by_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
