/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_usual_form),
        TEST(other_forms),
        TEST(bookmarks_and_errors),
        TEST(broken_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
