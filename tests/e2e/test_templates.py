# SPDX-License-Identifier: Apache-2.0
"""Templates from the wild: a real API server takes the Jobs that come of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from rig import install

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "manifest"
WILD = sorted(path.parent for path in GOLDEN.glob("wild-*/case.json"))


def render(folder: Path) -> str:
    words = [install.BUILD / "prefect-k8s-worker", "render", "-o", "json", "--worker-name=w"]
    for option in ("work-pool", "flow-run", "deployment", "flow"):
        words.append(f"--{option}={folder / option.replace('-', '_')}.json")
    done = subprocess.run(
        words,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", WILD, ids=lambda folder: folder.name)
def test_api_server_takes_the_job(cluster, folder):
    manifest = render(folder)
    # parallelism and completions in the pod's spec are unknown to Kubernetes; Prefect wants them.
    taken = cluster.kubectl(
        "create", "--dry-run=server", "--validate=ignore", "-o", "json", "-f", "-", text=manifest
    )
    job, sent = json.loads(taken), json.loads(manifest)
    assert job["metadata"]["name"] == sent["metadata"]["name"]
    assert job["metadata"]["labels"].items() >= sent["metadata"]["labels"].items()
    containers = job["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == [
        c["name"] for c in sent["spec"]["template"]["spec"]["containers"]
    ]
