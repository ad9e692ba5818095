/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/resource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena arena;

static const char *id_of(const char *name)
{
    str id = resource_of_worker(&arena, str_of(name));
    assert_non_null(id.p);
    return id.p;
}

static void names_become_slugs(void **state)
{
    (void)state;
    assert_string_equal(id_of("w"), "prefect.worker.kubernetes.w");
    assert_string_equal(id_of("KubernetesWorker 0f-1"),
                        "prefect.worker.kubernetes.kubernetesworker-0f-1");
    assert_string_equal(id_of("Zoë's worker_2"), "prefect.worker.kubernetes.zoe-s-worker-2");
    assert_string_equal(id_of(""), "prefect.worker.kubernetes.");
}

/* The longest kept, of letters that become several. */
static void long_names_are_cut(void **state)
{
    (void)state;
    enum { LONG = 3000 };
    static char name[LONG + 1];
    for (size_t i = 0; i + 3 <= LONG; i += 3)
        memcpy(name + i, "\xe5\xbc\xa0", 3); /* "Zhang": six bytes with the dash */
    const char *id = id_of(name);
    assert_true(strlen(id) > 500 && strlen(id) < LONG);
    assert_non_null(strstr(id, "zhang"));
}

static void a_full_arena_gives_nothing(void **state)
{
    (void)state;
    char memory[16];
    struct arena small = arena_over("small", memory, sizeof memory);
    assert_null(resource_of_worker(&small, STR("worker")).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_slugs),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(a_full_arena_gives_nothing),
    };
    arena_reserve(&arena, "test", 1 << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
