# SPDX-License-Identifier: Apache-2.0
"""The rig itself, proven with the Python worker: what fails here is no fault of ours."""

import pytest


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_python_worker_completes_a_run(generation, servers, pool, start_worker):
    server = servers[generation]
    name = pool(server)
    deployment = server.api.deployment(name, "hello", "hello.py:hello")
    run = server.api.run(deployment, parameters={"text": "a line of its own"})
    worker = start_worker(server, name, kind="python")
    server.api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    server.api.wait_log(run["id"], "a line of its own")
