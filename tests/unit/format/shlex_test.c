/* SPDX-License-Identifier: Apache-2.0 */
#include "format/shlex.h"

#include "support.h"

static struct arena scratch;

static int fresh_scratch(void **state)
{
    if (!scratch.base)
        arena_reserve(&scratch, "scratch", 64 * MIB);
    return fresh(state);
}

/* What Python's shlex.split() gives, as JSON; NULL: it refuses. */
static const struct {
    const char *line, *words;
} cases[] = {
    {"prefect flow-run execute", "[\"prefect\", \"flow-run\", \"execute\"]"},
    {"echo 'a b' \"c d\" e\\ f", "[\"echo\", \"a b\", \"c d\", \"e f\"]"},
    {"python -c \"print('x')\"", "[\"python\", \"-c\", \"print('x')\"]"},
    {"a  b", "[\"a\", \"b\"]"},
    {"sh -c 'echo $X && ls'", "[\"sh\", \"-c\", \"echo $X && ls\"]"},
    {"", "[]"},
    {"a#b # c", "[\"a#b\", \"#\", \"c\"]"},
    {"a\\\nb", "[\"a\\nb\"]"},
    {"\"a\\\"b\\$c\\d\"", "[\"a\\\"b\\\\$c\\\\d\"]"},
    {"echo \"x", NULL},
    {"echo 'x", NULL},
    {"trailing\\", NULL},
    {"\"x\\", NULL},
    {"''", "[\"\"]"},
    {"a'' ''b '' ", "[\"a\", \"b\", \"\"]"},
    {"a\"b c\"'d e'f", "[\"ab cd ef\"]"},
    {"'a\\'b", "[\"a\\\\b\"]"},
    {"\\'x\\' \\\\", "[\"'x'\", \"\\\\\"]"},
    {"\"a\\'b\\\\c\"", "[\"a\\\\'b\\\\c\"]"},
    {"\t a\r\nb \n", "[\"a\", \"b\"]"},
    {"a\vb", "[\"a\\u000bb\"]"},
    {"\xc3\xa9\xc2\xa0x", "[\"\xc3\xa9\xc2\xa0x\"]"},
};

static void lines_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tree *got = NULL, *want = NULL;
        enum err_kind kind = shlex_split(&arena, str_of(cases[i].line), &got, &error);
        assert_int_equal(kind, cases[i].words ? ERR_NONE : ERR_INVALID);
        if (!cases[i].words)
            continue;
        assert_int_equal(tree_parse_json(&arena, scratch, str_of(cases[i].words), &want, &error),
                         ERR_NONE);
        if (!tree_eq(got, want))
            fail_msg("%s is not split into %s", cases[i].line, cases[i].words);
    }
}

static void faults_are_named(void **state)
{
    (void)state;
    struct tree *words;
    assert_error(shlex_split(&arena, STR("echo 'x"), &words, &error), ERR_INVALID, "'");
    assert_error(shlex_split(&arena, STR("x\\"), &words, &error), ERR_INVALID, "backslash");
}

static void a_full_arena_shows(void **state)
{
    (void)state;
    char memory[300];
    struct arena small = arena_over("small", memory, sizeof memory);
    struct tree *words;
    assert_int_equal(shlex_split(&small, STR("a b c d e f g h"), &words, &error), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_are_split, fresh_scratch),
        TEST(faults_are_named),
        TEST(a_full_arena_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
