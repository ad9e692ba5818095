# SPDX-License-Identifier: Apache-2.0
"""Who gets a run: the server's verdicts, lost replies, several workers on one pool."""

from __future__ import annotations

import re
import time

import pytest
from harness import Rig, settle
from standin.kube_script import Plan


def proposals(rig: Rig, run: dict, name: str = "Pending") -> list[dict]:
    sent = rig.prefect.journal.find("POST", f"{run['id']}/set_state")
    return [e.body["state"] for e in sent if e.body["state"]["name"] == name]


def transition(state: dict) -> str:
    return state["state_details"]["transition_id"]


def test_deployment_is_gone(rig: Rig) -> None:
    run = rig.scheduled_run()
    del rig.prefect.store.deployments[run["deployment_id"]]
    worker = rig.start()
    state = rig.prefect.wait_state(run, "Cancelled")
    assert run["deployment_id"] in state["message"]
    forced = rig.prefect.journal.find("POST", f"{run['id']}/set_state")
    assert [e.body["force"] for e in forced] == [True]
    settle(1)
    assert not rig.kube.find_jobs()
    assert worker.stop() == 0


def test_deployment_can_not_be_read(rig: Rig) -> None:
    """An error of the server is no reason to end, nor to cancel: a later poll tries again."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="GET", path="/deployments/", status=500, times=2)
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    assert "Cancelled" not in rig.prefect.states(run)
    assert worker.stop() == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "ABORT", "reason": "not today"},
        {"status": "REJECT", "state": {"type": "SCHEDULED", "name": "AwaitingConcurrencySlot"}},
        {"status": "REJECT", "state": {"type": "PAUSED", "name": "Paused"}},
        {"status": "REJECT", "state": {"type": "CANCELLED", "name": "Cancelled"}},
    ],
    ids=["abort", "slot", "paused", "cancelled"],
)
def test_refused(rig: Rig, answer: dict) -> None:
    run = rig.scheduled_run()
    rig.prefect.rules.script(run["id"], *[dict(answer) for _ in range(50)])
    worker = rig.start()
    rig.prefect.journal.wait("POST", f"{run['id']}/set_state")
    settle(1)
    assert not rig.kube.find_jobs()
    assert not proposals(rig, run, "Submitting") and not proposals(rig, run, "Crashed")
    assert worker.alive
    assert worker.stop() == 0


def test_refused_run_comes_again(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.rules.script(run["id"], {"status": "ABORT", "reason": "not yet"})
    worker = rig.start()
    rig.submitted(run)
    assert len({transition(s) for s in proposals(rig, run)}) == 2
    assert worker.stop() == 0


def test_concurrency_limit_of_the_deployment(rig: Rig) -> None:
    rig.kube.script.default = Plan("run")
    first = rig.scheduled_run()
    rig.prefect.store.concurrency[first["deployment_id"]] = 1
    deployment = rig.prefect.store.deployments[first["deployment_id"]]
    worker = rig.start()
    rig.submitted(first)
    second = rig.prefect.store.add_run(deployment)
    rig.prefect.wait_state(second, "AwaitingConcurrencySlot")
    settle(0.5)
    assert len(rig.kube.find_jobs()) == 1
    assert worker.stop() == 0


def test_wait_is_kept(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.rules.script(run["id"], {"status": "WAIT", "delay_seconds": 1})
    worker = rig.start()
    rig.submitted(run)
    sent = [
        e
        for e in rig.prefect.journal.find("POST", f"{run['id']}/set_state")
        if e.body["state"]["name"] == "Pending"
    ]
    assert len(sent) == 2
    assert sent[1].request.at - sent[0].request.at >= 1
    assert transition(sent[0].body["state"]) != transition(sent[1].body["state"])
    assert worker.stop() == 0


def test_reply_to_the_claim_is_lost(rig: Rig) -> None:
    """The same transition goes out again; the REJECT that returns it is an acceptance."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="POST", path=f"{run['id']}/set_state", close="after")
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    sent = proposals(rig, run)
    assert len(sent) >= 2 and len({transition(s) for s in sent}) == 1
    assert rig.prefect.states(run).count("Pending") == 1
    assert len(rig.kube.journal.find("POST", "/jobs")) == 1
    assert worker.stop() == 0


def test_claim_is_lost_and_the_state_moved_on(rig: Rig) -> None:
    """Then the history tells whose the Pending was."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="POST", path=f"{run['id']}/set_state", close="after")
    worker = rig.start()
    rig.prefect.wait_state(run, "Pending")
    rig.prefect.store.put_state(run["id"], "PENDING", "InfrastructurePending")
    rig.submitted(run, timeout_s=20)
    assert rig.prefect.journal.find("GET", f"/flow_run_states/\\?flow_run_id={run['id']}")
    assert worker.stop() == 0


def test_claim_of_somebody_else(rig: Rig) -> None:
    """A Pending that another worker made meanwhile is not ours."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="POST", path=f"{run['id']}/set_state", close="before")
    rig.prefect.faults.add(method="POST", path="get_scheduled", skip=1, delay=0.1, times=None)
    worker = rig.start()
    rig.prefect.journal.wait("POST", f"{run['id']}/set_state")
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending", "by another", transition_id=None)
    settle(4)
    assert not rig.kube.find_jobs()
    assert worker.stop() == 0


def test_job_name_comes_from_the_claim(rig: Rig) -> None:
    run = rig.scheduled_run(name="x" * 80)
    worker = rig.start()
    job = rig.submitted(run)
    name = job["metadata"]["name"]
    assert len(name) <= 63
    assert re.fullmatch(r"x{48,}-?[a-z0-9]{12}", name)
    assert "generateName" not in rig.kube.journal.find("POST", "/jobs")[0].body["metadata"]
    assert worker.stop() == 0


def test_two_workers_share_a_pool(rig: Rig) -> None:
    rig.pool()
    runs = [rig.scheduled_run() for _ in range(8)]
    one, other = rig.start(name="w1"), rig.start(name="w2")
    for run in runs:
        rig.submitted(run, timeout_s=20)
    settle(0.5)
    assert len(rig.kube.find_jobs()) == len(runs)
    for run in runs:
        assert rig.prefect.states(run).count("Pending") == 1
    assert one.stop() == 0 and other.stop() == 0


def test_submissions_overlap(rig: Rig) -> None:
    """A slow reply for one run does not hold up another."""
    slow, fast = rig.scheduled_run(), rig.scheduled_run()
    rig.prefect.faults.add(method="PATCH", path=f"{slow['id']}/labels", delay=3)
    began = time.monotonic()
    worker = rig.start()
    rig.submitted(fast)
    assert time.monotonic() - began < 3
    rig.submitted(slow)
    assert worker.stop() == 0


def test_run_is_deleted_on_the_way(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="GET", path="/flows/", delay=0.7)
    worker = rig.start()
    rig.prefect.wait_state(run, "Pending")
    with rig.prefect.store.lock:
        del rig.prefect.store.runs[run["id"]], rig.prefect.store.states[run["id"]]
    other = rig.scheduled_run()
    rig.submitted(other)
    assert not [j for j in rig.kube.find_jobs() if rig.run_of(j) == run["id"]]
    assert worker.stop() == 0
