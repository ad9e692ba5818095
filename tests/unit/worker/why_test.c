/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/why_rig.h"

#define SCHEDULED(more) RUN("SCHEDULED", "Late", "", more)
#define DUE ",\"next_scheduled_start_time\":\"2026-01-02T03:00:00Z\""
#define PENDING RUN("PENDING", "Pending", "", "")
#define RUNNING RUN("RUNNING", "Running", "", ",\"infrastructure_pid\":\"ns:job\"")

static void of_a_scheduled_run(void **state)
{
    (void)state;
    begin_with(SCHEDULED(DUE));
    assert_answer("NotTaken", "has been Late for 1 min 40 s and was due 1 min 40 s ago");
    f.ahead = 2;
    assert_answer("NotTaken", "2 due runs of the pool come before it");
    why_take_workers(&arena, STR("[]"), &f);
    assert_answer("NoWorkerOnline", "none ever was");
    f.queue = (struct why_slots){3, 3};
    assert_answer("WorkQueueLimit", "3 of 3 are taken");
    f.pool = (struct why_slots){0, -1};
    assert_answer("WorkPoolLimit", "there are 0");
    f.queue_paused = true;
    assert_answer("WorkQueuePaused", "Work queue 'default' is paused");
    f.pool_paused = true;
    assert_answer("WorkPoolPaused", "Work pool 'pool' is paused");
    begin_with(SCHEDULED(",\"next_scheduled_start_time\":\"2026-01-02T03:02:00Z\""));
    assert_answer("NotDue", "2026-01-02T03:02:00Z, in 20 s");
    begin_with(RUN("SCHEDULED", "AwaitingRetry", "",
                   ",\"next_scheduled_start_time\":\"2026-01-02T03:02:00Z\""));
    assert_answer("AwaitingRetry", "retry");
    begin_with(RUN("SCHEDULED", "AwaitingConcurrencySlot", "", DUE));
    assert_answer("DeploymentLimit", "concurrency slot");
    begin_with("{\"id\":\"" RUN_ID "\",\"name\":\"fox\",\"state_type\":\"SCHEDULED\"}");
    assert_answer("NoWorkPool", "work pool");
}

static void without_workers_of_the_right_kind(void **state)
{
    (void)state;
    begin_with(SCHEDULED(DUE));
    why_take_pool(&arena, STR("{\"type\":\"process\"}"), &f);
    why_take_workers(&arena,
                     STR("[{\"name\":\"w\",\"status\":\"OFFLINE\",\"last_heartbeat_time\":"
                         "\"2026-01-02T03:00:40Z\"}]"),
                     &f);
    assert_answer("NoWorkerOnline", "'w', 1 min 0 s ago. The pool is of type 'process'");
}

static void of_a_pending_run(void **state)
{
    (void)state;
    begin_with(PENDING);
    assert_answer("NoJob", "another kind of worker");
    f.claimed = true;
    f.claim = (struct claim){
        .at_us = f.now_us - 5000000, .worker_name = STR("w"), .cluster_mark = STR("aaaaaaaa")};
    f.cluster_mark = STR("aaaaaaaa");
    assert_answer("NoJob", "Worker 'w' claimed it 5.0 s ago");
    f.word = STR("The Job waits for quota in namespace 'ns': exceeded quota");
    assert_answer("QuotaExceeded", "exceeded quota.");
    f.cluster_mark = STR("bbbbbbbb");
    assert_answer("OtherCluster", "aaaaaaaa");
    f.kube_failure = STR("connection refused");
    assert_answer("KubernetesUnknown", "connection refused.");
    begin_with(RUN("PENDING", "Pending", "", ",\"infrastructure_pid\":\"ns:job\""));
    assert_answer("JobGone", "(ns:job) does not exist");
}

static void of_a_job_without_a_pod(void **state)
{
    (void)state;
    begin_with(PENDING);
    why_take_jobs(&arena, STR(JOB("", "")), &f);
    assert_answer("NoPod", "exists for 1 min 30 s");
    why_take_job_events(&arena,
                        STR(LIST("{\"type\":\"Warning\",\"reason\":\"FailedCreate\",\"message\":"
                                 "\"Error creating: x is forbidden: exceeded quota: q\"}")),
                        &f);
    assert_answer("QuotaExceeded", "exceeded quota: q.");
    why_take_jobs(&arena, STR(JOB("\"suspend\":true", "")), &f);
    assert_answer("Suspended", "queue 'batch'");
    /* It failed without ever having one: by its deadline, because of the quota. */
    why_take_jobs(&arena,
                  STR(JOB("", "\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\","
                              "\"reason\":\"DeadlineExceeded\",\"message\":\"too long\"}]")),
                  &f);
    assert_answer("DeadlineExceeded", "exceeded quota: q.");
}

