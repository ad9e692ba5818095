# SPDX-License-Identifier: Apache-2.0
"""--run-once, --limit, --work-queue, --prefetch-seconds."""

from __future__ import annotations

import pytest
from harness import Rig, settle
from standin.kube_script import Plan
from standin.prefect_shapes import parse_time


def test_run_once(rig: Rig) -> None:
    runs = [rig.scheduled_run() for _ in range(3)]
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0, worker.text
    for run in runs:
        rig.submitted(run)
    assert len(rig.prefect.journal.find("POST", "get_scheduled")) == 1
    assert rig.prefect.wait_event("prefect.worker.executed-flow-run", 3)
    assert rig.prefect.wait_event("prefect.worker.stopped")


def test_run_once_with_limit(rig: Rig) -> None:
    """No more than the limit is taken; live Jobs count."""
    rig.kube.script.default = Plan("run")
    for _ in range(3):
        rig.scheduled_run()
    worker = rig.start("--run-once", "--limit", "2")
    assert worker.wait_exit() == 0, worker.text
    assert len(rig.kube.find_jobs()) == 2


def test_run_once_without_prefect(rig: Rig) -> None:
    rig.prefect.server.refuse()
    worker = rig.start("--run-once", env={"PREFECT_CLIENT_MAX_RETRIES": "0"})
    assert worker.wait_exit(30) == 1, worker.text


def test_run_once_without_kubernetes(rig: Rig) -> None:
    rig.pool()
    rig.kube.server.refuse()
    worker = rig.start("--run-once")
    assert worker.wait_exit(30) == 1, worker.text
    assert not rig.kube.find_jobs()


def test_run_once_when_the_poll_fails(rig: Rig) -> None:
    rig.pool()
    rig.prefect.faults.add(method="POST", path="get_scheduled", status=500, times=None)
    worker = rig.start("--run-once", env={"PREFECT_CLIENT_MAX_RETRIES": "1"})
    assert worker.wait_exit(30) == 1, worker.text


def test_limit_counts_live_jobs(rig: Rig) -> None:
    rig.kube.script.default = Plan("run")
    for _ in range(3):
        rig.scheduled_run()
    worker = rig.start("--limit", "1")
    first = rig.kube.wait_job()[0]
    settle(1.5)
    assert len(rig.kube.find_jobs()) == 1
    pod = rig.kube.wait_pod("Running")
    ended = {"phase": "Succeeded", "containerStatuses": []}
    rig.kube.store.update(
        "pods", "default", pod["metadata"]["name"], lambda o: o.update(status=ended)
    )
    second = [j for j in rig.kube.wait_job(2) if j["metadata"]["uid"] != first["metadata"]["uid"]]
    assert len(second) == 1
    settle(1)
    assert len(rig.kube.find_jobs()) == 2
    assert worker.stop() == 0


def test_limit_holds_after_a_restart(rig: Rig) -> None:
    rig.kube.script.default = Plan("run")
    for _ in range(3):
        rig.scheduled_run()
    worker = rig.start("--limit", "2")
    rig.kube.wait_job(2)
    assert worker.stop() == 0
    worker = rig.start("--limit", "2")
    rig.prefect.journal.wait("POST", "get_scheduled", count=6)
    settle(1)
    assert len(rig.kube.find_jobs()) == 2
    assert worker.stop() == 0


def test_limit_waits_for_the_first_list(rig: Rig) -> None:
    """Nothing is claimed before it is known what runs already."""
    rig.scheduled_run()
    rig.kube.faults.add(method="GET", path="/jobs\\?", delay=1.5)
    worker = rig.start("--limit", "1")
    settle(1.2)
    assert not rig.prefect.journal.find("POST", "set_state")
    rig.kube.wait_job()
    assert worker.stop() == 0


def test_limit_of_other_workers_does_not_count(rig: Rig) -> None:
    rig.kube.script.default = Plan("run")
    runs = [rig.scheduled_run() for _ in range(2)]
    one = rig.start("--limit", "1", name="w1")
    rig.kube.wait_job()
    two = rig.start("--limit", "1", name="w2")
    for run in runs:
        rig.submitted(run)
    assert one.stop() == 0 and two.stop() == 0


def test_limit_zero_takes_nothing(rig: Rig) -> None:
    rig.scheduled_run()
    worker = rig.start("--limit", "0")
    worker.wait_started()
    settle(1)
    assert not rig.prefect.journal.find("POST", "set_state")
    assert worker.stop() == 0


def test_limit_without_a_name_warns(rig: Rig) -> None:
    rig.pool()
    worker = rig.start("--limit", "1", name=None)
    worker.wait_line("--name")
    worker.wait_started()
    assert worker.stop() == 0


def test_default_name(rig: Rig) -> None:
    rig.pool()
    worker = rig.start("--run-once", name=None)
    assert worker.wait_exit() == 0
    beat = rig.prefect.journal.find("POST", "/heartbeat")[0].body
    kind, _, rest = beat["name"].partition(" ")
    assert kind == "KubernetesWorker" and len(rest) == 36


def test_work_queues(rig: Rig) -> None:
    pool = rig.pool()
    for name in ("high", "low"):
        rig.prefect.store.add_queue(pool["name"], name)
    make = rig.prefect.deployment
    mine = rig.prefect.store.add_run(make(queue="high", job_variables={"image": "b"}))
    other = rig.prefect.store.add_run(make(queue="default", job_variables={"image": "b"}))
    worker = rig.start("-q", "high", "--work-queue", "low")
    rig.submitted(mine)
    settle(0.5)
    asked = rig.prefect.journal.find("POST", "get_scheduled")
    assert asked[0].body["work_queue_names"] == ["high", "low"]
    assert rig.prefect.states(other) == ["Scheduled"]
    shown = rig.prefect.journal.find("POST", "/queues/filter")[0].body
    assert shown["work_queues"] == {"name": {"any_": ["high", "low"]}}
    assert worker.stop() == 0


def test_work_queue_is_missing(rig: Rig) -> None:
    """404 to the poll is an empty answer."""
    rig.pool()
    worker = rig.start("-q", "absent")
    rig.prefect.journal.wait("POST", "get_scheduled", count=3)
    assert worker.alive
    assert worker.stop() == 0


@pytest.mark.parametrize(("seconds", "taken"), [(30, True), (1, False)])
def test_prefetch(rig: Rig, seconds: int, taken: bool) -> None:
    deployment = rig.deployment()
    run = rig.prefect.store.add_run(deployment, in_seconds=15)
    worker = rig.start("--prefetch-seconds", str(seconds), "--run-once")
    assert worker.wait_exit() == 0, worker.text
    poll = rig.prefect.journal.find("POST", "get_scheduled")[0]
    ahead = parse_time(poll.body["scheduled_before"]).timestamp() - poll.request.at
    assert seconds - 2 < ahead <= seconds
    assert ("Pending" in rig.prefect.states(run)) is taken


def test_many_runs_in_one_reply(rig: Rig) -> None:
    runs = [rig.scheduled_run() for _ in range(60)]
    worker = rig.start()
    rig.kube.wait_job(len(runs), timeout_s=60)
    for run in runs:
        rig.submitted(run)
    assert len(rig.kube.journal.find("POST", "/jobs")) == len(runs)
    assert worker.stop() == 0
