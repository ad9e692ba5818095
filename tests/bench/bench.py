# SPDX-License-Identifier: Apache-2.0
"""What the release binary needs between the stand-ins of both APIs: size, memory, start-up.

    bench.py BINARY

Prints a line a figure, with its budget if it has one; exit status 1 when a budget is broken."""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "component")]
sys.dont_write_bytecode = True

SIZE_BELOW = 1_000_000  # bytes
RSS_LIMIT = 4096  # KiB
FIRST_POLL_LIMIT = 50.0  # ms
STARTS = 11
SETTLED_POLLS = 10
TRACKED = (1000, 3000)  # Jobs, and as many pods; memory is read at both
POLL = "get_scheduled_flow_runs"


class Report:
    def __init__(self) -> None:
        self.broken = 0

    def line(self, what: str, value: str) -> None:
        print(f"  {what:34s} {value}", flush=True)

    def judged(self, what: str, value: float, unit: str, limit: float, holds: bool) -> None:
        verdict = "ok" if holds else "BROKEN"
        self.broken += not holds
        digits = 1 if isinstance(value, float) else 0
        sign = "<" if limit == SIZE_BELOW else "≤"
        self.line(
            what, f"{value:,.{digits}f} {unit}   budget {sign} {limit:,.0f} {unit}: {verdict}"
        )


@contextmanager
def rig() -> Iterator:
    """Both stand-ins, the one of Kubernetes with TLS."""
    from harness import Rig
    from standin.certs import Authority, server_context
    from standin.kube import Kube
    from standin.prefect import Prefect

    with tempfile.TemporaryDirectory(prefix="prefect-k8s-worker-bench-") as name:
        folder = Path(name)
        authority = Authority(folder / "pki")
        pair = authority.issue("apiserver", ["IP:127.0.0.1"])
        with Kube(tls=server_context(pair, authority.cert)) as kube, Prefect() as prefect:
            made = Rig(prefect, kube, authority.cert, folder)
            made.pool()
            try:
                yield made
            finally:
                made.finish()


def wait_idle(made, already: int = 0) -> None:
    """Both watches stand and several polls have come since."""
    for resource in ("jobs", "pods"):
        made.kube.journal.wait("GET", f"/{resource}\\?.*watch", already + 1)
    polls = len(made.prefect.journal.find("POST", POLL))
    made.prefect.journal.wait("POST", POLL, polls + SETTLED_POLLS, timeout_s=30)


def first_poll_ms(made) -> float:
    """From the start of the process to the arrival of its first poll."""
    journal = made.prefect.journal
    arrived: list[float] = []
    add = journal.add

    def note(request):
        if POLL in request.path:
            arrived.append(time.monotonic())
        return add(request)

    journal.add = note
    try:
        began = time.monotonic()
        worker = made.start()
        journal.wait_for(lambda: arrived, 20)
        worker.stop()
    finally:
        journal.add = add
    if not arrived:
        raise SystemExit(f"bench: no poll came; the worker said:\n{worker.text}")
    return 1000 * (arrived[0] - began)


def ask_figures(port: int) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/figures")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def start_with_figures(made):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    env = {"PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1", "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    return made.start("--with-healthcheck", env=env), port


def add_job_and_pod(made, pool_id: str) -> None:
    """A Job that runs, as the worker itself labels it, and its pod."""
    run = str(uuid.uuid4())
    name = f"sturdy-heron-{run[:12]}"
    labels = {
        "prefect.io/flow-run-id": run,
        "prefect.io/flow-run-name": "sturdy-heron",
        "prefect.io/work-pool-id": pool_id,
        "prefect.io/worker-name": "w1",
    }
    store = made.kube.store
    spec = {"containers": [{"name": "prefect-job", "image": "busybox:1"}]}
    job = {"metadata": {"name": name, "namespace": "default", "labels": labels}}
    job |= {"spec": {"template": {"spec": spec}, "suspend": True}, "status": {"active": 1}}
    store.create("jobs", "default", job)
    pod_labels = {**labels, "job-name": name}
    pod = {"metadata": {"name": f"{name}-abcde", "namespace": "default", "labels": pod_labels}}
    pod |= {"spec": {**spec, "nodeName": "node-1"}, "status": {"phase": "Running"}}
    store.create("pods", "default", pod)


def track(made, port: int, pool_id: str, count: int) -> dict:
    """Adds Jobs and pods until there are COUNT of each and the worker knows them; its figures."""
    for _ in range(count - len(made.kube.find_jobs())):
        add_job_and_pod(made, pool_id)
    deadline = time.monotonic() + 60
    while True:
        observer = ask_figures(port)["observer"]
        if observer["jobs"] == observer["pods"] == count:
            return observer
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {count} Jobs and pods, but tracked are {observer}")
        time.sleep(0.2)


def measure_idle(made, report: Report) -> None:
    worker = made.start()
    wait_idle(made)
    rss = worker.rss_kib()
    report.judged("VmRSS, idle, both APIs connected", rss, "KiB", RSS_LIMIT, rss <= RSS_LIMIT)
    assert worker.stop() == 0, worker.text


def measure_tracking(made, report: Report) -> None:
    """How memory grows with what is tracked, by the worker's own figures and by the kernel's."""
    worker, port = start_with_figures(made)
    wait_idle(made, len(made.kube.journal.find("GET", r"/pods\?.*watch")))
    before = ask_figures(port)
    made.prefect.journal.wait("POST", POLL, len(made.prefect.journal.find("POST", POLL)) + 10, 30)
    after = ask_figures(port)
    heap = after["heap"]
    report.line(
        "heap of the libraries",
        f"{heap['used']:,} bytes used, {heap['high']:,} at most, budget {heap['budget']:,}",
    )
    requests = after["http"]["requests"] - before["http"]["requests"]
    report.line(
        "allocations since the start",
        f"{heap['allocations']:,} for {after['http']['requests']:,} requests;"
        f" {heap['allocations'] - before['heap']['allocations']:,} for {requests} more when idle",
    )
    pool_id = made.prefect.store.pools["pool"]["id"]
    sizes = [worker.rss_kib()]
    for count in TRACKED:
        observer = track(made, port, pool_id, count)
        sizes.append(worker.rss_kib())
    each = f"{observer['bytes_per_job']} bytes a Job, {observer['bytes_per_pod']} bytes a pod"
    report.line("records", each)
    grown = 1024 * (sizes[2] - sizes[1]) / (TRACKED[1] - TRACKED[0])
    report.line(
        f"VmRSS with {TRACKED[0]:,} and {TRACKED[1]:,} tracked",
        f"{sizes[1]:,} KiB and {sizes[2]:,} KiB (from {sizes[0]:,}): {grown:,.0f} bytes a pair",
    )
    assert worker.stop() == 0, worker.text


def main() -> int:
    os.environ["BIN"] = str(Path(sys.argv[1]).resolve())
    size = Path(os.environ["BIN"]).stat().st_size
    report = Report()
    report.judged("size of the binary", size, "bytes", SIZE_BELOW, size < SIZE_BELOW)
    with rig() as made:
        measure_idle(made, report)
    with rig() as made:
        times = [first_poll_ms(made) for _ in range(STARTS)]
    median = statistics.median(times)
    holds = median <= FIRST_POLL_LIMIT
    report.judged("start to first poll, median", median, "ms", FIRST_POLL_LIMIT, holds)
    spread = f"{min(times):.1f} to {max(times):.1f} ms in {STARTS} starts"
    report.line("", spread)
    with rig() as made:
        measure_tracking(made, report)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
