/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml_scalar.h"

#include "support.h"

static void test_types(void **state)
{
    (void)state;
    static const struct {
        enum yaml_scalar type;
        const char *words[24];
    } cases[] = {
        {YAML_NULL, {"", "~", "null", "Null", "NULL"}},
        {YAML_BOOL, {"yes", "No", "TRUE", "false", "on", "Off", "OFF"}},
        {YAML_INT,
         {"0", "-0", "+12", "1_000", "0x1F", "-0b1_0", "017", "0_", "1:30", "0x_", "12:59:59"}},
        {YAML_FLOAT,
         {"1.", "1.5", "-1_0.5", ".5", "1.5e+3", "1.E-3", "1:30.5", "0:0.", "-.inf", ".NaN"}},
        {YAML_TEXT, {"a",     "y",   "N",          "yEs",  "nULL", "08", "0o17", "1e3",
                     "1.5e3", "-.5", "+.nan",      "1:60", "0:30", "_1", "._5",  "1:2:",
                     "0b2",   "0xg", "2024-01-02", "<<",   "=",    ".",  "-",    "+"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < 24 && cases[i].words[k]; k++)
            if (yaml_scalar_type(str_of(cases[i].words[k])) != cases[i].type)
                fail_msg("%s is of another type", cases[i].words[k]);
}

static void test_bools(void **state)
{
    (void)state;
    bool value = false;
    assert_true(yaml_scalar_bool(STR("yEs"), &value) && value);
    assert_true(yaml_scalar_bool(STR("oFF"), &value) && !value);
    assert_false(yaml_scalar_bool(STR("y"), &value));
}

static void check_number(const char *text, const char *literal)
{
    str got;
    if (yaml_scalar_number(&arena, str_of(text), &got, &error))
        fail_msg("%s: %s", text, error.text);
    if (!str_eq(got, str_of(literal)))
        fail_msg("%s is " STR_FMT ", not %s", text, STR_ARG(got), literal);
}

static void test_numbers(void **state)
{
    (void)state;
    check_number("-0", "0");
    check_number("+1_000", "1000");
    check_number("-12345678901234567890123", "-12345678901234567890123");
    check_number("-0x1f", "-31");
    check_number("0_17", "15");
    check_number("-1:30", "-90");
    check_number("-1:30.5", "-90.5");
    check_number("1_0.5e+1", "105.0");
    str got;
    assert_error(yaml_scalar_number(&arena, STR("-.Inf"), &got, &error), ERR_INVALID, "-.Inf");
    assert_error(yaml_scalar_number(&arena, STR("1.0e+999"), &got, &error), ERR_INVALID, "JSON");
    assert_error(yaml_scalar_number(&arena, STR("0x_"), &got, &error), ERR_INVALID, "no digits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_types),
        TEST(test_bools),
        TEST(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
