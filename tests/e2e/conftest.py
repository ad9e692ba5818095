# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one cluster and two servers a session; pools, runs and workers a test."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig import install, worker  # noqa: E402
from rig.cluster import Cluster  # noqa: E402
from rig.process import Process  # noqa: E402
from rig.server import Server  # noqa: E402


class Tally:
    """Counts tests for the last line and for the file that $PKW_RESULT names. An error in a fixture
    is a failure, and so is a test that was skipped: an environment that can't run it is a fault."""

    def __init__(self) -> None:
        self.outcomes: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.outcomes[report.nodeid] = report.passed
        else:
            self.outcomes.setdefault(report.nodeid, False)  # until its call has passed

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        passed = sum(self.outcomes.values())
        failed = len(self.outcomes) - passed
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            failed = max(failed, 1)  # it did not come to its end
        if result := os.environ.get("PKW_RESULT"):
            Path(result).write_text(f"{passed} {failed}\n")


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt  # pytest ends the fixtures, then itself


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tally())
    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """The session's folder; it is gone afterwards, but for the logs, which go to build/e2e-logs."""
    folder = Path(tempfile.mkdtemp(prefix="prefect-k8s-worker-e2e-"))
    folder.chmod(0o755)  # flows in it are read by containers of other users
    yield folder
    kept = install.BUILD / "e2e-logs"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for log in folder.rglob("*.log"):
        shutil.copy(log, kept)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(work: Path) -> Iterator[Cluster]:
    """A cluster, whose network this process is in from now on."""
    install.everything()
    cluster = Cluster(work / "cluster")
    cluster.up()
    cluster.enter()
    yield cluster
    cluster.down()


@pytest.fixture(scope="session")
def flows(work: Path) -> Path:
    shutil.copytree(install.E2E / "flows", work / "flows")
    return work / "flows"


@pytest.fixture(scope="session")
def servers(cluster: Cluster, work: Path) -> Iterator[dict[str, Server]]:
    """Both generations, started at the same time."""
    servers = {generation: Server(generation, work) for generation in ("3.8", "2.20")}
    try:
        for server in servers.values():
            server.start()
        for server in servers.values():
            server.wait_ready()
        yield servers
    finally:
        for server in servers.values():
            server.stop()


@pytest.fixture(scope="session")
def server(servers: dict[str, Server]) -> Server:
    """The newer generation, which most tests need alone."""
    return servers["3.8"]


@pytest.fixture
def pool(flows: Path) -> Callable[..., str]:
    """Makes a work pool with a name of its own on a server."""

    def make(server: Server, change: Callable[[dict], None] | None = None, **fields) -> str:
        name = f"pool-{uuid.uuid4().hex[:8]}"
        template = server.template(flows)
        if change:
            change(template)
        server.api.pool(name, template, **fields)
        return name

    return make


@pytest.fixture
def start_worker(cluster: Cluster, work: Path) -> Iterator[Callable[..., Process]]:
    """Starts workers; what the test has not stopped itself must stop cleanly when it ends."""
    started: list[Process] = []

    def start(
        server: Server, pool: str, *args: str, kind: str = "ours", env: dict | None = None
    ) -> Process:
        process = worker.start(kind, server, cluster, work, pool, *args, env=env)
        started.append(process)
        return process

    yield start
    try:
        for process in started:
            if process.running():
                process.stop()
    finally:
        for process in started:
            process.kill()
