# SPDX-License-Identifier: Apache-2.0
"""Workers: ours, and the Python one as its peer."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from . import install
from .cluster import Cluster
from .process import Process
from .server import Server

serial = itertools.count(1)


def settings(server: Server, cluster: Cluster, folder: Path) -> dict[str, str]:
    return {
        "PREFECT_API_URL": server.url,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "KUBECONFIG": str(cluster.kubeconfig),
    }


def command(kind: str, server: Server) -> list:
    """KIND is "ours", "prefect" (ours under its other name) or "python". With PKW_WORKER=python all are
    the Python worker, which shows what the tests ask beyond it."""
    if kind == "python" or os.environ.get("PKW_WORKER") == "python":
        return [server.environment / "bin/prefect", "worker", "start"]
    program = install.BUILD / ("prefect" if kind == "prefect" else "prefect-k8s-worker")
    assert program.exists(), f"{program} is missing: `make` builds it"
    return [program, "worker", "start"]


def start(
    kind: str,
    server: Server,
    cluster: Cluster,
    folder: Path,
    pool: str,
    *args: str,
    env: dict[str, str] | None = None,
) -> Process:
    """A worker of the pool that runs in the calling thread's network."""
    name = f"worker-{kind}-{next(serial)}"
    own = folder / name
    own.mkdir(parents=True)
    argv = [*command(kind, server), "--pool", pool, "--type", "kubernetes", *args]
    environment = {**settings(server, cluster, own), "PYTHONWARNINGS": "ignore", **(env or {})}
    if kind == "python":
        environment["PYTHONUNBUFFERED"] = "1"
    return Process(argv, environment, own, name)
