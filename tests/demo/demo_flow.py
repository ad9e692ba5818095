# SPDX-License-Identifier: Apache-2.0
"""The flow that `make demo` runs."""

from prefect import flow, task


@task
def square(number: int) -> int:
    return number * number


@flow(log_prints=True)
def demo(count: int = 3) -> int:
    print("Hello from a flow run in a Kubernetes Job")
    total = sum(square(number) for number in range(1, count + 1))
    print(f"The first {count} squares add up to {total}")
    return total
