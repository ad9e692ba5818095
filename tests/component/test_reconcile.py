# SPDX-License-Identifier: Apache-2.0
"""Runs and Jobs that do not fit together: after a SIGKILL, a lost Job, a process that ends mute."""

from __future__ import annotations

from harness import Rig, settle
from standin.kube_script import Plan

KILLED = {"PREFECT_K8S_WORKER_RECONCILE_SECONDS": "1"}


def job_posts(rig: Rig) -> list:
    return rig.kube.journal.find("POST", "/jobs")


def test_killed_between_claim_and_job(rig: Rig) -> None:
    """The same worker, started again, goes on where its claim stands: one Job."""
    run = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path="/jobs", delay=30, close="before")
    first = rig.start()
    rig.prefect.wait_state(run, "Submitting")
    first.kill()
    rig.kube.faults.clear()
    assert rig.prefect.states(run)[-1] in ("Pending", "Submitting")
    second = rig.start()
    rig.submitted(run, timeout_s=15)
    settle(1)
    assert len(rig.kube.find_jobs()) == 1
    assert second.stop() == 0


def test_killed_after_the_job_was_made(rig: Rig) -> None:
    """The Job is there, its reply never came: adopted, not made again."""
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(run_s=60)
    rig.kube.faults.add(method="POST", path="/jobs", close="after")
    rig.kube.faults.add(method="GET", path="/jobs/", status=503, times=None)
    first = rig.start()
    rig.kube.journal.wait("POST", "/jobs", count=2, timeout_s=20)
    first.kill()
    rig.kube.faults.clear()
    assert len(rig.kube.find_jobs()) == 1
    second = rig.start()
    rig.submitted(run, timeout_s=15)
    settle(1)
    assert len(rig.kube.find_jobs()) == 1
    assert second.stop() == 0


def test_claims_of_others_are_left_alone(rig: Rig) -> None:
    """A Python worker's claim, and one for another cluster: neither is gone on with."""
    runs = [rig.scheduled_run() for _ in range(2)]
    messages = [None, "Claimed by Kubernetes worker 'w1' for cluster 00000000"]
    for run, message in zip(runs, messages, strict=True):
        rig.prefect.store.put_state(run["id"], "PENDING", "Pending", message=message)
    worker = rig.start(env=KILLED)
    settle(4)
    assert not job_posts(rig)
    assert worker.stop() == 0


def test_job_of_a_run_that_is_over(rig: Rig) -> None:
    """Seen twice, the Job is deleted; the run's state stays as it is."""
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(run_s=120)
    worker = rig.start(env=KILLED)
    rig.submitted(run)
    rig.kube.wait_pod("Running")
    rig.prefect.store.put_state(run["id"], "COMPLETED", "Completed")
    rig.kube.journal.wait("DELETE", "/jobs/", timeout_s=20)
    settle(0.5)
    assert rig.prefect.states(run)[-1] == "Completed"
    assert worker.stop() == 0


def test_job_is_deleted_while_no_worker_is_up(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(run_s=120)
    worker = rig.start(env=KILLED)
    job = rig.submitted(run)
    rig.kube.wait_pod("Running")
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    assert worker.stop() == 0
    name = job["metadata"]["name"]
    rig.kube.store.delete("jobs", "default", name)
    second = rig.start(env=KILLED)
    state = rig.prefect.wait_state(run, "Crashed", timeout_s=30)
    assert name in state["message"]
    assert second.stop() == 0
