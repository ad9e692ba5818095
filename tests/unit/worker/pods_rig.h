/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_WORKER_PODS_RIG_H
#define TESTS_UNIT_WORKER_PODS_RIG_H

/* Pods for tests, from the JSON of their status. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/limits.h"
#include "kube/job.h"
#include "kube/pod.h"

#define POD_UID "aaaaaaaa-0000-0000-0000-000000000001"

static struct arena arena;

UNUSED static int fresh(void **state)
{
    (void)state;
    if (!arena.base)
        arena_reserve(&arena, "test", 16 * MIB);
    arena_reset(&arena);
    return 0;
}

static struct kube_pod read_pod(const char *text)
{
    struct kube_pod pod;
    struct err e;
    if (kube_pod_read(&arena, str_of(text), &pod, &e) != ERR_NONE)
        fail_msg("%s: %s", e.text, text);
    return pod;
}

UNUSED static struct kube_pod pod_with(const char *status)
{
    return read_pod(
        str_printf(&arena,
                   "{\"metadata\": {\"name\": \"pod-x\", \"namespace\": \"ns\", \"uid\": "
                   "\"" POD_UID "\", \"creationTimestamp\": \"2024-05-06T07:08:09Z\"}, "
                   "\"spec\": {\"nodeName\": \"node-1\"}, \"status\": %s}",
                   status)
            .p);
}

UNUSED static void assert_has(str text, const char *part)
{
    if (!str_has(text, str_of(part)))
        fail_msg("\"%s\" is not in \"" STR_FMT "\"", part, STR_ARG(text));
}

#endif
