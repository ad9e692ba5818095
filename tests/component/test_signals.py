# SPDX-License-Identifier: Apache-2.0
"""Graceful stop, the second signal, and life as process 1."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from harness import Rig, settle

CREATE = r"/apis/batch/v1/namespaces/[^/]+/jobs\?"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_worker_stops(rig: Rig, number: signal.Signals) -> None:
    rig.pool()
    worker = rig.start()
    rig.prefect.wait_event("prefect.worker.started")
    worker.signal(number)
    assert worker.wait_exit(5) == 0
    rig.prefect.wait_event("prefect.worker.stopped", timeout_s=1)
    assert worker.matching("stopped")


def test_submission_in_flight_is_finished(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, delay=1.5)
    worker = rig.start()
    assert rig.kube.journal.wait_for(lambda: rig.kube.journal.find("POST", CREATE), 10)
    worker.signal()
    assert worker.wait_exit() == 0
    rig.submitted(run, timeout_s=1)
    assert rig.prefect.wait_event("prefect.worker.executed-flow-run", timeout_s=1)


def test_nothing_new_is_claimed(rig: Rig) -> None:
    first = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, delay=1.5)
    worker = rig.start()
    assert rig.kube.journal.wait_for(lambda: rig.kube.journal.find("POST", CREATE), 10)
    worker.signal()
    settle(0.2)
    late = rig.scheduled_run()
    assert worker.wait_exit() == 0
    rig.submitted(first, timeout_s=1)
    assert rig.prefect.states(late) == ["Scheduled"]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_at_once(rig: Rig, second: signal.Signals) -> None:
    rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, stall=-1)
    worker = rig.start()
    assert rig.kube.journal.wait_for(lambda: rig.kube.journal.find("POST", CREATE), 10)
    worker.signal()
    settle(0.5)
    assert worker.alive, worker.text
    worker.signal(second)
    assert worker.wait_exit(3) in (137, -9)


def test_stop_is_bounded(rig: Rig) -> None:
    """A peer that never answers does not keep the worker."""
    rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, stall=-1, times=None)
    worker = rig.start()
    assert rig.kube.journal.wait_for(lambda: rig.kube.journal.find("POST", CREATE), 10)
    worker.signal()
    assert worker.wait_exit(40) == 0


def test_stop_while_prefect_is_away(rig: Rig) -> None:
    rig.pool()
    worker = rig.start()
    rig.prefect.wait_event("prefect.worker.started")
    rig.prefect.server.refuse()
    worker.wait_line("prefect|refused|connect")
    worker.signal()
    assert worker.wait_exit(20) == 0


def child_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(text) == 1, text
    return int(text[0])


@pytest.mark.parametrize("twice", [False, True])
def test_as_process_one(rig: Rig, twice: bool) -> None:
    """In a PID namespace of its own: signals that it does not handle would be ignored there."""
    rig.scheduled_run()
    if twice:
        rig.kube.faults.add(method="POST", path=CREATE, stall=-1)
    worker = rig.start(before=["unshare", "--map-root-user", "--pid", "--fork", "--kill-child"])
    assert rig.kube.journal.wait_for(lambda: rig.kube.journal.find("POST", CREATE), 10), worker.text
    settle(0.3)
    inner = child_of(worker.process.pid)
    subprocess.run(["kill", "-TERM", str(inner)], check=True)
    if twice:
        settle(0.5)
        subprocess.run(["kill", "-TERM", str(inner)], check=True)
    assert worker.wait_exit() == (137 if twice else 0), worker.text
