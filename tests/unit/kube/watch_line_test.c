/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "format/support.h"

#include "kube/lines.h"
#include "kube/watch_line.h"

static struct kube_watch_line read_line(const char *text)
{
    struct kube_watch_line line;
    if (kube_watch_line_read(&arena, str_of(text), &line, &error))
        fail_msg("%s", error.text);
    return line;
}

static void the_usual_form(void **state)
{
    (void)state;
    struct kube_watch_line l = read_line(
        "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"}\\\"{\","
        "\"labels\":{\"resourceVersion\":\"1\"},\"resourceVersion\":\"77\"},\"x\":[1,{\"a\":"
        "true}]}}");
    assert_int_equal(l.type, KUBE_LINE_ADDED);
    assert_str(l.resource_version, "77");
    assert_true(str_starts(l.object, STR("{\"kind\"")));
    assert_true(str_ends(l.object, STR("[1,{\"a\":true}]}")));
    assert_int_equal(arena.used, 0); /* nothing was copied or tokenised */
}

static void other_forms(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}},\"type\":\"DELETED\"}",
        " { \"type\" : \"DELETED\" , \"object\" : { \"metadata\" : { \"resourceVersion\" : \"7\" } "
        "} }\r",
        "{\"extra\":[1,2,\"]\"],\"type\":\"DELETED\",\"object\":{\"metadata\":{"
        "\"resourceVersion\":\"7\"}}}",
        "{\"\\u0074ype\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}",
        "{\"type\":\"DELETED\",\"object\":{\"m\\u0065tadata\":{\"resourceVersion\":\"7\"}}}",
        "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"\\u0037\"}}}",
        "{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":{\"metadata\":{"
        "\"resourceVersion\":\"7\"}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct kube_watch_line l = read_line(lines[i]);
        assert_int_equal(l.type, KUBE_LINE_DELETED);
        assert_str(l.resource_version, "7");
        assert_true(str_starts(l.object, STR("{")) && str_ends(l.object, STR("}")));
    }
    assert_int_equal(read_line("{\"type\":\"NEW\",\"object\":{}}").type, KUBE_LINE_OTHER);
    assert_int_equal(read_line("{\"type\":\"ADDED\",\"object\":{}}").resource_version.n, 0);
}

static void bookmarks_and_errors(void **state)
{
    (void)state;
    struct kube_watch_line l =
        read_line("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\","
                  "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}");
    assert_int_equal(l.type, KUBE_LINE_BOOKMARK);
    assert_true(l.initial_events_end);
    assert_str(l.resource_version, "9");
    l = read_line("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}");
    assert_false(l.initial_events_end);
    l = read_line("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":"
                  "\"Expired\",\"message\":\"too old\",\"metadata\":{}}}");
    assert_int_equal(l.type, KUBE_LINE_ERROR);
    assert_int_equal(l.status.code, 410);
    assert_str(l.status.reason, "Expired");
}

static void broken_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{",
        "[]",
        "null",
        "{\"type\":\"ADDED\"}",
        "{\"type\":\"ADDED\",\"object\":[]}",
        "{\"type\":1,\"object\":{}}",
        "{\"type\":\"ADDED\",\"object\":{}",
        "nonsense",
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"},x}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct kube_watch_line l;
        assert_int_equal(kube_watch_line_read(&arena, str_of(lines[i]), &l, &error), ERR_INVALID);
    }
}

/* ---- lines --------------------------------------------------------------------------------- */

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
        TEST(the_usual_form),
        TEST(other_forms),
        TEST(bookmarks_and_errors),
        TEST(broken_lines),
        cmocka_unit_test_setup(lines_cut_at_every_byte, fresh_lines),
        cmocka_unit_test_setup(lines_above_the_cap, fresh_lines),
        cmocka_unit_test_setup(lines_stop_and_forget, fresh_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
