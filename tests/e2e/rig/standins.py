# SPDX-License-Identifier: Apache-2.0
"""Runs our worker against the stand-ins that the component tests use, and keeps what they accepted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import install
from .process import Process
from .wait import until

sys.path.insert(0, str(install.TESTS))

from standin.kube import Kube, kubeconfig  # noqa: E402
from standin.kube_script import Plan  # noqa: E402
from standin.prefect import Prefect  # noqa: E402

FINAL = {"Completed", "Crashed", "Cancelled", "Failed"}


def record(mode: str, folder: Path) -> list[dict]:
    """One worker, several runs with different ends; every request that was accepted, in order."""
    folder.mkdir(parents=True)
    accepted = folder / "accepted.jsonl"
    with (
        Kube(record=str(accepted)) as kube,
        Prefect(mode=mode, record=str(accepted)) as prefect,
    ):
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig(kube.url)))
        variables = {"env": {"A": "b"}, "labels": {"team": "x"}, "image": "localhost/x:1"}
        deployment = prefect.deployment(job_variables=variables, tags=["tag"])
        ends = {
            "complete": Plan.parse({"outcome": "complete"}),
            "exit": Plan.parse({"outcome": "exit", "code": 3, "log": ["last words"]}),
            "image": Plan.parse({"outcome": "image_pull"}),
        }
        runs = {}
        for name, plan in ends.items():
            runs[name] = prefect.store.add_run(deployment, name=name)
            kube.script.by_run[runs[name]["id"]] = plan
        environment = {
            "PREFECT_API_URL": prefect.url,
            "PREFECT_HOME": str(folder / "home"),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_STORE_ENV_AS_SECRET": "true",
        }
        argv = [install.BINARY, "worker", "start", "--pool", "pool", "--name", f"recorded-{mode}"]
        assert install.BINARY.exists(), f"{install.BINARY} is missing: `make` builds it"
        worker = Process(argv, environment, folder, f"worker-recorded-{mode}")
        try:
            until("a Job for each run", lambda: len(kube.find_jobs()) == 3, 60, worker.tail)
            prefect.wait_state(runs["exit"], "Crashed", 60)
            until(
                "the worker tells about the image",
                lambda: [log for log in prefect.run_logs(runs["image"]) if log["level"] >= 30],
                60,
                worker.tail,
            )
            worker.stop()
        finally:
            worker.kill()
    return [json.loads(line) for line in accepted.read_text().splitlines()]
