# SPDX-License-Identifier: Apache-2.0
"""Bounded waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    what: str, condition: Callable[[], T], seconds: float = 60, context: Callable[[], str] = str
) -> T:
    """The first true value of CONDITION, asked five times a second. If time is up, the test fails and
    names WHAT, the last value, and what CONTEXT tells."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {seconds:g} s: {what}; last seen: {value!r}\n{context()}"
            )
        time.sleep(0.2)
