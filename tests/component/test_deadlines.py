# SPDX-License-Identifier: Apache-2.0
"""Timeouts of Jobs and of their pods' start; pods that can't start."""

from __future__ import annotations

import time

import pytest
from harness import Rig, settle
from standin.kube_script import Plan
from standin.kube_store import stamp
from standin.prefect_shapes import parse_time

FAIL_DOOMED = "PREFECT_K8S_WORKER_FAIL_DOOMED"


def submit(rig: Rig, plan: Plan, env: dict | None = None, **variables) -> tuple[dict, dict]:
    run = rig.scheduled_run(**variables)
    rig.kube.script.by_run[run["id"]] = plan
    rig.start(env=env)
    return run, rig.submitted(run)


def deletions(rig: Rig) -> list:
    return rig.kube.journal.find("DELETE", "/jobs/")


def crashed_once(rig: Rig, run: dict, timeout_s: float = 20) -> dict:
    """The one Crashed state, after the one deletion of the Job."""
    state = rig.prefect.wait_state(run, "Crashed", timeout_s)
    assert state["type"] == "CRASHED"
    assert rig.kube.journal.wait_for(lambda: not rig.kube.find_jobs(), 10)
    settle(1)
    assert rig.prefect.states(run).count("Crashed") == 1
    (deleted,) = deletions(rig)
    proposals = [
        e for e in rig.prefect.journal.find("POST", "/set_state")
        if e.body["state"]["type"] == "CRASHED"
    ]  # fmt: skip
    assert len(proposals) == 1, "the deleted Job is not judged as a crash of its own"
    del deleted
    return state


def test_job_timeout(rig: Rig) -> None:
    run, job = submit(
        rig, Plan("run", log=["last words"]), job_watch_timeout_seconds=2, finished_job_ttl=100
    )
    rig.kube.wait_pod("Running")
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    settle(1)
    assert not deletions(rig)
    state = crashed_once(rig, run)
    assert "job_watch_timeout_seconds" in state["message"] and "2 s" in state["message"]
    assert job["metadata"]["name"] in state["message"]
    made = parse_time(job["metadata"]["creationTimestamp"])
    assert (parse_time(state["timestamp"]) - made).total_seconds() >= 2

    def sent() -> bool:
        return any("last words" in log["message"] for log in rig.prefect.run_logs(run))

    assert rig.prefect.journal.wait_for(sent, 10)
    assert rig.workers[0].stop() == 0


def test_run_is_scheduled_again_by_its_ending_process(rig: Rig) -> None:
    """As Prefect's own does when it is asked to end: then, too, Crashed is the last word."""
    rig.kube.script.end_s = 1.5
    run, _ = submit(rig, Plan("run"), job_watch_timeout_seconds=1)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    rig.kube.journal.wait("DELETE", "/jobs/", timeout_s=20)
    settle(0.3)
    assert "Crashed" not in rig.prefect.states(run)
    due = run["expected_start_time"]
    rig.prefect.store.put_state(run["id"], "SCHEDULED", "AwaitingRetry", scheduled_time=due)
    crashed_once(rig, run)
    assert rig.prefect.states(run)[-2:] == ["AwaitingRetry", "Crashed"]
    assert len(rig.kube.journal.find("POST", "/jobs")) == 1
    assert rig.workers[0].stop() == 0


def test_job_timeout_counts_from_the_start(rig: Rig) -> None:
    """A pod that waits for a node does not use up its Job's time."""
    run, _ = submit(rig, Plan("unschedulable"), job_watch_timeout_seconds=1)
    settle(4)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_job_ends_in_time(rig: Rig) -> None:
    run, _ = submit(rig, Plan("succeed", run_s=0.3), job_watch_timeout_seconds=1)
    rig.kube.wait_pod("Succeeded")
    rig.prefect.store.put_state(run["id"], "COMPLETED", "Completed")
    settle(3)
    assert not deletions(rig)
    assert rig.prefect.states(run)[-1] == "Completed"
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("state", [("COMPLETED", "Completed"), ("PAUSED", "Paused")])
def test_job_timeout_of_a_run_that_is_not_running(rig: Rig, state: tuple[str, str]) -> None:
    run, _ = submit(rig, Plan("run"), job_watch_timeout_seconds=1)
    rig.kube.wait_pod("Running")
    rig.prefect.store.put_state(run["id"], *state)
    settle(3.5)
    assert not deletions(rig)
    assert rig.prefect.states(run)[-1] == state[1]
    assert rig.workers[0].stop() == 0


def test_job_timeout_of_an_older_job(rig: Rig) -> None:
    """The run goes on in another Job by now: it is not crashed for this one."""
    run, _ = submit(rig, Plan("run"), job_watch_timeout_seconds=1)
    run["infrastructure_pid"] = "default:another"
    settle(3.5)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("source", ["deployment", "run", "default"])
def test_pod_timeout_is_enforced_where_it_is_given(rig: Rig, source: str) -> None:
    if source == "default":
        rig.pool(defaults={"pod_watch_timeout_seconds": 1})
    given = {"pod_watch_timeout_seconds": 1} if source == "deployment" else {}
    deployment = rig.deployment(**given)
    more = {"job_variables": {"pod_watch_timeout_seconds": 1}} if source == "run" else {}
    run = rig.prefect.store.add_run(deployment, **more)
    rig.kube.script.by_run[run["id"]] = Plan("unschedulable")
    worker = rig.start()
    rig.submitted(run)
    state = crashed_once(rig, run)
    assert "pod_watch_timeout_seconds" in state["message"]
    assert "Insufficient cpu" in state["message"]
    assert worker.stop() == 0


