# SPDX-License-Identifier: Apache-2.0
"""Cancellation: the run's Job goes, then the run is Cancelled; what is not ours is left alone."""

from __future__ import annotations

import uuid

import pytest
from harness import Rig, settle
from standin.kube_script import Plan

QUICK: dict[str, str | None] = {
    "PREFECT_WORKER_CANCELLATION_POLL_SECONDS": "0.3",
    "PREFECT_K8S_WORKER_CANCEL_GRACE_SECONDS": "1.5",
}
EVENT = "prefect.worker.cancelled-flow-run"


def started(rig: Rig, plan: Plan | None = None, **variables) -> tuple[dict, dict]:
    """A run whose pod runs until it is ended; the run and its Job."""
    run = rig.scheduled_run(**variables)
    rig.kube.script.by_run[run["id"]] = plan or Plan("run")
    rig.start(env=QUICK)
    return run, rig.submitted(run)


def cancel(rig: Rig, run: dict, *state: str) -> None:
    rig.prefect.store.put_state(run["id"], *(state or ("CANCELLING", "Cancelling")))


def deletions(rig: Rig) -> list:
    return rig.kube.journal.find("DELETE", "/jobs/")


def asked(rig: Rig, count: int = 2) -> None:
    """So many further questions for runs that are to be cancelled."""
    before = len(questions(rig))
    assert rig.prefect.journal.wait_for(lambda: len(questions(rig)) >= before + count, 15)


def questions(rig: Rig) -> list:
    return [
        e for e in rig.prefect.journal.find("POST", "/flow_runs/filter")
        if "CANCELLING" in ((e.body["flow_runs"].get("state") or {}).get("type") or {}).get("any_", [])
    ]  # fmt: skip


def test_pending_run(rig: Rig) -> None:
    """At once: its Job is deleted, then it is Cancelled, with an event as the older worker's."""
    run, job = started(rig, Plan("unschedulable"))
    cancel(rig, run)
    state = rig.prefect.wait_state(run, "Cancelled", 15)
    assert state["type"] == "CANCELLED"
    assert job["metadata"]["name"] in state["message"]
    (deleted,) = deletions(rig)
    assert deleted.request.query == {
        "propagationPolicy": "Foreground",
        "gracePeriodSeconds": "30",
        "uid": job["metadata"]["uid"],
    }
    (forced,) = [
        e for e in rig.prefect.journal.find("POST", "/set_state")
        if e.body["state"]["type"] == "CANCELLED"
    ]  # fmt: skip
    assert forced.body["force"] is True and forced.body["state"]["name"] == "Cancelled"
    event = rig.prefect.wait_event(EVENT)[0]
    assert event["resource"]["prefect.resource.id"] == "prefect.worker.kubernetes.w1"
    roles = [r["prefect.resource.role"] for r in event["related"]]
    assert roles == ["deployment", "flow", "flow-run", "work-pool"]
    about = event["related"][2]
    assert about["prefect.infrastructure.identifier"] == f"default:{job['metadata']['name']}"
    assert "prefect.infrastructure.status-code" not in about
    assert event["payload"] == {} and event["follows"] is None
    assert rig.kube.journal.wait_for(lambda: not rig.kube.find_jobs(), 10)
    settle(1)
    assert rig.prefect.states(run)[-2:] == ["Cancelling", "Cancelled"]
    assert len([e for e in rig.prefect.store.events if e["event"] == EVENT]) == 1
    assert any(g["level"] == 20 and "cancelled" in g["message"] for g in rig.prefect.run_logs(run))
    assert rig.workers[0].stop() == 0


def test_the_question(rig: Rig) -> None:
    """One request, for our pool's cancelling runs alone."""
    pool = rig.pool()
    worker = rig.start(env=QUICK)
    asked(rig, 3)
    body = questions(rig)[-1].body
    assert body["work_pools"]["id"]["any_"] == [pool["id"]]
    assert body["flow_runs"] == {"state": {"type": {"any_": ["CANCELLING"]}}}
    assert worker.stop() == 0


def test_the_question_to_an_older_server(legacy_rig: Rig) -> None:
    """Before states of type CANCELLING, a state of type CANCELLED said it by its name."""
    rig = legacy_rig
    run, _ = started(rig)
    cancel(rig, run, "CANCELLED", "Cancelling")
    rig.prefect.wait_state(run, "Cancelled", 15)
    assert len(deletions(rig)) == 1
    state = questions(rig)[-1].body["flow_runs"]["state"]
    assert state == {
        "type": {"any_": ["CANCELLING", "CANCELLED"]}, "name": {"any_": ["Cancelling"]},
    }  # fmt: skip
    assert rig.workers[0].stop() == 0


