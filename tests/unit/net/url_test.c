/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static void urls_in_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *userinfo, *host, *path;
        int port;
        bool https, port_given;
    } cases[] = {
        {"http://a", "", "a", "", 80, false, false},
        {"HTTPS://a.example/", "", "a.example", "/", 443, true, false},
        {"http://a:81/b?c=http://d@e", "", "a", "/b?c=http://d@e", 81, false, true},
        {"http://a?b", "", "a", "?b", 80, false, false},
        {"http://u:p@a:81", "u:p", "a", "", 81, false, true},
        {"http://u%40x@[::1]/", "u%40x", "::1", "/", 80, false, false},
        {"https://[fd00::1]:6443/api", "", "fd00::1", "/api", 6443, true, true},
        {"http://10.0.0.1:65535", "", "10.0.0.1", "", 65535, false, true},
        {"http://my_service.ns-1.svc", "", "my_service.ns-1.svc", "", 80, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url url;
        struct err e = {0};
        if (url_parse(str_of(cases[i].text), &url, &e))
            fail_msg("%s: %s", cases[i].text, e.text);
        assert_true(str_eq(url.userinfo, str_of(cases[i].userinfo)));
        assert_true(str_eq(url.host, str_of(cases[i].host)));
        assert_true(str_eq(url.path, str_of(cases[i].path)));
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.https, cases[i].https);
        assert_int_equal(url.port_given, cases[i].port_given);
    }
}

static void what_is_no_url(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "a",
        "a.example/b",
        "ftp://a",
        "://a",
        "http:/a",
        "http://",
        "http:///b",
        "http://:81",
        "http://a:",
        "http://a:0",
        "http://a:65536",
        "http://a:-1",
        "http://a:8x",
        "http://a b",
        "http://a\\b",
        "http://a\tb",
        "http://[::1",
        "http://[::1]x",
        "http://[1.2.3.4]",
        "http://[]",
        "http://a,b",
        "http://a%2fb",
        "http://u@v@a",
        "http://u\"v@a",
        "http://\xc3\xa4",
        "http://::1",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url url;
        struct err e = {0};
        if (url_parse(str_of(cases[i]), &url, &e) != ERR_INVALID)
            fail_msg("'%s' was taken", cases[i]);
        assert_true(e.text[0] != '\0');
    }
    char too_long[400] = "http://";
    memset(too_long + 7, 'a', 300);
    struct url url;
    struct err e;
    assert_int_equal(url_parse(str_of(too_long), &url, &e), ERR_INVALID);
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://a/x", "http://A:80/y", true}, {"https://a", "https://a:443", true},
        {"http://a", "https://a", false},      {"http://a", "http://b", false},
        {"http://a", "http://a:81", false},    {"http://u@a", "http://a", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url a, b;
        struct err e;
        assert_int_equal(url_parse(str_of(cases[i].a), &a, &e), ERR_NONE);
        assert_int_equal(url_parse(str_of(cases[i].b), &b, &e), ERR_NONE);
        assert_int_equal(url_same_origin(&a, &b), cases[i].same);
    }
}

static void hosts_as_text_and_addresses(void **state)
{
    (void)state;
    struct url url;
    struct err e;
    char text[264];
    uint8_t bytes[16];
    assert_int_equal(url_parse(STR("http://[::1]:81/"), &url, &e), ERR_NONE);
    assert_true(str_eq(url_host_text(&url, text), STR("[::1]")));
    assert_int_equal(url_address(url.host, bytes), 16);
    assert_int_equal(bytes[15], 1);
    assert_int_equal(url_address(STR("1.2.3.4"), bytes), 4);
    assert_memory_equal(bytes, "\1\2\3\4", 4);
    assert_int_equal(url_address(STR("::ffff:1.2.3.4"), bytes), 16);
    static const char *const none[] = {"",          "a",         "1.2.3", "1.2.3.4.5",
                                       "1.2.3.256", "01.2.3.4x", "1",     "::g"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(url_address(str_of(none[i]), bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_in_parts),
        cmocka_unit_test(what_is_no_url),
        cmocka_unit_test(origins),
        cmocka_unit_test(hosts_as_text_and_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
