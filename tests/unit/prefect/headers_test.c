/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "prefect/headers.h"

static struct prefect_headers headers;

static enum err_kind init(const char *key, const char *auth, const char *custom)
{
    return prefect_headers_init(&headers, &arena, str_of(key), str_of(auth), str_of(custom),
                                &error);
}

/* "Name: value\n" of each header. */
static const char *listed(struct prefect_header_options options)
{
    struct http_header list[HTTP_HEADERS_MAX];
    size_t n = prefect_headers_list(&headers, &options, list);
    struct buf b = buf_new(&arena, 8192);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, STR_FMT ": " STR_FMT "\n", STR_ARG(list[i].name), STR_ARG(list[i].value));
    buf_byte(&b, '\0');
    return b.p;
}

static void the_fixed_ones(void **state)
{
    (void)state;
    assert_int_equal(init("", "", ""), ERR_NONE);
    assert_string_equal(listed((struct prefect_header_options){0}),
                        "User-Agent: prefect/3.8.8 (API 0.8.4)\nX-PREFECT-API-VERSION: 0.8.4\n");
    assert_int_equal(init("k", "", ""), ERR_NONE);
    headers.worker_name = STR("w");
    assert_string_equal(
        listed((struct prefect_header_options){
            .body = true, .csrf_token = STR("t"), .csrf_client = STR("c")}),
        "User-Agent: prefect/3.8.8 (API 0.8.4)\nX-PREFECT-API-VERSION: 0.8.4\n"
        "Content-Type: application/json\nAuthorization: Bearer k\nX-Prefect-Worker-Name: w\n"
        "Prefect-Csrf-Token: t\nPrefect-Csrf-Client: c\n");
}

static void the_auth_string_wins(void **state)
{
    (void)state;
    assert_int_equal(init("key", "a:b", ""), ERR_NONE);
    assert_str(headers.authorization, "Basic YTpi");
}

static void configured_ones_replace(void **state)
{
    (void)state;
    assert_int_equal(init("key", "",
                          "{\"AUTHORIZATION\": \"x\", \"X-A\": \" 1 \", \"x-a\": \"2\", "
                          "\"content-length\": \"9\", \"Prefect-Csrf-Client\": \"no\"}"),
                     ERR_NONE);
    assert_string_equal(listed((struct prefect_header_options){0}),
                        "User-Agent: prefect/3.8.8 (API 0.8.4)\nX-PREFECT-API-VERSION: 0.8.4\n"
                        "AUTHORIZATION: x\nx-a: 2\n");
}

static void too_many(void **state)
{
    (void)state;
    struct buf b = buf_new(&arena, 4096);
    buf_cstr(&b, "{");
    for (int i = 0; i <= PREFECT_HEADERS_MAX; i++)
        buf_printf(&b, "%s\"x-%d\":\"v\"", i ? "," : "", i);
    buf_cstr(&b, "}");
    buf_byte(&b, '\0');
    assert_error(init("", "", b.p), ERR_LIMIT, "more than 12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_fixed_ones),
        TEST(the_auth_string_wins),
        TEST(configured_ones_replace),
        TEST(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
