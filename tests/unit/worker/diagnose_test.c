/* SPDX-License-Identifier: Apache-2.0 */
/* Categories beside the Python worker's: tests/golden/diagnose/generate.py. Run from the root of
 * the repository. */
#include "worker/diagnose.h"

#include "base/file.h"
#include "pods_rig.h"

#define CASES "tests/golden/diagnose/cases.json"
#define CASES_MAX 1000

/* -- golden */

struct golden {
    struct json status;
    bool diagnosed;
    str category, level;
    int64_t group; /* the Python worker logs the cases of a group once */
    uint64_t key;
};

static struct golden cases[CASES_MAX];
static size_t cases_count;
static struct arena kept;

static int read_cases(void **state)
{
    (void)state;
    struct json root;
    struct err e;
    str text;
    arena_reserve(&kept, "cases", 16 * MIB);
    if (file_read(&kept, CASES, 4 * MIB, &text, &e) || json_parse(&kept, text, &root, &e)) {
        print_error("%s\n", e.text);
        return 1;
    }
    for (struct json_iter it = json_each(root); json_next(&it);) {
        struct golden *g = &cases[cases_count++];
        g->status = json_get(it.value, STR("status"));
        g->category = json_str(&kept, json_get(it.value, STR("category")));
        g->level = json_str(&kept, json_get(it.value, STR("level")));
        g->diagnosed = json_i64(json_get(it.value, STR("group")), &g->group);
    }
    return cases_count < 100 || cases_count == CASES_MAX;
}

static struct kube_pod pod_of(const struct golden *g)
{
    return pod_with(str_copy(&arena, json_raw(g->status)).p);
}

static void test_categories(void **state)
{
    (void)state;
    for (size_t i = 0; i < cases_count; i++) {
        struct golden *g = &cases[i];
        struct diagnosis d = {0};
        arena_reset(&arena);
        struct kube_pod pod = pod_of(g);
        bool found = diagnose_pod(&arena, &pod, &d);
        if (!g->diagnosed) { /* ours has further causes, which have no category */
            if (found && d.category)
                fail_msg("case %zu is %s, but is nothing", i, d.category);
            continue;
        }
        if (!found || !d.category || !str_eq(str_of(d.category), g->category))
            fail_msg("case %zu is %s, not " STR_FMT, i, d.category ? d.category : "nothing",
                     STR_ARG(g->category));
        assert_int_equal(d.level, str_eq(g->level, STR("error")) ? LOG_ERROR : LOG_WARNING);
        assert_string_equal(d.cause, d.category);
        assert_true(d.text.n > 40 && d.key != 0);
        assert_int_equal(str_find_char(d.text, '\n'), -1);
        g->key = d.key;
    }
}

/* Never more lines than the Python worker: what it takes for one cause has one key here. Of nodes
 * that can't take a pod each cause has its own. */
static void test_keys(void **state)
{
    (void)state;
    size_t same = 0;
    for (size_t i = 0; i < cases_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct golden *a = &cases[i], *b = &cases[k];
            if (!a->diagnosed || !b->diagnosed)
                continue;
            if (a->group == b->group && a->key != b->key)
                fail_msg("cases %zu and %zu are one cause", k, i);
            same += a->group == b->group;
            bool scheduling =
                str_starts(a->category, STR("Unschedulable")) || !str_eq(a->category, b->category);
            if (a->group != b->group && scheduling && a->key == b->key)
                fail_msg("cases %zu and %zu are two causes", k, i);
        }
    assert_true(same > 100);
}

/* -- by hand */

static struct diagnosis diagnosed(const char *status)
{
    struct diagnosis d = {0};
    struct kube_pod pod = pod_with(status);
    if (!diagnose_pod(&arena, &pod, &d))
        fail_msg("nothing is wrong with %s", status);
    return d;
}

#define WAITING(reason, message)                                                           \
    "{\"containerStatuses\": [{\"name\": \"main\", \"state\": {\"waiting\": {\"reason\": " \
    "\"" reason "\", \"message\": \"" message "\"}}}]}"

