# SPDX-License-Identifier: Apache-2.0
"""Lines about runs to Prefect, lines of pods to our own output."""

from __future__ import annotations

import json
import re

import pytest
from harness import Rig, settle
from standin.kube_script import Plan
from standin.prefect_shapes import parse_time


def test_run_logs(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    job = rig.submitted(run)
    assert worker.stop() == 0
    logs = rig.prefect.run_logs(run)
    assert logs and all(log["name"] == "prefect.flow_runs.worker" for log in logs[:3])
    for log in logs:
        assert set(log) == {"name", "level", "message", "timestamp", "flow_run_id", "task_run_id"}
        assert log["level"] in (10, 20, 30, 40) and log["task_run_id"] is None
        parse_time(log["timestamp"])
    text = "\n".join(log["message"] for log in logs)
    assert job["metadata"]["name"] in text and "w1" in text
    for log in logs:
        assert log["message"].splitlines()[0] in worker.text, "the same lines stand in the output"


def test_logs_go_in_batches(rig: Rig) -> None:
    for _ in range(10):
        rig.scheduled_run()
    worker = rig.start(env={"PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "1"})
    rig.kube.wait_job(10)
    settle(2)
    batches = rig.prefect.journal.find("POST", "/logs/")
    assert sum(len(b.body) for b in batches) >= 30
    assert len(batches) <= 6
    assert worker.stop() == 0


def test_logs_switched_off(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start(env={"PREFECT_LOGGING_TO_API_ENABLED": "false"})
    rig.submitted(run)
    assert worker.stop() == 0
    assert not rig.prefect.journal.find("POST", "/logs/")


def test_logs_wait_for_the_end(rig: Rig) -> None:
    """What is still in the queue goes out at the stop."""
    run = rig.scheduled_run()
    worker = rig.start(env={"PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "30"})
    rig.submitted(run)
    assert not rig.prefect.run_logs(run)
    assert worker.stop() == 0
    assert rig.prefect.run_logs(run)


def test_refused_logs_do_not_block(rig: Rig) -> None:
    rig.prefect.faults.add(method="POST", path="/logs/", status=500, times=2)
    worker = rig.start()
    for _ in range(3):
        rig.submitted(rig.scheduled_run())
    assert worker.alive
    assert worker.stop() == 0


def test_level(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start(env={"PREFECT_LOGGING_LEVEL": "error"})
    rig.submitted(run)
    assert worker.stop() == 0
    assert not rig.prefect.run_logs(run)
    assert not worker.matching(r"\| (DEBUG|INFO|WARNING)")


def test_form_of_lines(rig: Rig) -> None:
    rig.scheduled_run()
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0
    form = r"\d\d:\d\d:\d\d\.\d{3} \| (DEBUG  |INFO   |WARNING|ERROR  |CRITICAL) \| [\w. -]+ - .+"
    assert worker.stderr
    for line in worker.stderr:
        assert re.fullmatch(form, line), line


def test_json_lines(rig: Rig) -> None:
    run = rig.scheduled_run()
    env = {"PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json"}
    worker = rig.start("--run-once", env=env)
    assert worker.wait_exit() == 0
    lines = [json.loads(line) for line in worker.stderr]
    keys = {"name", "msg", "levelname", "levelno", "created", "message", "severity", "exc_info"}
    assert lines and all(keys <= set(line) for line in lines)
    about = [line for line in lines if line.get("flow_run_id") == run["id"]]
    assert about and {line["worker_name"] for line in about} == {"w1"}


def test_stream_output(rig: Rig) -> None:
    """A pod's lines appear in the worker's output, marked with the run, each once."""
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(log=["first line", "second ünï line"], run_s=0.5)
    worker = rig.start()
    rig.submitted(run)
    line = worker.wait_line("second ünï line")
    assert run["name"] in line or run["id"] in line
    settle(1)
    assert len(worker.matching("first line")) == 1
    assert worker.stop() == 0


def test_stream_output_off(rig: Rig) -> None:
    run = rig.scheduled_run(stream_output=False)
    rig.kube.script.by_run[run["id"]] = Plan(log=["secret murmur"], run_s=0.5)
    worker = rig.start()
    rig.submitted(run)
    rig.kube.wait_pod("Succeeded")
    settle(1)
    assert "secret murmur" not in worker.text
    assert not rig.kube.journal.find("GET", "/log")
    assert worker.stop() == 0


def test_stream_grows(rig: Rig) -> None:
    """Lines come as they are written; cut streams are resumed without loss or repeat."""
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan("run")
    worker = rig.start()
    rig.submitted(run)
    pod = rig.kube.wait_pod("Running")["metadata"]["name"]
    log = rig.kube.logs.of("default", pod, "prefect-job")
    log.write("alpha\n")
    worker.wait_line("alpha")
    rig.kube.server.drop()
    log.write("beta\n")
    worker.wait_line("beta", timeout_s=20)
    log.write("gamma\n")
    worker.wait_line("gamma", timeout_s=20)
    settle(1)
    for word in ("alpha", "beta", "gamma"):
        assert len(worker.matching(word)) == 1, worker.text
    assert worker.stop() == 0


@pytest.mark.parametrize("split", [1, None])
def test_many_lines(rig: Rig, split: int | None) -> None:
    count = 300 if split else 3000
    run = rig.scheduled_run()
    lines = [f"row {i:05d}" for i in range(count)]
    rig.kube.script.by_run[run["id"]] = Plan(log=lines, run_s=0.5)
    if split:
        rig.kube.faults.add(method="GET", path="/log", split=split, times=None)
    worker = rig.start()
    rig.submitted(run)
    worker.wait_line(lines[-1], timeout_s=40)
    seen = [m[0] for m in (re.findall(r"row \d{5}", line) for line in worker.lines) if m]
    assert seen == lines
    assert worker.stop() == 0


def test_a_line_without_end(rig: Rig) -> None:
    """A line of 3 MB is cut or skipped, and those after it come."""
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(log=["x" * 3_000_000, "after it"], run_s=0.5)
    worker = rig.start()
    rig.submitted(run)
    worker.wait_line("after it", timeout_s=20)
    assert worker.stop() == 0


def test_logs_are_forbidden(rig: Rig) -> None:
    rig.kube.access.deny("get", "pods/log")
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan(log=["a"], run_s=0.5)
    worker = rig.start()
    rig.submitted(run)
    worker.wait_line("pods/log|log.*forbidden|forbidden.*log")
    rig.prefect.wait_event("prefect.kubernetes.pod.succeeded")
    assert worker.stop() == 0
