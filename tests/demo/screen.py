# SPDX-License-Identifier: Apache-2.0
"""What the demo shows: steps with their progress, and lines as they come."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

COLOR = sys.stdout.isatty()
BEGAN = time.monotonic()


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOR else text


def say(kind: str, text: str, code: str = "36") -> None:
    """One line: seconds since the start, who speaks, what."""
    since = f"{time.monotonic() - BEGAN:6.1f}"
    print(f"{paint(since, '90')}  {paint(f'{kind:<7}', code)}  {text}", flush=True)


def note(text: str) -> None:
    print(f"{'':6}  {'':7}  {text}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """A step that may take long: says every few seconds that it still goes on."""
    say("step", text, "1")
    over = threading.Event()
    began = time.monotonic()

    def tick() -> None:
        while not over.wait(5):
            note(paint(f"... {time.monotonic() - began:.0f} s", "90"))

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
