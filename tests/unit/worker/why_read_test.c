/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why_rig.h"

static void nothing_is_known(void **state)
{
    (void)state;
    begin_with(RUN("PENDING", "Pending", "", ""));
    static const str broken[] = {STR_INIT(""), STR_INIT("{"), STR_INIT("null"), STR_INIT("[1]")};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        why_take_states(&arena, broken[i], &f);
        why_take_logs(&arena, broken[i], &f);
        why_take_deployment(&arena, broken[i], &f);
        why_take_pool(&arena, broken[i], &f);
        why_take_queue(&arena, broken[i], &f);
        why_take_jobs(&arena, broken[i], &f);
        why_take_pods(&arena, broken[i], &f);
        why_take_job_events(&arena, broken[i], &f);
        why_take_pod_events(&arena, broken[i], &f);
        why_take_node(&arena, broken[i], &f);
    }
    assert_false(f.pool_known || f.queue_known || f.has_job || f.has_pod || f.refused);
    assert_int_equal(f.pool.limit, -1);
    assert_int_equal(f.deployment.limit, -1);
    assert_int_equal(f.word.n, 0);
    assert_error(why_take_run(&arena, STR("{}"), &f, &error), ERR_INVALID, "id");
}

static void pools_and_queues(void **state)
{
    (void)state;
    begin_with(RUN("SCHEDULED", "Late", "", ""));
    why_take_pool(&arena,
                  STR("{\"type\":\"kubernetes\",\"is_paused\":true,\"concurrency_limit\":7,"
                      "\"active_slots\":2}"),
                  &f);
    why_take_queue(&arena, STR("{\"is_paused\":false,\"concurrency_limit\":null}"), &f);
    assert_true(f.pool_known && f.pool_paused && f.queue_known && !f.queue_paused);
    assert_int_equal(f.pool.limit, 7);
    assert_int_equal(f.pool.active, 2);
    assert_int_equal(f.queue.limit, -1);
    assert_false(f.names_cluster);
    why_take_pool(&arena,
                  STR("{\"base_job_template\":{\"variables\":{\"properties\":{\"cluster_config\":"
                      "{\"default\":{\"a\":1}}}}}}"),
                  &f);
    assert_true(f.names_cluster);
}

/* The newer server's object, the older one's number; cluster_config under either name. */
static void deployments(void **state)
{
    (void)state;
    begin_with(RUN("SCHEDULED", "Late", "", ""));
    why_take_deployment(&arena,
                        STR("{\"name\":\"d\",\"concurrency_limit\":null,"
                            "\"global_concurrency_limit\":{\"limit\":3,\"active_slots\":1}}"),
                        &f);
    assert_str(f.deployment_name, "d");
    assert_int_equal(f.deployment.limit, 3);
    assert_int_equal(f.deployment.active, 1);
    assert_false(f.names_cluster);
    why_take_deployment(
        &arena, STR("{\"concurrency_limit\":4,\"infra_overrides\":{\"cluster_config\":{}}}"), &f);
    assert_int_equal(f.deployment.limit, 4);
    assert_int_equal(f.deployment.active, -1);
    assert_true(f.names_cluster);
}

static void workers_and_logs(void **state)
{
    (void)state;
    begin_with(RUN("SCHEDULED", "Late", "", ""));
    why_take_workers(&arena,
                     STR("[{\"name\":\"b\",\"status\":\"ONLINE\",\"last_heartbeat_time\":"
                         "\"2026-01-02T03:00:02Z\"},{\"name\":\"a\",\"status\":\"OFFLINE\","
                         "\"last_heartbeat_time\":\"2026-01-02T03:00:01Z\"}]"),
                     &f);
    assert_int_equal(f.workers, 2);
    assert_int_equal(f.workers_online, 1);
    assert_str(f.last_worker, "b");
    why_take_logs(&arena, STR("[{\"message\":\" newest \"},{\"message\":\"older\"}]"), &f);
    assert_str(f.word, "newest");
}

/* Of several Jobs and pods, those of a retry are the newest. */
static void the_newest_job_and_pod(void **state)
{
    (void)state;
    begin_with(RUN("PENDING", "Pending", "", ""));
#define OBJECT(name, second)                                                             \
    "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" RUN_ID "\",\"creationTimestamp\":" \
    "\"2026-01-02T03:00:" second "Z\"}}"
    str list = STR(LIST(OBJECT("a", "01") "," OBJECT("c", "03") ",{}," OBJECT("b", "02")));
    why_take_jobs(&arena, list, &f);
    why_take_pods(&arena, list, &f);
    assert_str(f.job.meta.name, "c");
    assert_str(f.pod.meta.name, "c");
}

static void a_claim(void **state)
{
    (void)state;
    begin_with(RUN("PENDING", "Pending", "", ""));
    why_take_states(
        &arena,
        STR("[" STATE("SCHEDULED", "Scheduled", "") "," STATE(
            "PENDING", "Pending", "Claimed by Kubernetes worker 'w' for cluster 01234567") "]"),
        &f);
    assert_int_equal(f.state_count, 2);
    assert_true(f.claimed);
    assert_str(f.claim.worker_name, "w");
    assert_str(f.claim.cluster_mark, "01234567");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known), TEST(pools_and_queues),       TEST(deployments),
        TEST(workers_and_logs), TEST(the_newest_job_and_pod), TEST(a_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
