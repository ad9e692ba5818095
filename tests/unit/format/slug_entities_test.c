/* SPDX-License-Identifier: Apache-2.0 */
#include "format/slug_entities.h"

#include "support.h"

static str named(str text)
{
    struct buf out = buf_new(&arena, 1024);
    slug_entities_named(&out, text);
    return buf_str(&out);
}

static str numeric(str text, int base)
{
    struct buf out = buf_new(&arena, 16 * KIB);
    slug_entities_numeric(&out, text, base);
    return buf_str(&out);
}

static void names_are_decoded(void **state)
{
    (void)state;
    assert_str(named(STR("&lt;a&gt; &amp; &quot;b&quot;")), "<a> & \"b\"");
    assert_str(named(STR("&thetasym;&eacute;&euro;")), "\xcf\x91\xc3\xa9\xe2\x82\xac");
    assert_str(named(STR("&Eacute;&eacute;")), "\xc3\x89\xc3\xa9");
}

static void what_is_no_name_stays(void **state)
{
    (void)state;
    assert_str(named(STR("&;&amp&unknown;&thetasyms;& amp;")), "&;&amp&unknown;&thetasyms;& amp;");
    assert_str(named(STR("&&amp;;")), "&&;");
    assert_str(named(STR("&")), "&");
    assert_str(named(STR("")), "");
}

static void numbers_are_decoded(void **state)
{
    (void)state;
    assert_str(numeric(STR("&#65;&#0066;x"), 10), "ABx");
    assert_str(numeric(STR("&#x41;&#x00e9;&#x1F600;"), 16), "A\xc3\xa9\xf0\x9f\x98\x80");
    assert_str(numeric(STR("&#65;"), 16), "&#65;");
    assert_str(numeric(STR("&#X41;&#;&#x;&#65"), 16), "&#X41;&#;&#x;&#65");
}

static void one_that_is_no_character_stops_all(void **state)
{
    (void)state;
    assert_str(numeric(STR("&#65;&#1114112;"), 10), "&#65;&#1114112;");
    assert_str(numeric(STR("&#65;&#1114111;"), 10), "A\xf4\x8f\xbf\xbf");
    assert_str(numeric(STR("&#x41;&#xFFFFFFFFFFFF;"), 16), "&#x41;&#xFFFFFFFFFFFF;");
    /* A surrogate is a character to Python. */
    assert_str(numeric(STR("&#x41;&#xD800;"), 16), "A\xef\xbf\xbd");
}

static void too_many_digits_are_no_number(void **state)
{
    (void)state;
    /* Leading zeros, then 65: Python's int() takes 4300 digits. */
    for (int digits = 4298; digits <= 4302; digits++) {
        struct buf text = buf_new(&arena, 8 * KIB);
        buf_printf(&text, "&#%0*d;", digits, 65);
        assert_int_equal(numeric(buf_str(&text), 10).n, digits <= 4300 ? 1 : text.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_decoded),
        TEST(what_is_no_name_stays),
        TEST(numbers_are_decoded),
        TEST(one_that_is_no_character_stops_all),
        TEST(too_many_digits_are_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
