/* SPDX-License-Identifier: Apache-2.0 */
#include "format/slug.h"

#include <string.h>

#include "support.h"

struct slug_case {
    const char *text, *slug;
};

/* What the Python worker makes of each. */
static const struct slug_case name_cases[] = {
    {"my-flow-run", "my-flow-run"},
    {"My Flow_Run!", "my-flow-run"},
    {"", ""},
    {"---", ""},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "ri-ben-yu"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-",
     "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a"},
    {"\xc3\xbcn\xc3\xaf"
     "c\xc3\xb6"
     "d\xc3\xa9 name",
     "unicode-name"},
    {"foo's bar", "foo-s-bar"},
    {"1,000 runs", "1000-runs"},
    {"a.b.c", "a-b-c"},
    {"x&amp;y", "x-y"},
    {"&#65;b", "ab"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"user@example.com", "user-example-com"},
    {"foo/bar/baz", "foo-bar-baz"},
    {"a--b---c", "a-b-c"},
    {"a__b..c", "a-b-c"},
    {"\xc3\x9f", "ss"},
    {"\xc3\x86on", "aeon"},
    {"x'y''z", "x-y-z"},
    {"\xe2\x80\x9cquoted\xe2\x80\x9d", "quoted"},
    {"KubernetesWorker 123e4567-e89b-12d3-a456-426614174000",
     "kubernetesworker-123e4567-e89b-12d3-a456-4266"},
};

static const struct slug_case key_cases[] = {
    {"prefect.io/flow-run-id", "prefect.io/flow-run-id"},
    {"my key", "my-key"},
    {"a/b/c", "a/b-c"},
    {"/foo", "foo"},
    {"foo/", "foo/"},
    {"example.com_x/na me", "example.com-x/na-me"},
    {"..a../..b..", "a/b"},
    {"1,234/5,678", "1234/5678"},
    {"\xe6\x97\xa5\xe6\x9c\xac/\xe8\xaa\x9e", "Ri-Ben/Yu"},
    {"!!!", "!!!"},
    {"/", ""},
    {"--/--", "--/--"},
    {"a_b.c/d_e.f", "a-b.c/d_e.f"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaa/"
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
     "bbbbbbb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
};

static const struct slug_case value_cases[] = {
    {"2024-05-06T07:08:09.123456+00:00", "2024-05-06T07-08-09.123456-00-00"},
    {"3.8.8", "3.8.8"},
    {"3.8.8.dev1+g123", "3.8.8.dev1-g123"},
    {"hello world", "hello-world"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-b",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..b",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"!!!", "!!!"},
    {"", ""},
    {"my flow (v2)", "my-flow-v2"},
    {"_x_", "x"},
    {"a:b=c", "a-b-c"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "Ri-Ben-Yu"},
    {".", "."},
    {"-a-", "a"},
    {"foo's", "foo-s"},
};

static const struct slug_case plain_cases[] = {
    {"Spec Worker", "spec-worker"},
    {"KubernetesWorker 123e4567-e89b-12d3-a456-426614174000",
     "kubernetesworker-123e4567-e89b-12d3-a456-426614174000"},
    {"a_b.c", "a-b-c"},
    {"\xc3"
     "\x9c"
     "n\xc3"
     "\xaf"
     "",
     "uni"},
};
#define RUN_CASES(cases, slugify)                                                     \
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {                                   \
        str slug = slugify(&arena, scratch, str_of(cases[i].text));                   \
        if (!str_eq(slug, str_of(cases[i].slug)))                                     \
            fail_msg("\"%s\" gives \"" STR_FMT "\" instead of \"%s\"", cases[i].text, \
                     STR_ARG(slug), cases[i].slug);                                   \
    }

static struct arena scratch;

static int fresh_scratch(void **state)
{
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    return fresh(state);
}

static void names(void **state)
{
    (void)state;
    RUN_CASES(name_cases, slug_name);
}

static void label_keys(void **state)
{
    (void)state;
    RUN_CASES(key_cases, slug_label_key);
}

static void label_values(void **state)
{
    (void)state;
    RUN_CASES(value_cases, slug_label_value);
}

static void plain_slugs(void **state)
{
    (void)state;
    RUN_CASES(plain_cases, slug_plain);
}

static void cut_to_its_length_and_no_dash_left_at_the_end(void **state)
{
    (void)state;
    char text[101];
    for (size_t n = 60; n <= 100; n++) {
        memset(text, 'a', n);
        text[62] = '-';
        text[n] = 0;
        str slug = slug_label_value(&arena, scratch, str_of(text));
        assert_int_equal(slug.n, n < 63 ? n : 62);
    }
}

static void marks_are_put_in_order_before_they_are_spelled(void **state)
{
    (void)state;
    /* Hebrew points with classes 17 (patah) and 21 (dagesh), written the other way round. */
    str right = slug_name(&arena, scratch, STR("\xd7\x91\xd6\xb7\xd6\xbc"));
    str turned = slug_name(&arena, scratch, STR("\xd7\x91\xd6\xbc\xd6\xb7"));
    assert_true(right.n > 0);
    assert_true(str_eq(right, turned));
}

static void invalid_utf8_is_no_letter(void **state)
{
    (void)state;
    assert_str(slug_name(&arena, scratch,
                         STR("a\xff\xfe"
                             "b\xc3")),
               "ab");
}

static void a_full_arena_shows(void **state)
{
    (void)state;
    char memory[32];
    struct arena small = arena_over("small", memory, sizeof memory);
    assert_null(slug_name(&arena, small, STR("a name that needs more than that")).p);
    assert_null(slug_label_value(&small, scratch,
                                 STR("0123456789012345678901234567890123456789"
                                     "0123456789012345678901234567890"))
                    .p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names, fresh_scratch),
        cmocka_unit_test_setup(label_keys, fresh_scratch),
        cmocka_unit_test_setup(label_values, fresh_scratch),
        cmocka_unit_test_setup(plain_slugs, fresh_scratch),
        cmocka_unit_test_setup(cut_to_its_length_and_no_dash_left_at_the_end, fresh_scratch),
        cmocka_unit_test_setup(marks_are_put_in_order_before_they_are_spelled, fresh_scratch),
        cmocka_unit_test_setup(invalid_utf8_is_no_letter, fresh_scratch),
        cmocka_unit_test_setup(a_full_arena_shows, fresh_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
