# SPDX-License-Identifier: Apache-2.0
"""Cancelled runs: their Jobs go, and the runs are Cancelled once."""

import pytest
from rig.wait import until

QUICK = {"PREFECT_WORKER_CANCELLATION_POLL_SECONDS": "1"}


def nowhere(template: dict) -> None:
    """No node has this label."""
    spec = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    spec["nodeSelector"] = {"example.com/no-such": "node"}


def cancel(api, run) -> None:
    state = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    answer = api.post(f"/flow_runs/{run['id']}/set_state", state)
    assert answer["status"] == "ACCEPT", answer


def cancelled(api, cluster, run, worker) -> dict:
    """The run after its one Cancelled state; its Job goes, pods first."""
    ended = api.wait_final(run["id"], "CANCELLED", context=worker.tail)
    assert ended["state_name"] == "Cancelled"
    until("the Job to go", lambda: not cluster.jobs(run["id"]), 90, worker.tail)
    assert not cluster.pods(run["id"])
    types = [s["type"] for s in api.states(run["id"])]
    assert types.count("CANCELLED") == 1 and "CRASHED" not in types, types
    return ended


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_pending_run(servers, cluster, pool, start_worker, generation):
    server = servers[generation]
    api = server.api
    name = pool(server, change=nowhere)
    deployment = api.deployment(name, "nowhere", "hello.py:hello", tags=["red"])
    run = api.run(deployment)
    worker = start_worker(server, name, env=QUICK)
    (job,) = until("its Job", lambda: cluster.jobs(run["id"]), 60, worker.tail)
    until(
        "the pid",
        lambda: api.flow_run(run["id"])["infrastructure_pid"],
        30,
        worker.tail,
    )
    cancel(api, run)
    ended = cancelled(api, cluster, run, worker)
    job_name = job["metadata"]["name"]
    assert job_name in ended["state"]["message"]
    if generation == "3.8":
        event = api.wait_event(run["id"], {"prefect.worker.cancelled-flow-run"})
        about = {r["prefect.resource.role"]: r for r in event["related"]}
        assert about["flow-run"]["prefect.infrastructure.identifier"] == f"default:{job_name}"
        assert about["deployment"]["prefect.resource.name"] == "nowhere"
        assert about["tag"]["prefect.resource.id"] == "prefect.tag.red"


def test_running_run_that_ignores_it(server, cluster, pool, start_worker):
    """Its own process does not end in the grace, so the Job is deleted."""
    api = server.api
    name = pool(server)
    deployment = api.deployment(name, "stubborn", "hello.py:stubborn")
    run = api.run(deployment)
    grace = {"PREFECT_K8S_WORKER_CANCEL_GRACE_SECONDS": "5"}
    worker = start_worker(server, name, env={**QUICK, **grace})
    api.wait_log(run["id"], "no signal ends this", 90)
    cancel(api, run)
    cancelled(api, cluster, run, worker)
    # Asked to end with its Job, the process may still come first with the state's message.
    assert "was deleted" in api.wait_log(run["id"], "within 5 s")["message"]
    api.wait_event(run["id"], {"prefect.worker.cancelled-flow-run"})


def test_running_container_that_knows_nothing_of_prefect(server, cluster, pool, start_worker):
    api = server.api
    name = pool(server)
    deployment = api.deployment(
        name, "sleeps", "hello.py:hello", job_variables={"command": "sleep 300"}
    )
    run = api.run(deployment)
    grace = {"PREFECT_K8S_WORKER_CANCEL_GRACE_SECONDS": "3"}
    worker = start_worker(server, name, env={**QUICK, **grace})
    until(
        "its container to run",
        lambda: [p for p in cluster.pods(run["id"]) if p["status"]["phase"] == "Running"],
        60,
        worker.tail,
    )
    running = {"state": {"type": "RUNNING", "name": "Running"}}
    assert api.post(f"/flow_runs/{run['id']}/set_state", running)["status"] == "ACCEPT"
    cancel(api, run)
    ended = cancelled(api, cluster, run, worker)
    assert "within 3 s" in ended["state"]["message"]


def test_running_run_cancels_itself(server, cluster, pool, start_worker):
    """In the grace the run's own process comes first; its Job ends by itself."""
    api = server.api
    name = pool(server)
    deployment = api.deployment(name, "slow", "hello.py:slow", parameters={"seconds": 100})
    run = api.run(deployment)
    worker = start_worker(server, name, env=QUICK)
    api.wait_log(run["id"], "still here", 90)
    cancel(api, run)
    ended = api.wait_final(run["id"], "CANCELLED", context=worker.tail)
    assert "was deleted" not in (ended["state"]["message"] or "")

    def over():
        (job,) = cluster.jobs(run["id"])
        return job.get("status", {}).get("conditions")

    until("the Job's own end", over, 60, worker.tail)
    types = [s["type"] for s in api.states(run["id"])]
    assert "CRASHED" not in types, types
