# SPDX-License-Identifier: Apache-2.0
"""The main job: a scheduled flow run becomes a Kubernetes Job that runs to its end."""

import re

import pytest
from rig.wait import until


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_run_completes(generation, servers, cluster, pool, start_worker):
    server = servers[generation]
    name = pool(server)
    deployment = server.api.deployment(name, "hello", "hello.py:hello")
    run = server.api.run(deployment, parameters={"text": "a line of its own"})
    worker = start_worker(server, name)
    ended = server.api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    server.api.wait_log(run["id"], "a line of its own")

    (job,) = cluster.jobs(run["id"])
    job_name = job["metadata"]["name"]
    assert ended["infrastructure_pid"] == f"default:{job_name}"
    # The prefix is the run's name; the suffix, a function of run and claim, comes from us.
    assert re.fullmatch(re.escape(run["name"]) + "-[a-z0-9]{12}", job_name)
    assert "generateName" not in job["metadata"]
    # The pod ran once, in the Job that we made, and ends well; the run is Completed a moment earlier.
    until(
        "the pod's end",
        lambda: cluster.pods(run["id"])[0]["status"]["phase"] not in ("Pending", "Running"),
    )
    (pod,) = cluster.pods(run["id"])
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["metadata"]["labels"]["job-name"] == job_name


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_variables_of_deployment_and_run_reach_the_job(
    generation, servers, cluster, pool, start_worker
):
    """Servers of the older generation call a deployment's job variables by another name."""
    server = servers[generation]
    name = pool(server)
    variables = {"command": "true", "env": {"A": "deployment", "B": "deployment"}}
    deployment = server.api.deployment(name, "vars", "hello.py:hello", job_variables=variables)
    overrides = {"env": {"B": "run"}, "labels": {"team": "blue"}}
    run = server.api.run(deployment, job_variables=overrides)
    worker = start_worker(server, name)
    (job,) = until("the Job", lambda: cluster.jobs(run["id"]), 60, worker.tail)
    container = job["spec"]["template"]["spec"]["containers"][0]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["args"] == ["true"]
    assert (environment["A"], environment["B"]) == ("deployment", "run")
    assert job["metadata"]["labels"]["team"] == "blue"


def test_environment_in_a_secret(server, cluster, pool, start_worker):
    """With the setting, the Job names a Secret that has the environment, and that goes with the Job."""
    api = server.api
    name = pool(server)
    run = api.run(api.deployment(name, "secretive", "hello.py:hello"))
    worker = start_worker(
        server,
        name,
        env={"PREFECT_INTEGRATIONS_KUBERNETES_WORKER_STORE_ENV_AS_SECRET": "true"},
    )
    api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    (job,) = cluster.jobs(run["id"])
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert not container.get("env")
    (source,) = container["envFrom"]
    secret_name = source["secretRef"]["name"]
    secret = cluster.get("secret", secret_name)
    assert "PREFECT__FLOW_RUN_ID" in secret["data"]
    (owner,) = secret["metadata"]["ownerReferences"]
    assert owner["uid"] == job["metadata"]["uid"]
    cluster.kubectl("delete", "job", job["metadata"]["name"])
    until(
        "the Secret goes with its Job",
        lambda: not cluster.kubectl("get", "secret", secret_name, "--ignore-not-found"),
        30,
    )


def test_answers_to_the_official_name(server, pool, start_worker):
    """Called `prefect`, it takes the official command line."""
    name = pool(server)
    deployment = server.api.deployment(name, "hello", "hello.py:hello")
    run = server.api.run(deployment)
    worker = start_worker(server, name, "--name", "by-another-name", kind="prefect")
    server.api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    names = [w["name"] for w in server.api.post(f"/work_pools/{name}/workers/filter", {})]
    assert names == ["by-another-name"]


def test_run_once_submits_what_is_due_and_ends(server, cluster, pool, start_worker):
    name = pool(server)
    deployment = server.api.deployment(name, "hello", "hello.py:hello")
    runs = [server.api.run(deployment)["id"] for _ in range(2)]
    worker = start_worker(server, name, "--run-once")
    assert worker.wait(60) == 0, worker.tail()
    assert [len(cluster.jobs(run)) for run in runs] == [1, 1]
    for run in runs:
        server.api.wait_final(run, "COMPLETED")


def test_a_missing_pool_is_created_with_the_default_template(server, start_worker):
    """The template that it registers is the Python worker's but for the descriptions."""
    name = "made-by-the-worker"
    start_worker(server, name)

    def without_descriptions(value):
        if isinstance(value, dict):
            return {k: without_descriptions(v) for k, v in value.items() if k != "description"}
        if isinstance(value, list):
            return [without_descriptions(item) for item in value]
        return value

    registered = server.api.wait_pool(name)
    assert registered["type"] == "kubernetes"
    assert without_descriptions(registered["base_job_template"]) == without_descriptions(
        server.stock_template
    )


def test_flow_output_reaches_the_workers_own(server, pool, start_worker):
    """`stream_output`: what the container prints appears in the worker's output, marked with the run."""
    name = pool(server)
    deployment = server.api.deployment(name, "slow", "hello.py:slow")
    run = server.api.run(deployment, parameters={"seconds": 3, "text": "seen by whoever watches"})
    worker = start_worker(server, name)
    server.api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    line = worker.wait_line("seen by whoever watches", 20)
    assert run["id"] in line or run["name"] in line
    lines = [entry for entry in worker.text().splitlines() if "seen by whoever watches" in entry]
    assert len(lines) == 3, worker.tail()


def test_without_stream_output_the_flow_is_silent(server, pool, start_worker):
    name = pool(server)
    deployment = server.api.deployment(
        name, "quiet", "hello.py:hello", job_variables={"stream_output": False}
    )
    run = server.api.run(deployment, parameters={"text": "for the log alone"})
    worker = start_worker(server, name)
    server.api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    server.api.wait_log(run["id"], "for the log alone")
    assert "for the log alone" not in worker.text()
