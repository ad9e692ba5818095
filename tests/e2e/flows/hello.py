# SPDX-License-Identifier: Apache-2.0
"""Flows that the tests run in containers, with either generation of Prefect."""

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
