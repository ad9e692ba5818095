# SPDX-License-Identifier: Apache-2.0
"""Workers come and go; no run is lost, none gets two Jobs."""

import uuid
from collections import Counter

import pytest
from rig.wait import until

RUNS = 40


def suspend(template: dict) -> None:
    """Jobs that are made but start no pod: these tests are about the making."""
    template["job_configuration"]["job_manifest"]["spec"]["suspend"] = True


@pytest.fixture
def namespace(cluster):
    name = cluster.namespace(f"restart-{uuid.uuid4().hex[:6]}")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def jobs_by_run(cluster, namespace) -> Counter:
    jobs = cluster.get("jobs", "-n", namespace)["items"]
    return Counter(job["metadata"]["labels"]["prefect.io/flow-run-id"] for job in jobs)


def test_sigterm_amid_submissions_loses_nothing(server, cluster, pool, start_worker, namespace):
    api = server.api
    name = pool(server, change=suspend)
    deployment = api.deployment(
        name, "many", "hello.py:hello", job_variables={"namespace": namespace}
    )
    runs = {api.run(deployment)["id"] for _ in range(RUNS)}

    first = start_worker(server, name, "--name", "first")
    until("the first Jobs", lambda: jobs_by_run(cluster, namespace), 60, first.tail)
    first.stop()
    before = jobs_by_run(cluster, namespace)

    # What the first one claimed, it finished: no run is between two states.
    for run_id in runs:
        run = api.flow_run(run_id)
        if run["state_type"] == "PENDING":
            assert before[run_id] == 1, api.history(run_id)
        else:
            assert run["state_type"] == "SCHEDULED", api.history(run_id)
            assert before[run_id] == 0, api.history(run_id)

    second = start_worker(server, name, "--name", "second")
    until(
        f"{RUNS} runs with a Job each",
        lambda: set(jobs_by_run(cluster, namespace)) == runs,
        90,
        second.tail,
    )
    second.stop()
    assert set(jobs_by_run(cluster, namespace).values()) == {1}
    # Each run knows its Job.
    for job in cluster.get("jobs", "-n", namespace)["items"]:
        run = api.flow_run(job["metadata"]["labels"]["prefect.io/flow-run-id"])
        assert run["infrastructure_pid"] == f"{namespace}:{job['metadata']['name']}"


def test_two_workers_of_one_pool_share_the_runs(server, cluster, pool, start_worker, namespace):
    api = server.api
    name = pool(server, change=suspend)
    workers = [start_worker(server, name, "--name", f"replica-{number}") for number in range(2)]
    until(
        "both workers are known to the server",
        lambda: len(api.post(f"/work_pools/{name}/workers/filter", {})) == 2,
    )
    deployment = api.deployment(
        name, "shared", "hello.py:hello", job_variables={"namespace": namespace}
    )
    runs = {api.run(deployment)["id"] for _ in range(RUNS)}
    until(
        f"{RUNS} runs with a Job each",
        lambda: set(jobs_by_run(cluster, namespace)) >= runs,
        90,
        lambda: "\n".join(worker.tail() for worker in workers),
    )
    for worker in workers:
        worker.stop()
    assert set(jobs_by_run(cluster, namespace).values()) == {1}


def test_a_run_outlives_its_worker(server, pool, start_worker):
    """A worker that stops leaves running Jobs alone; the next one sees them to their end."""
    api = server.api
    name = pool(server)
    deployment = api.deployment(name, "slow", "hello.py:slow")
    run = api.run(deployment, parameters={"seconds": 8})
    first = start_worker(server, name)
    until(
        "the run runs",
        lambda: api.flow_run(run["id"])["state_type"] == "RUNNING",
        90,
        first.tail,
    )
    first.stop()
    second = start_worker(server, name)
    api.wait_final(run["id"], "COMPLETED", context=second.tail)
    api.wait_event(run["id"], {"prefect.kubernetes.pod.succeeded"})
