# SPDX-License-Identifier: Apache-2.0
"""What the stand-ins of the component tests accept from our worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from . import install

COMPONENT = install.TESTS / "component"
FILES = ("create", "claim", "requests", "legacy", "observe", "logs")


def record(folder: Path, seconds: float = 300) -> list[dict]:
    """Runs component tests with our binary, each file by itself and all at the same time; every request
    that was accepted. Whether those tests pass is not the question here: `make test` asks it."""
    folder.mkdir()
    assert install.BINARY.exists(), f"{install.BINARY} is missing: `make` builds it"
    environment = {**os.environ, "BIN": str(install.BINARY), "PKW_RECORD": str(folder)}
    running = []
    for name in FILES:
        argv = [sys.executable, "-m", "pytest", "-c", COMPONENT / "pytest.ini", f"test_{name}.py"]
        with open(folder / f"component-{name}.log", "wb") as log:
            running.append(
                subprocess.Popen(
                    argv,
                    cwd=COMPONENT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        for process in running:
            process.wait(seconds)
    finally:
        for process in running:
            process.kill()
            process.wait()
    entries = []
    for path in sorted(folder.glob("*.jsonl")):
        entries += [json.loads(line) for line in path.read_text().splitlines()]
    return entries
