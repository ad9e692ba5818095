/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_WORKER_WHY_RIG_H
#define UNIT_WORKER_WHY_RIG_H

/* Replies of both APIs as texts, and the answer to them. */

#include "format/support.h"

#include "base/time.h"
#include "worker/why.h"

#define RUN_ID "11111111-2222-4333-8444-555555555555"
#define STATE(type, name, message)                                                              \
    "{\"id\":\"" RUN_ID "\",\"type\":\"" type "\",\"name\":\"" name "\",\"message\":\"" message \
    "\",\"timestamp\":\"2026-01-02T03:00:00Z\",\"state_details\":{}}"
#define RUN(type, name, message, more)                                                         \
    "{\"id\":\"" RUN_ID "\",\"name\":\"fox\",\"work_pool_name\":\"pool\",\"work_queue_name\":" \
    "\"default\",\"state\":" STATE(type, name, message) more "}"
#define META(name)                                                                              \
    "\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"" RUN_ID "\","          \
    "\"creationTimestamp\":\"2026-01-02T03:00:10Z\",\"labels\":{\"kueue.x-k8s.io/queue-name\":" \
    "\"batch\"}}"
#define LIST(items) "{\"items\":[" items "]}"
#define JOB(spec, status) LIST("{" META("job") ",\"spec\":{" spec "},\"status\":{" status "}}")
#define POD(status) LIST("{" META("pod") ",\"spec\":{\"nodeName\":\"n1\"},\"status\":{" status "}}")

static struct why_facts f;
UNUSED static struct why_answer answer;

/* A minute and a half after everything that the texts say. */
static void begin_with(const char *run)
{
    int64_t now_us;
    assert_true(time_parse_rfc3339(STR("2026-01-02T03:01:40Z"), &now_us));
    why_begin(&f, now_us);
    if (why_take_run(&arena, str_of(run), &f, &error))
        fail_msg("%s", error.text);
}

/* The cause, and a part of the paragraph. */
UNUSED static void assert_answer(const char *cause, const char *part)
{
    why_compose(&arena, &f, &answer);
    assert_string_equal(answer.cause, cause);
    if (!str_has(answer.text, str_of(part)))
        fail_msg("'%s' is not in: " STR_FMT, part, STR_ARG(answer.text));
    assert_true(str_has(answer.text, STR("Flow run 'fox'")));
}

#endif
