# SPDX-License-Identifier: Apache-2.0
"""A program that a test starts, whose output is kept in a file."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from .wait import until

# Whatever happens to the tests, what they started does not outlive them.
LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
# For a program with children of its own: they are in a process namespace, which ends with its first.
FAMILY = ("unshare", "--pid", "--fork", "--kill-child", "--")


class Process:
    def __init__(
        self, argv: list, env: dict[str, str], folder: Path, name: str, family: bool = False
    ):
        self.name = name
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / f"{name}.log"
        base = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": str(folder),
        }
        with open(self.output, "wb") as log:
            self.popen = subprocess.Popen(
                [*LEASH, *(FAMILY if family else ()), *argv],
                env={**base, **env},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def tail(self, lines: int = 40) -> str:
        return f"--- {self.name} ---\n" + "\n".join(self.text().splitlines()[-lines:])

    def running(self) -> bool:
        return self.popen.poll() is None

    def wait_line(self, words: str, seconds: float = 60) -> str:
        """The first line of the output that contains WORDS."""

        def found() -> str | None:
            for line in self.text().splitlines():
                if words in line:
                    return line
            assert self.running(), f"{self.name} ended with {self.popen.returncode}\n{self.tail()}"
            return None

        return until(f"{words!r} in the output of {self.name}", found, seconds, self.tail)

    def rss_kib(self) -> int:
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError(f"{self.name} has no VmRSS")

    def signal(self, number: int) -> None:
        os.kill(self.popen.pid, number)

    def wait(self, seconds: float) -> int:
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {seconds:g} s\n{self.tail()}"
            ) from None

    def kill(self) -> None:
        if self.running():
            self.popen.kill()
            self.popen.wait(30)

    def stop(self, seconds: float = 30) -> None:
        """Asks the program to stop, as an orchestrator does; anything but a clean end fails the test."""
        assert self.running(), (
            f"{self.name} ended early with {self.popen.returncode}\n{self.tail()}"
        )
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        assert code == 0, f"{self.name} ended with {code}\n{self.tail()}"
