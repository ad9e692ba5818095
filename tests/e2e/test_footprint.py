# SPDX-License-Identifier: Apache-2.0
"""Memory and start-up beside the Python worker's, on the real servers, in one run."""

import json

import pytest
from rig import install
from rig.cluster import NODE_IP
from rig.footprint import measure
from rig.server import PORTS

RSS_LIMIT_KIB = 4096


@pytest.fixture(scope="module")
def results():
    """The figures go to build/results/footprint.json, for `make bench`."""
    figures = {}
    yield figures
    folder = install.BUILD / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "footprint.json").write_text(json.dumps(figures, indent=2) + "\n")


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_idle_worker_is_small_and_fast(generation, servers, pool, start_worker, results, capsys):
    server = servers[generation]
    figures = {}
    for kind in ("ours", "python"):
        name = pool(server)

        def start(url, kind=kind, name=name):
            return start_worker(server, name, kind=kind, env={"PREFECT_API_URL": url})

        figures[kind] = measure(start, NODE_IP, PORTS[generation])
        results[f"{kind} on {server.version}"] = vars(figures[kind])
        with capsys.disabled():
            print(f"\n  {kind:7s} on {server.version}: {figures[kind]}", end="")
    ours, python = figures["ours"], figures["python"]
    with capsys.disabled():
        memory, start = python.rss_kib / ours.rss_kib, python.first_poll_ms / ours.first_poll_ms
        print(
            f"\n  the Python worker needs {memory:.0f} times the memory, {start:.0f} times the time"
        )
    assert ours.rss_kib <= RSS_LIMIT_KIB
    assert ours.first_poll_ms < python.first_poll_ms / 4