static void test_further_causes(void **state)
{
    (void)state;
    static const char *const reasons[] = {"InvalidImageName",     "ErrImageNeverPull",
                                          "CreateContainerError", "CreateContainerConfigError",
                                          "RunContainerError",    "StartError"};
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        str status = str_printf(&arena,
                                "{\"initContainerStatuses\": [{\"name\": \"main\", \"state\": "
                                "{\"waiting\": {\"reason\": \"%s\", \"message\": \"because\"}}}]}",
                                reasons[i]);
        struct diagnosis d = diagnosed(status.p);
        assert_null(d.category);
        assert_string_equal(d.cause, reasons[i]);
        assert_has(d.text, "'main'");
        assert_has(d.text, "because");
    }
    struct diagnosis d = diagnosed("{\"reason\": \"NodeLost\", \"message\": \"gone\"}");
    assert_null(d.category);
    assert_has(d.text, "node-1");
    assert_has(d.text, "gone");
    d = diagnosed(
        "{\"conditions\": [{\"type\": \"DisruptionTarget\", \"status\": \"True\", \"reason\":"
        " \"PreemptionByScheduler\", \"message\": \"a more important pod\"}]}");
    assert_null(d.category);
    assert_has(d.text, "PreemptionByScheduler");
    assert_has(d.text, "a more important pod");
}

/* A cause with a category wins over ours, wherever it stands. */
static void test_order(void **state)
{
    (void)state;
    struct diagnosis d = diagnosed("{\"reason\": \"Evicted\", \"containerStatuses\": [{\"name\": "
                                   "\"a\", \"state\": {\"waiting\": "
                                   "{\"reason\": \"InvalidImageName\"}}}]}");
    assert_string_equal(d.category, "Evicted");
}

static void test_text_quotes_kubernetes(void **state)
{
    (void)state;
    struct diagnosis d = diagnosed(WAITING("ErrImagePull", "no such host registry.example"));
    assert_has(d.text, "'main'");
    assert_has(d.text, "no such host registry.example");
    d = diagnosed(
        "{\"containerStatuses\": [{\"state\": {\"terminated\": {\"reason\": \"OOMKilled\", "
        "\"exitCode\": 137}}}]}");
    assert_has(d.text, "<unknown>");
    assert_has(d.text, "137");
    assert_has(d.text, "node-1");
    assert_has(d.text, "no limit");
}

static void test_oom_names_the_limit(void **state)
{
    (void)state;
    struct diagnosis d;
    struct kube_pod pod = read_pod(
        "{\"metadata\": {\"name\": \"p\", \"uid\": \"" POD_UID "\"}, \"spec\": {\"containers\": "
        "[{\"name\": \"main\", \"resources\": {\"limits\": {\"memory\": \"64Mi\"}}}]}, \"status\": "
        "{\"containerStatuses\": [{\"name\": \"main\", \"state\": {\"terminated\": {\"reason\": "
        "\"OOMKilled\", \"exitCode\": 137}}}]}}");
    assert_true(diagnose_pod(&arena, &pod, &d));
    assert_has(d.text, "limit 64Mi");
}

static void test_numbers_do_not_change_the_key(void **state)
{
    (void)state;
    struct diagnosis a = diagnosed(WAITING("CrashLoopBackOff", "back-off 10s restarting")),
                     b = diagnosed(WAITING("CrashLoopBackOff", "back-off 5m20s restarting")),
                     c = diagnosed(WAITING("CrashLoopBackOff", "back-off 40s restarting"));
    assert_true(a.key == c.key);
    assert_true(a.key != b.key); /* "5m" has a letter more */
    /* an image that is tried again and again changes between its two reasons */
    a = diagnosed(WAITING("ErrImagePull", "no such image"));
    b = diagnosed(WAITING("ImagePullBackOff", "Back-off pulling"));
    assert_true(a.key == b.key);
    assert_true(a.key != diagnosed("{\"containerStatuses\": [{\"name\": \"other\", \"state\": "
                                   "{\"waiting\": {\"reason\": \"ErrImagePull\"}}}]}")
                             .key);
}

/* -- the end of a Job */