static void of_a_pod_on_its_way(void **state)
{
    (void)state;
    begin_with(PENDING);
    why_take_jobs(&arena, STR(JOB("", "\"active\":1")), &f);
    why_take_pods(&arena, STR(POD("\"phase\":\"Pending\"")), &f);
    assert_answer("NotScheduled", "scheduler");
    why_take_pods(&arena,
                  STR(POD("\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\","
                          "\"status\":\"True\",\"lastTransitionTime\":\"2026-01-02T03:00:11Z\"}],"
                          "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":"
                          "{\"reason\":\"ContainerCreating\"}}}]")),
                  &f);
    assert_answer("ContainerCreating", "for 1 min 29 s and is being started (ContainerCreating)");
    why_take_pod_events(
        &arena,
        STR(LIST("{\"type\":\"Normal\",\"reason\":\"Pulling\",\"message\":"
                 "\"Pulling image x\",\"lastTimestamp\":\"2026-01-02T03:01:00Z\"}")),
        &f);
    assert_answer("ImagePulling", "for 40 s so far: Pulling image x.");
    why_take_pods(&arena,
                  STR(POD("\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"c\","
                          "\"state\":{\"running\":{\"startedAt\":\"2026-01-02T03:01:30Z\"}}}]")),
                  &f);
    assert_answer("NoContact", "'c' runs for 10 s");
    assert_true(str_has(answer.text, STR("Job ns/job, pod pod on node n1.")));
}

static void of_a_running_run(void **state)
{
    (void)state;
    begin_with(RUNNING);
    f.kube_failure = STR("refused");
    assert_answer("Running", "refused");
    f.kube_failure = (str){0};
    assert_answer("JobGone", "ns:job");
    f.names_cluster = true;
    assert_answer("OtherCluster", "cluster_config");
    why_take_jobs(&arena, STR(JOB("", "\"active\":1")), &f);
    why_take_pods(&arena, STR(POD("\"phase\":\"Running\"")), &f);
    assert_answer("Running", "It runs, for 1 min 40 s");
    why_take_node(&arena,
                  STR("{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\","
                      "\"message\":\"stopped posting\"}]}}"),
                  &f);
    assert_answer("NodeNotReady", "Node n1");
    why_take_jobs(&arena,
                  STR(JOB("", "\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]")), &f);
    assert_answer("JobComplete", "never reported");
}

static void of_a_crashed_run(void **state)
{
    (void)state;
    begin_with(RUN("CRASHED", "Crashed", "", ""));
    assert_answer("Crashed", "nobody said why");
    begin_with(RUN("CRASHED", "Crashed", "Job j failed. OOMKilled,\\nreally", ""));
    assert_answer("OOMKilled", "It crashed: Job j failed. OOMKilled, really.");
    begin_with(RUN("CRASHED", "Crashed", "No pods.", ""));
    why_take_jobs(&arena,
                  STR(JOB("", "\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\","
                              "\"reason\":\"BackoffLimitExceeded\"}]")),
                  &f);
    why_take_pods(&arena,
                  STR(POD("\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"state\":"
                          "{\"terminated\":{\"exitCode\":3,\"reason\":\"Error\"}}}]")),
                  &f);
    assert_answer("ContainerFailed", "It crashed: No pods. Job job failed.");
    assert_true(str_has(answer.text, STR("exited with code 3")));
}

static void of_the_other_states(void **state)
{
    (void)state;
    begin_with(
        RUN("COMPLETED", "Completed", "",
            ",\"start_time\":\"2026-01-02T02:00:00Z\",\"end_time\":\"2026-01-02T04:05:00Z\""));
    assert_answer("Completed", "It completed after 2 h 5 min.");
    begin_with(RUN("FAILED", "Failed", "ValueError", ""));
    assert_answer("Failed", "ValueError.");
    begin_with(RUN("CANCELLED", "Cancelled", "", ""));
    assert_answer("Cancelled", "was cancelled.");
    begin_with(RUN("CANCELLING", "Cancelling", "", ""));
    f.workers_known = true;
    assert_answer("Cancelling", "No worker of its pool is online");
    begin_with(RUN("PAUSED", "Paused", "", ""));
    assert_answer("Paused", "resumes");
    begin_with(RUN("NEW", "New", "", ""));
    assert_answer("Unknown", "does not know");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_a_scheduled_run),  TEST(without_workers_of_the_right_kind),
        TEST(of_a_pending_run),    TEST(of_a_job_without_a_pod),
        TEST(of_a_pod_on_its_way), TEST(of_a_running_run),
        TEST(of_a_crashed_run),    TEST(of_the_other_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
