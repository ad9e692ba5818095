/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static struct arena arena;

static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 1 << 20);
    arena_reset(&arena);
    return 0;
}

static void round_trip(str name, str mark)
{
    str message = claim_message(&arena, name, mark), got_name, got_mark;
    assert_non_null(message.p);
    if (!claim_parse(message, &got_name, &got_mark))
        fail_msg("no claim: %s", message.p);
    assert_true(str_eq(got_name, name));
    assert_true(str_eq(got_mark, mark));
}

static void test_round_trip(void **state)
{
    (void)state;
    static const str names[] = {
        STR_INIT("KubernetesWorker 9c3a"),
        STR_INIT(""),
        STR_INIT("'"),
        STR_INIT("it's"),
        STR_INIT("a' for cluster b"),
        STR_INIT("' for cluster ' for cluster "),
        STR_INIT("Claimed by Kubernetes worker 'x' for cluster y"),
        STR_INIT("\xE6\x97\xA5\xE6\x9C\xAC\n\t\""),
    };
    static const str marks[] = {STR_INIT("x"), STR_INIT("kube-system/4f0e"), STR_INIT("a b"),
                                STR_INIT(" for cluster ")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (size_t k = 0; k < ARRAY_LEN(marks); k++)
            round_trip(names[i], marks[k]);
}

static void test_random_names(void **state)
{
    (void)state;
    static const char pieces[][14] = {"'", " for cluster ", "a", " ", "'' ", "for cluster", "\\'"};
    uint32_t random = 3;
    for (int i = 0; i < 5000; i++) {
        char name[120] = "";
        for (int k = 0; k < 8; k++) {
            random = random * 1664525 + 1013904223;
            strcat(name, pieces[(random >> 8) % ARRAY_LEN(pieces)]);
        }
        fresh(NULL);
        round_trip(str_of(name), STR("mark"));
    }
}

static void test_no_claims(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "Flow run is pending.",
        "Claimed by Kubernetes worker ",
        "Claimed by Kubernetes worker 'x'",
        "Claimed by Kubernetes worker 'x' for cluster ", /* of none */
        "Claimed by Kubernetes worker 'x' for cluster",
        "Claimed by Kubernetes worker x for cluster y",
        "claimed by Kubernetes worker 'x' for cluster y",
        " Claimed by Kubernetes worker 'x' for cluster y",
        "Claimed by Kubernetes worker 'x' for cluster it's", /* a mark has no quote */
    };
    str name, mark;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (claim_parse(str_of(others[i]), &name, &mark))
            fail_msg("\"%s\" is a claim", others[i]);
    assert_false(claim_parse((str){0}, &name, &mark));
}

static void test_without_room(void **state)
{
    (void)state;
    char memory[20];
    struct arena small = arena_over("small", memory, sizeof memory);
    assert_null(claim_message(&small, STR("worker"), STR("mark")).p);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

/* A state of a history. */
#define STATE(type, name, message, at)                      \
    "{\"id\":\"00000000-0000-4000-8000-0000000000" at "\"," \
    "\"type\":\"" type "\",\"name\":\"" name "\","          \
    "\"message\":" message ","                              \
    "\"timestamp\":\"2026-01-01T00:00:" at "Z\",\"state_details\":{}}"
#define OURS "\"Claimed by Kubernetes worker 'w' for cluster abc\""

static bool newest(const char *const *states, struct claim *claim)
{
    struct json history;
    struct err e;
    struct buf list = buf_new(&arena, 2048); /* the claim points into it */
    for (size_t i = 0; states[i]; i++)
        buf_printf(&list, "%c%s", i ? ',' : '[', states[i]);
    buf_put(&list, states[0] ? STR("]") : STR("[]"));
    assert_false(list.full);
    assert_int_equal(json_parse(&arena, buf_str(&list), &history, &e), ERR_NONE);
    return claim_newest(&arena, history, claim);
}

static void the_newest_claim_of_a_history_counts(void **state)
{
    (void)state;
    const char *const history[] = {
        STATE("SCHEDULED", "Scheduled", "null", "01"),
        STATE("PENDING", "Pending", OURS, "02"),
        STATE("PENDING", "Submitting", "null", "03"),
        STATE("CANCELLING", "Cancelling", "null", "04"),
        NULL,
    };
    struct claim claim;
    char id[UUID_TEXT_LEN + 1];
    assert_true(newest(history, &claim));
    assert_string_equal(uuid_format(&claim.state, id).p, "00000000-0000-4000-8000-000000000002");
    assert_true(str_eq(claim.worker_name, STR("w")) && str_eq(claim.cluster_mark, STR("abc")));
    assert_true(claim.at_us > 0);
}

static void a_later_claim_of_somebody_else_wins(void **state)
{
    (void)state;
    const char *const history[] = {
        STATE("PENDING", "Pending", OURS, "02"),
        STATE("SCHEDULED", "AwaitingRetry", "null", "03"),
        STATE("PENDING", "Pending", "null", "04"),
        NULL,
    };
    const char *const submitting[] = {STATE("PENDING", "Submitting", OURS, "02"), NULL};
    const char *const none[] = {NULL};
    struct claim claim;
    assert_false(newest(history, &claim));
    assert_false(newest(submitting, &claim));
    assert_false(newest(none, &claim));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_random_names),
        TEST(test_no_claims),
        TEST(test_without_room),
        TEST(the_newest_claim_of_a_history_counts),
        TEST(a_later_claim_of_somebody_else_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