static struct kube_job job_of(const char *conditions)
{
    struct kube_job job;
    struct err e;
    str text =
        str_printf(&arena,
                   "{\"metadata\": {\"name\": \"job-x\", \"namespace\": \"ns\", \"uid\": \"" POD_UID
                   "\"}, \"spec\": {}, \"status\": {\"conditions\": %s}}",
                   conditions);
    if (kube_job_read(&arena, text, &job, &e) != ERR_NONE)
        fail_msg("%s", e.text);
    return job;
}

#define FAILED(reason)                                                    \
    "[{\"type\": \"Failed\", \"status\": \"True\", \"reason\": \"" reason \
    "\", \"message\": \"why\"}]"

#define ENDED(name, code, reason, at)                                           \
    "{\"name\": \"" name "\", \"state\": {\"terminated\": {\"exitCode\": " code \
    ", \"reason\": \"" reason "\", \"finishedAt\": \"2024-05-06T07:" at "Z\"}}}"

static void test_guilty_container(void **state)
{
    (void)state;
    struct kube_container guilty;
    struct kube_pod pod =
        pod_with("{\"containerStatuses\": [" ENDED("first", "1", "Error", "10:00") ", " ENDED(
            "last", "2", "Error", "12:00") ", " ENDED("fine", "0", "Completed", "13:00") "]}");
    assert_true(diagnose_guilty_container(&arena, &pod, &guilty));
    assert_true(str_eq(guilty.name, STR("last")));
    pod = pod_with("{\"containerStatuses\": [" ENDED("fine", "0", "Completed", "13:00") "]}");
    assert_false(diagnose_guilty_container(&arena, &pod, &guilty));
    pod = pod_with("{\"initContainerStatuses\": [" ENDED("init", "3", "Error", "10:00") "]}");
    assert_true(diagnose_guilty_container(&arena, &pod, &guilty));
    assert_true(guilty.init);
    assert_int_equal(guilty.exit_code, 3);
}

static void test_failure(void **state)
{
    (void)state;
    struct kube_job limit = job_of(FAILED("BackoffLimitExceeded")),
                    deadline = job_of(FAILED("DeadlineExceeded")), plain = job_of("[]");
    struct kube_pod pod =
        pod_with("{\"containerStatuses\": [" ENDED("main", "127", "Error", "10:00") "]}");
    str text = diagnose_failure(&arena, &limit, &pod);
    assert_has(text, "job-x");
    assert_has(text, "'main'");
    assert_has(text, "127");
    assert_has(text, "not found");
    assert_has(text, "node-1");
    assert_false(str_has(text, STR("BackoffLimitExceeded"))); /* the pod says it better */
    text = diagnose_failure(&arena, &limit, NULL);
    assert_has(text, "BackoffLimitExceeded");
    assert_has(text, "pods");
    text = diagnose_failure(&arena, &deadline, &pod);
    assert_has(text, "DeadlineExceeded");
    assert_has(text, "why");
    text = diagnose_failure(&arena, &plain, &pod);
    assert_has(text, "'main'");
}

static void test_failure_by_category(void **state)
{
    (void)state;
    struct kube_job job = job_of(FAILED("BackoffLimitExceeded"));
    struct kube_pod oom =
        pod_with("{\"containerStatuses\": [" ENDED("main", "137", "OOMKilled", "10:00") "]}");
    assert_has(diagnose_failure(&arena, &job, &oom), "memory_limit");
    struct kube_pod evicted = pod_with(
        "{\"reason\": \"Evicted\", \"message\": \"disk pressure\", \"containerStatuses\": [" ENDED(
            "main", "137", "Error", "10:00") "]}");
    assert_has(diagnose_failure(&arena, &job, &evicted), "disk pressure");
    struct kube_pod image = pod_with(WAITING("ErrImagePull", "no such image"));
    assert_has(diagnose_failure(&arena, &job, &image), "no such image");
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_categories),
        TEST(test_keys),
        TEST(test_further_causes),
        TEST(test_order),
        TEST(test_text_quotes_kubernetes),
        TEST(test_oom_names_the_limit),
        TEST(test_numbers_do_not_change_the_key),
        TEST(test_guilty_container),
        TEST(test_failure),
        TEST(test_failure_by_category),
    };
    return cmocka_run_group_tests(tests, read_cases, NULL);
}
