/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "format/support.h"

#include "kube/lines.h"

static char seen[4096];
static size_t seen_n;

static bool note(void *ctx, str line)
{
    const char *stop_at = ctx;
    seen_n += (size_t)snprintf(seen + seen_n, sizeof seen - seen_n, "<" STR_FMT ">", STR_ARG(line));
    return !stop_at || !str_eq(line, str_of(stop_at));
}

static struct kube_lines lines;

static int fresh_lines(void **state)
{
    (void)state;
    if (!lines.max)
        kube_lines_init(&lines, 8);
    kube_lines_clear(&lines);
    lines.skipped = 0;
    seen_n = 0;
    seen[0] = '\0';
    return 0;
}

static void lines_cut_at_every_byte(void **state)
{
    (void)state;
    str text = STR("one\ntwo two\n\nthree\n");
    for (size_t cut = 0; cut <= text.n; cut++) {
        fresh_lines(state);
        assert_true(kube_lines_feed(&lines, str_sub(text, 0, cut), note, NULL));
        assert_true(kube_lines_feed(&lines, str_skip(text, cut), note, NULL));
        assert_string_equal(seen, "<one><two two><><three>");
    }
    fresh_lines(state);
    for (size_t i = 0; i < text.n; i++)
        assert_true(kube_lines_feed(&lines, str_sub(text, i, i + 1), note, NULL));
    assert_string_equal(seen, "<one><two two><><three>");
}

static void lines_above_the_cap(void **state)
{
    (void)state;
    str text = STR("12345678\n123456789\nafter\n0123456789abcdef\nend\n");
    for (size_t cut = 0; cut <= text.n; cut++) {
        fresh_lines(state);
        kube_lines_feed(&lines, str_sub(text, 0, cut), note, NULL);
        kube_lines_feed(&lines, str_skip(text, cut), note, NULL);
        assert_string_equal(seen, "<12345678><after><end>");
        assert_int_equal(lines.skipped, 2);
    }
}

static void lines_stop_and_forget(void **state)
{
    (void)state;
    char stop[] = "b";
    assert_false(kube_lines_feed(&lines, STR("a\nb\nc\n"), note, stop));
    assert_string_equal(seen, "<a><b>");
    kube_lines_feed(&lines, STR("half"), note, NULL);
    kube_lines_clear(&lines);
    kube_lines_feed(&lines, STR("whole\n"), note, NULL);
    assert_string_equal(seen, "<a><b><whole>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_cut_at_every_byte, fresh_lines),
        cmocka_unit_test_setup(lines_above_the_cap, fresh_lines),
        cmocka_unit_test_setup(lines_stop_and_forget, fresh_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