def test_running_run_has_a_grace(rig: Rig) -> None:
    run, _ = started(rig)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    rig.kube.wait_pod("Running")
    cancel(rig, run)
    asked(rig, 2)
    assert not deletions(rig)
    state = rig.prefect.wait_state(run, "Cancelled", 15)
    assert "1.5 s" in state["message"]
    assert len(deletions(rig)) == 1
    rig.prefect.wait_event(EVENT)
    settle(1)
    assert rig.prefect.states(run).count("Cancelled") == 1
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_cancelled_only_when_nobody_is_left(rig: Rig) -> None:
    """A process that ends may ask for the run to be scheduled again; while the run is Cancelling
    the server refuses that."""
    rig.kube.script.end_s = 1.5
    run, _ = started(rig)
    rig.kube.wait_pod("Running")
    cancel(rig, run)
    rig.kube.journal.wait("DELETE", "/jobs/", timeout_s=15)
    settle(0.7)
    assert rig.prefect.states(run)[-1] == "Cancelling"
    rig.prefect.wait_state(run, "Cancelled", 15)
    assert not rig.kube.find_jobs()
    assert len(deletions(rig)) == 1
    assert rig.workers[0].stop() == 0


def test_process_cancels_the_run_in_its_last_moments(rig: Rig) -> None:
    rig.kube.script.end_s = 1.5
    run, _ = started(rig)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    cancel(rig, run)
    rig.kube.journal.wait("DELETE", "/jobs/", timeout_s=15)
    rig.prefect.store.put_state(run["id"], "CANCELLED", "Cancelled")
    rig.prefect.wait_event(EVENT)
    settle(0.5)
    assert rig.prefect.states(run).count("Cancelled") == 1
    assert rig.workers[0].stop() == 0


def test_running_run_cancels_itself(rig: Rig) -> None:
    run, _ = started(rig)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    cancel(rig, run)
    asked(rig, 1)
    rig.prefect.store.put_state(run["id"], "CANCELLED", "Cancelled")
    asked(rig, 6)
    assert not deletions(rig)
    assert rig.prefect.states(run).count("Cancelled") == 1
    assert rig.workers[0].stop() == 0


