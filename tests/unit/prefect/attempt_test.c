/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "prefect/attempt.h"

/* What follows from an outcome: the rules one by one. */

enum { SAFE = PREFECT_REPEAT_SAFE, UNSENT = PREFECT_REPEAT_UNSENT, NEVER = PREFECT_REPEAT_NEVER };

static struct http_reply status(int code)
{
    return (struct http_reply){
        .kind = err_kind_of_status(code), .status = code, .retry_after_ms = -1, .connected = true};
}

static struct http_reply transport(bool connected, bool refused)
{
    return (struct http_reply){
        .kind = ERR_RETRY, .retry_after_ms = -1, .connected = connected, .refused = refused};
}

static struct prefect_attempt attempt(int repeat)
{
    return (struct prefect_attempt){
        .repeat = (enum prefect_repeat)repeat, .max_retries = 5, .reached = true};
}

static bool again(int repeat, struct http_reply reply)
{
    struct prefect_attempt a = attempt(repeat);
    return prefect_attempt_judge(&a, &reply).again;
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool safe, unsent;
    } cases[] = {
        {400, false, false}, {401, false, false}, {403, false, false}, {404, false, false},
        {408, true, false},  {409, false, false}, {422, false, false}, {429, true, true},
        {500, false, false}, {502, true, false},  {503, true, true},   {504, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(again(SAFE, status(cases[i].status)), cases[i].safe);
        assert_int_equal(again(UNSENT, status(cases[i].status)), cases[i].unsent);
        assert_false(again(NEVER, status(cases[i].status)));
    }
    static const int extra[] = {500, 418};
    struct prefect_attempt a = attempt(SAFE);
    a.extra_codes = extra;
    a.extra_code_count = 2;
    struct http_reply r = status(418);
    assert_true(prefect_attempt_judge(&a, &r).again);
}

static void transport_faults(void **state)
{
    (void)state;
    assert_true(again(SAFE, transport(true, false)));
    assert_false(again(UNSENT, transport(true, false)));
    assert_true(again(UNSENT, transport(false, true)));
    assert_false(again(NEVER, transport(false, true)));
    struct prefect_attempt a = attempt(SAFE);
    a.reached = false;
    struct http_reply r = transport(false, true);
    assert_false(prefect_attempt_judge(&a, &r).again);
    r = transport(false, false); /* a timeout is tried again before the first success too */
    assert_true(prefect_attempt_judge(&a, &r).again);
    a.streamed = true;
    assert_false(prefect_attempt_judge(&a, &r).again);
    r = (struct http_reply){.kind = ERR_LIMIT, .status = 200, .connected = true};
    assert_false(again(SAFE, r));
    r = (struct http_reply){.kind = ERR_RETRY, .status = 200, .connected = true};
    assert_true(again(SAFE, r)); /* cut in the middle of its body */
    assert_false(again(UNSENT, r));
}

static void delays_double_and_end(void **state)
{
    (void)state;
    static const int64_t delays_ms[] = {2000, 4000, 8000, 16000, 32000};
    struct prefect_attempt a = attempt(SAFE);
    struct http_reply r = status(503);
    for (int i = 0; i < 5; i++) {
        struct prefect_step step = prefect_attempt_judge(&a, &r);
        assert_true(step.again);
        assert_int_equal(step.delay_ms, delays_ms[i]);
        a.tries = step.tries;
    }
    assert_false(prefect_attempt_judge(&a, &r).again);
    a.tries = 0;
    a.jitter_factor = 0.2;
    for (int i = 0; i < 200; i++) {
        int64_t ms = prefect_attempt_judge(&a, &r).delay_ms;
        assert_in_range(ms, 1648, 2400);
    }
    r.retry_after_ms = 1000;
    for (int i = 0; i < 200; i++)
        assert_in_range(prefect_attempt_judge(&a, &r).delay_ms, 1000, 1200);
    r.retry_after_ms = 0;
    assert_int_equal(prefect_attempt_judge(&a, &r).delay_ms, 0);
    a.jitter_factor = 0;
    r.retry_after_ms = INT64_MAX;
    assert_int_equal(prefect_attempt_judge(&a, &r).delay_ms, PREFECT_RETRY_AFTER_MAX_MS);
}

static void maintenance_is_free(void **state)
{
    (void)state;
    struct prefect_attempt a = attempt(SAFE);
    a.max_retries = 0;
    struct http_reply r = status(503);
    r.maintenance = true;
    struct prefect_step step = prefect_attempt_judge(&a, &r);
    assert_true(step.again && step.maintenance);
    assert_int_equal(step.tries, 0);
    assert_int_equal(step.delay_ms, 1000);
}

static void refused_tokens(void **state)
{
    (void)state;
    struct http_reply r = status(403);
    r.body = STR("{\"detail\":\"Invalid CSRF token or client identifier.\"}");
    struct prefect_attempt a = attempt(UNSENT);
    struct prefect_step step = prefect_attempt_judge(&a, &r);
    assert_true(step.again && step.token_refused);
    a.repeat = PREFECT_REPEAT_NEVER;
    step = prefect_attempt_judge(&a, &r);
    assert_true(!step.again && step.token_refused);
}

static void lost_replies(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool lost;
    } cases[] = {{200, false}, {404, false}, {408, true},  {429, false},
                 {500, false}, {502, true},  {503, false}, {504, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply r = status(cases[i].status);
        r.connected = r.status >= 400;
        assert_int_equal(prefect_attempt_lost(&r), cases[i].lost);
    }
    struct http_reply r = transport(true, false);
    assert_true(prefect_attempt_lost(&r));
    r = transport(false, true);
    assert_false(prefect_attempt_lost(&r));
}

static void details_of_errors(void **state)
{
    (void)state;
    static const struct {
        const char *body, *type, *want;
    } cases[] = {
        {"{\"detail\":\"no such\\nthing\"}", "application/json", "x: no such thing"},
        {"{\"detail\":[{\"loc\":[\"body\",\"name\",0],\"msg\":\"Field required\"}]}", "",
         "x: body.name.0: Field required"},
        {"{\"exception_message\":\"Invalid request received.\",\"exception_detail\":[{\"loc\":"
         "[\"body\"],\"msg\":\"bad\"}]}",
         "", "x: body: bad"},
        {"{\"exception_message\":\"Internal\"}", "", "x: Internal"},
        {"no json", "text/html", "x"},
        {"upstream is away\n", "text/plain; charset=utf-8", "x: upstream is away"},
        {"", "", "x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply r = status(422);
        r.body = str_of(cases[i].body);
        r.content_type = str_of(cases[i].type);
        r.arena = &arena;
        err_set(&r.err, ERR_INVALID, "x");
        prefect_reply_error(&r, &error);
        assert_string_equal(error.text, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(statuses),
        TEST(transport_faults),
        TEST(delays_double_and_end),
        TEST(maintenance_is_free),
        TEST(refused_tokens),
        TEST(lost_replies),
        TEST(details_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
