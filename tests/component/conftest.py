# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the component tests. `rig` is what nearly every case takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import Rig, binary
from standin.certs import Authority, Pair, server_context
from standin.kube import Kube
from standin.prefect import Prefect


def pytest_sessionstart(session: pytest.Session) -> None:
    if not binary().exists():
        pytest.exit(f"{binary()} is missing: make debug (or set BIN=)", 4)


def record(server: str) -> str | None:
    """PKW_RECORD= names a folder for the requests that the stand-ins accepted."""
    folder = os.environ.get("PKW_RECORD")
    return f"{folder}/{server}-{os.getpid()}.jsonl" if folder else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure shows what the workers printed and what both servers saw."""
    report = yield
    used = getattr(item, "funcargs", {})
    rig = used.get("rig") or used.get("legacy_rig")
    if report.failed and rig is not None:
        for worker in rig.workers:
            words = " ".join(worker.words[1:])
            shown = f"{words}\nexit code: {worker.process.poll()}\n{worker.text}"
            report.sections.append(("worker", shown[-6000:]))
        for journal in (rig.prefect.journal, rig.kube.journal):
            seen = "\n".join(str(e) for e in journal.find()[-40:])
            report.sections.append((f"requests at {journal.server}", seen))
    return report


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def server_pair(authority: Authority) -> Pair:
    return authority.issue("apiserver", ["DNS:localhost", "IP:127.0.0.1", "IP:::1"])


@pytest.fixture
def kube(authority: Authority, server_pair: Pair) -> Iterator[Kube]:
    tls = server_context(server_pair, authority.cert)
    with Kube(tls=tls, record=record("kube")) as server:
        yield server
        assert not server.timeline.errors, server.timeline.errors


@pytest.fixture
def prefect() -> Iterator[Prefect]:
    with Prefect(record=record("prefect")) as server:
        yield server


@pytest.fixture
def rig(prefect: Prefect, kube: Kube, authority: Authority, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(prefect, kube, authority.cert, tmp_path)
    yield made
    made.finish()


@pytest.fixture
def legacy_rig(kube: Kube, authority: Authority, tmp_path: Path) -> Iterator[Rig]:
    """As `rig`, with a server of version 2.20."""
    with Prefect(mode="2.20", record=record("prefect")) as server:
        made = Rig(server, kube, authority.cert, tmp_path)
        yield made
        made.finish()