def test_pod_that_starts_in_time(rig: Rig) -> None:
    run, _ = submit(rig, Plan("run"), pod_watch_timeout_seconds=1)
    settle(3)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("outcome", ["run", "unschedulable"])
def test_pods_may_not_be_read(rig: Rig, outcome: str) -> None:
    """Then nobody knows whether one started, and nothing is ended for it."""
    for verb in ("list", "watch"):
        rig.kube.access.deny(verb, "pods")
    run, _ = submit(rig, Plan(outcome), pod_watch_timeout_seconds=1)
    settle(3)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_pod_timeout_of_a_suspended_job(rig: Rig) -> None:
    """A queue holds it: its time begins when it is let go."""

    def suspend(manifest: dict) -> None:
        manifest["spec"]["suspend"] = True

    rig.pool(job=suspend)
    run, job = submit(rig, Plan("unschedulable"), pod_watch_timeout_seconds=1)
    settle(3)
    assert not deletions(rig)
    rig.kube.store.update(
        "jobs", "default", job["metadata"]["name"], lambda o: o["spec"].update(suspend=False)
    )
    crashed_once(rig, run)
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize(
    "plan", [Plan("bad_image_name"), Plan("never_pull")], ids=["name", "never"]
)
def test_pod_that_can_never_start(rig: Rig, plan: Plan) -> None:
    run, _ = submit(rig, plan)
    state = crashed_once(rig, run)
    assert "can't start" in state["message"]
    reason = {"bad_image_name": "InvalidImageName", "never_pull": "ErrImageNeverPull"}[plan.outcome]
    assert reason in state["message"]
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("outcome", ["image_error", "config_error", "unschedulable"])
def test_pod_that_may_start_yet(rig: Rig, outcome: str) -> None:
    run, _ = submit(rig, Plan(outcome))
    settle(3)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_failing_of_doomed_pods_is_switched_off(rig: Rig) -> None:
    run, _ = submit(rig, Plan("bad_image_name"), {FAIL_DOOMED: "never"})
    settle(3)
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_delete_is_not_allowed(rig: Rig) -> None:
    rig.kube.access.deny("delete", "jobs")
    run, _ = submit(rig, Plan("exit", code=7, run_s=4), job_watch_timeout_seconds=1)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    worker = rig.workers[0]
    line = worker.wait_line(r"cancellation and timeouts", 15)
    assert "delete" in line and "jobs" in line
    assert "Crashed" not in rig.prefect.states(run)
    # What the Job does afterwards is judged as ever.
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "code 7" in state["message"]
    assert len(deletions(rig)) == 1
    assert worker.stop() == 0


def test_kubernetes_is_away_for_a_moment(rig: Rig) -> None:
    rig.kube.faults.add(method="DELETE", path="/jobs/", status=503, times=2)
    run, _ = submit(rig, Plan("run"), job_watch_timeout_seconds=1)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "job_watch_timeout_seconds" in state["message"]
    assert len(deletions(rig)) == 3
    assert rig.workers[0].stop() == 0


def made_before(rig: Rig, job: dict, seconds: float) -> None:
    """As if the Job were older."""
    at = stamp(time.time() - seconds)

    def change(o: dict) -> None:
        o["metadata"]["creationTimestamp"] = at
        o["status"]["startTime"] = at

    rig.kube.store.update("jobs", "default", job["metadata"]["name"], change)


def test_stock_pod_timeout_only_tells(rig: Rig) -> None:
    """Once, with what Kubernetes says; the pod goes on waiting."""
    run, job = submit(rig, Plan("unschedulable"))
    made_before(rig, job, 50)
    settle(1)
    assert not [g for g in rig.prefect.run_logs(run) if "goes on waiting" in g["message"]]
    made_before(rig, job, 70)

    def told() -> list[dict]:
        return [g for g in rig.prefect.run_logs(run) if "goes on waiting" in g["message"]]

    assert rig.prefect.journal.wait_for(told, 10)
    settle(2.5)
    (line,) = told()
    assert line["level"] == 30 and "60 s" in line["message"]
    assert "Insufficient cpu" in line["message"]
    assert not deletions(rig)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("source", ["deployment", "run"])
def test_timeouts_outlive_a_restart(rig: Rig, source: str) -> None:
    """They are read again: one question for the runs, one for each deployment."""
    deployment = rig.deployment(
        **({"job_watch_timeout_seconds": 6} if source == "deployment" else {})
    )
    more = {"job_variables": {"job_watch_timeout_seconds": 6}} if source == "run" else {}
    run = rig.prefect.store.add_run(deployment, **more)
    others = [rig.prefect.store.add_run(deployment) for _ in range(3)]
    rig.kube.script.default = Plan("run")
    first = rig.start()
    for each in (run, *others):
        rig.submitted(each, 20)
        rig.prefect.store.put_state(each["id"], "RUNNING", "Running")
    assert first.stop() == 0
    before = len(rig.prefect.journal.find("GET", "/deployments/"))
    worker = rig.start()
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "job_watch_timeout_seconds" in state["message"] and "6 s" in state["message"]
    assert len(rig.prefect.journal.find("GET", "/deployments/")) == before + 1
    if source == "run":
        settle(2)
        assert len(deletions(rig)) == 1
        assert not [o for o in others if "Crashed" in rig.prefect.states(o)]
    assert worker.stop() == 0


def test_stock_pod_timeout_is_not_told_again_after_a_restart(rig: Rig) -> None:
    run, job = submit(rig, Plan("unschedulable"))
    made_before(rig, job, 70)
    assert rig.workers[0].wait_line("goes on waiting")
    assert rig.workers[0].stop() == 0
    worker = rig.start()
    rig.prefect.journal.wait("POST", "heartbeat", count=4)
    settle(2)
    assert not worker.matching("goes on waiting")
    assert worker.stop() == 0
    del run