def test_switched_off(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan("unschedulable")
    worker = rig.start(env={**QUICK, "PREFECT_WORKER_ENABLE_CANCELLATION": "false"})
    rig.submitted(run)
    cancel(rig, run)
    settle(1.5)
    assert not questions(rig) and not deletions(rig)
    assert worker.stop() == 0


def test_job_that_is_gone_already(rig: Rig) -> None:
    """404 is as good as a deletion."""
    run, job = started(rig)
    rig.kube.faults.add(method="DELETE", path="/jobs/", status=404)
    cancel(rig, run)
    rig.prefect.wait_state(run, "Cancelled", 15)
    assert rig.workers[0].stop() == 0
    del job


def test_after_a_restart(rig: Rig) -> None:
    run, _ = started(rig)
    assert rig.workers[0].stop() == 0
    cancel(rig, run)
    worker = rig.start(env=QUICK)
    rig.prefect.wait_state(run, "Cancelled", 15)
    assert len(deletions(rig)) == 1
    rig.prefect.wait_event(EVENT)
    assert worker.stop() == 0


def test_reply_of_the_state_is_lost(rig: Rig) -> None:
    """The worker dies between the Job's deletion and the state: the next one goes on."""
    run, _ = started(rig)
    rig.prefect.faults.add(method="POST", path="/set_state", status=500)
    cancel(rig, run)
    rig.kube.journal.wait("DELETE", "/jobs/", timeout_s=15)
    rig.workers[0].kill()
    assert rig.kube.journal.wait_for(lambda: not rig.kube.find_jobs(), 10)
    rig.prefect.faults.clear()
    worker = rig.start(env=QUICK)
    rig.prefect.wait_state(run, "Cancelled", 15)
    settle(0.5)
    assert "Crashed" not in rig.prefect.states(run)
    assert worker.stop() == 0


def test_foreign_job(rig: Rig) -> None:
    """A Job that carries another pool's id stays, and so does the run."""
    run = rig.scheduled_run()
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending", message="somebody else's")
    run["infrastructure_pid"] = "default:other"
    labels = {"prefect.io/flow-run-id": run["id"], "prefect.io/work-pool-id": str(uuid.uuid4())}
    rig.kube.store.create("jobs", "default", {
        "metadata": {"name": "other", "labels": labels},
        "spec": {"template": {"spec": {"containers": []}}, "backoffLimit": 0, "suspend": True},
        "status": {},
    })  # fmt: skip
    cancel(rig, run)
    worker = rig.start(env=QUICK)
    asked(rig, 4)
    assert not deletions(rig)
    assert rig.prefect.states(run)[-1] == "Cancelling"
    assert len(rig.prefect.journal.find("GET", "/flow_run_states/")) == 1, (
        "asked once, not each time"
    )
    assert worker.stop() == 0


@pytest.mark.parametrize("pid", [None, "default:gone-abc"])
@pytest.mark.parametrize("claim", ["ours", "python", "elsewhere"])
def test_no_job(rig: Rig, pid: str | None, claim: str) -> None:
    """Absence counts only where the claim was made for our cluster."""
    other = rig.scheduled_run()
    rig.kube.script.by_run[other["id"]] = Plan("run")
    first = rig.start(env=QUICK)
    rig.submitted(other)
    message = rig.prefect.wait_state(other, "Pending")["message"]
    assert first.stop() == 0
    run = rig.prefect.store.add_run(rig.prefect.store.deployments[other["deployment_id"]])
    said = {"ours": message, "python": None, "elsewhere": message[:-4] + "0000"}[claim]
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending", message=said)
    run["infrastructure_pid"] = pid
    cancel(rig, run)
    worker = rig.start(env=QUICK)
    if claim == "ours":
        state = rig.prefect.wait_state(run, "Cancelled", 15)
        assert "no infrastructure" in state["message"]
        assert not [e for e in rig.prefect.store.events if e["event"] == EVENT]
    else:
        asked(rig, 3)
        assert rig.prefect.states(run)[-1] == "Cancelling"
    assert not deletions(rig)
    assert worker.stop() == 0


def test_run_of_another_cluster(rig: Rig) -> None:
    """Its Job is not to be looked for in ours."""
    other = rig.scheduled_run()
    rig.kube.script.by_run[other["id"]] = Plan("run")
    first = rig.start(env=QUICK)
    rig.submitted(other)
    message = rig.prefect.wait_state(other, "Pending")["message"]
    assert first.stop() == 0
    deployment = rig.deployment(cluster_config={"config": {}, "context_name": "there"})
    run = rig.prefect.store.add_run(deployment)
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending", message=message)
    run["infrastructure_pid"] = "default:there"
    cancel(rig, run)
    worker = rig.start(env=QUICK)
    asked(rig, 3)
    assert rig.prefect.states(run)[-1] == "Cancelling"
    assert worker.stop() == 0


def test_job_in_a_namespace_that_is_not_watched(rig: Rig) -> None:
    """The pid leads to it."""
    rig.kube.add_namespace("aside")
    run = rig.scheduled_run(namespace="aside")
    rig.kube.script.by_run[run["id"]] = Plan("run")
    first = rig.start(env=QUICK)
    job = rig.submitted(run)
    assert first.stop() == 0
    cancel(rig, run)
    narrow = {**QUICK, "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES": "default"}
    worker = rig.start(env=narrow)
    state = rig.prefect.wait_state(run, "Cancelled", 15)
    assert job["metadata"]["name"] in state["message"]
    assert len(deletions(rig)) == 1
    assert worker.stop() == 0


def test_while_it_waits_for_a_quota(rig: Rig) -> None:
    """No Job was made: the submission is given up."""
    message = 'jobs.batch "x" is forbidden: exceeded quota: q, requested: a, used: b, limited: c'
    status = {
        "kind": "Status",
        "status": "Failure",
        "reason": "Forbidden",
        "message": message,
        "code": 403,
    }
    rig.kube.faults.add(method="POST", path="/jobs", status=403, body=status)
    run = rig.scheduled_run()
    worker = rig.start(env=QUICK)
    worker.wait_line("exceeded quota")
    cancel(rig, run)
    rig.prefect.wait_state(run, "Cancelled", 15)
    rig.kube.faults.clear()
    settle(2)
    assert not rig.kube.find_jobs()
    assert worker.stop() == 0


def test_delete_is_not_allowed(rig: Rig) -> None:
    """One line names the verb; the rest works, and the run stays as it is."""
    rig.kube.access.deny("delete", "jobs")
    run, _ = started(rig)
    cancel(rig, run)
    worker = rig.workers[0]
    line = worker.wait_line(r"delete", 15)
    assert "jobs" in line and "default" in line
    asked(rig, 4)
    assert len(deletions(rig)) == 1
    assert len(worker.matching(r"cancellation and timeouts")) == 1
    assert rig.prefect.states(run)[-1] == "Cancelling"
    assert worker.stop() == 0


def test_many(rig: Rig) -> None:
    """More than there are places: the others follow."""
    deployment = rig.deployment()
    rig.kube.script.default = Plan("run")
    runs = [rig.prefect.store.add_run(deployment) for _ in range(20)]
    worker = rig.start(env={**QUICK, "PREFECT_WORKER_CANCELLATION_POLL_SECONDS": "1"})
    for run in runs:
        rig.submitted(run, 30)
    for run in runs:
        cancel(rig, run)
    for run in runs:
        rig.prefect.wait_state(run, "Cancelled", 30)
    settle(1)
    for run in runs:
        assert rig.prefect.states(run).count("Cancelled") == 1
    assert len(deletions(rig)) == 20
    assert rig.kube.journal.wait_for(lambda: not rig.kube.find_jobs(), 15)
    assert worker.stop() == 0
