# SPDX-License-Identifier: Apache-2.0
"""Flows that the tests run in containers, with either generation of Prefect."""

import signal
import time

from prefect import flow


@flow(log_prints=True)
def hello(text: str = "hello from the flow"):
    print(text)


@flow(log_prints=True)
def slow(seconds: float = 5, text: str = "still here"):
    for _ in range(int(seconds)):
        print(text, flush=True)
        time.sleep(1)


@flow
def fails():
    raise ValueError("this flow fails on purpose")


@flow(log_prints=True)
def stubborn(seconds: float = 120):
    """Does not end when it is asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("no signal ends this", flush=True)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(1)
