# SPDX-License-Identifier: Apache-2.0
"""Where the programs are; what is missing is installed on the way, by the repository's own scripts."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
REPOSITORY = TESTS.parent
E2E = TESTS / "e2e"
BUILD = REPOSITORY / os.environ.get("PKW_BUILD", "build")
BINARY = BUILD / "prefect-k8s-worker"


def cache() -> Path:
    fallback = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prefect-k8s-worker"
    )
    return Path(os.environ.get("PKW_CACHE") or fallback)


def printed_path(*command: str | Path) -> Path:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@functools.cache
def cluster_programs() -> Path:
    return printed_path(E2E / "kubernetes/cluster", "build", cache())


@functools.cache
def prefect_environment(generation: str) -> Path:
    """The virtual environment of the server and Python worker of GENERATION ("3.8" or "2.20")."""
    name = f"server-{generation}"
    return printed_path(TESTS / "venv", cache(), name, E2E / f"prefect/{name}.txt")


def everything() -> None:
    """Installs all of it; to be called while the machine's network can still be reached."""
    cluster_programs()
    for generation in ("3.8", "2.20"):
        prefect_environment(generation)
