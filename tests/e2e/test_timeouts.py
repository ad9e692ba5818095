# SPDX-License-Identifier: Apache-2.0
"""Timeouts of Jobs and of their pods' start, and pods that can never start."""

import pytest
from rig.wait import until
from test_cancel import nowhere


def crashed(api, cluster, run, worker, words: str) -> str:
    """The message of the run's one Crashed state, after its Job was deleted."""
    ended = api.wait_final(run["id"], "CRASHED", context=worker.tail)
    until("the Job to go", lambda: not cluster.jobs(run["id"]), 90, worker.tail)
    types = [s["type"] for s in api.states(run["id"])]
    assert types.count("CRASHED") == 1, types
    message = ended["state"]["message"]
    assert words in message, message
    return message


def test_pod_start_timeout(server, cluster, pool, start_worker):
    api = server.api
    name = pool(server, change=nowhere)
    deployment = api.deployment(
        name, "nowhere", "hello.py:hello", job_variables={"pod_watch_timeout_seconds": 5}
    )
    run = api.run(deployment)
    worker = start_worker(server, name)
    message = crashed(api, cluster, run, worker, "pod_watch_timeout_seconds")
    assert "node" in message and "selector" in message, message


@pytest.mark.parametrize("restarted", [False, True])
def test_job_timeout(server, cluster, pool, start_worker, restarted):
    """Enforced by the worker that made the Job, and by the one that comes after it."""
    api = server.api
    name = pool(server)
    deployment = api.deployment(
        name,
        "slow",
        "hello.py:slow",
        parameters={"seconds": 200},
        job_variables={"job_watch_timeout_seconds": 20},
    )
    run = api.run(deployment)
    worker = start_worker(server, name, "--name", "first")
    api.wait_log(run["id"], "still here", 90)
    if restarted:
        worker.stop()
        worker = start_worker(server, name, "--name", "second")
    crashed(api, cluster, run, worker, "job_watch_timeout_seconds")


def test_image_name_that_cannot_exist(server, cluster, pool, start_worker):
    api = server.api
    name = pool(server)
    deployment = api.deployment(
        name, "unnamable", "hello.py:hello", job_variables={"image": "Not/A/Valid:Image:Name"}
    )
    run = api.run(deployment)
    worker = start_worker(server, name)
    crashed(api, cluster, run, worker, "InvalidImageName")
