# SPDX-License-Identifier: Apache-2.0
"""--with-healthcheck."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest
from harness import Rig, Worker


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(rig: Rig, port: int, **more: str) -> Worker:
    env = {"PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1", "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    return rig.start("--with-healthcheck", env={**env, **more})


def ask(port: int, path: str = "/health", method: str = "GET") -> tuple[int, dict, str]:
    """Waits for the server to listen; status, headers, body."""
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request(method, path)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read().decode()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the health server does not listen"
            time.sleep(0.05)
        finally:
            connection.close()


def lower(headers: dict) -> dict:
    return {k.lower(): v for k, v in headers.items()}


def test_healthy(rig: Rig) -> None:
    rig.pool()
    port = free_port()
    worker = start(rig, port)
    rig.prefect.journal.wait("POST", "get_scheduled")
    status, headers, body = ask(port)
    assert (status, json.loads(body)) == (200, {"message": "OK"})
    assert lower(headers)["content-type"].startswith("application/json")
    assert worker.stop() == 0


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE"])
def test_other_methods(rig: Rig, method: str) -> None:
    rig.pool()
    port = free_port()
    worker = start(rig, port)
    status, headers, _ = ask(port, method=method)
    assert status == 405 and lower(headers)["allow"] == "GET"
    assert worker.stop() == 0


def test_other_paths(rig: Rig) -> None:
    rig.pool()
    port = free_port()
    worker = start(rig, port)
    status, _, body = ask(port, "/nothing")
    assert (status, json.loads(body)) == (404, {"detail": "Not Found"})
    status, headers, _ = ask(port, "/health/")
    assert status == 307 and lower(headers)["location"].endswith("/health")
    assert worker.stop() == 0


def test_before_the_first_request(rig: Rig) -> None:
    """It answers also while Prefect can't be reached."""
    rig.prefect.server.refuse()
    port = free_port()
    worker = start(rig, port)
    assert ask(port)[0] == 200
    assert worker.stop() == 0


def test_unhealthy_when_polls_fail(rig: Rig) -> None:
    rig.pool()
    port = free_port()
    worker = start(rig, port, PREFECT_WORKER_QUERY_SECONDS="0.1")
    rig.prefect.journal.wait("POST", "get_scheduled")
    rig.prefect.faults.add(method="POST", path="get_scheduled", status=500, times=None)
    deadline = time.monotonic() + 15
    while ask(port)[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    status, _, body = ask(port)
    assert status == 503 and "message" in json.loads(body)
    worker.wait_line("poll")
    rig.prefect.faults.clear()
    while ask(port)[0] != 200:
        assert time.monotonic() < deadline + 10, "it does not become healthy again"
        time.sleep(0.2)
    assert worker.stop() == 0


def test_port_is_taken(rig: Rig) -> None:
    """A line, and the worker goes on without."""
    run = rig.scheduled_run()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        worker = start(rig, port)
        worker.wait_line(str(port))
        rig.submitted(run)
        assert worker.stop() == 0


def test_slow_and_broken_clients(rig: Rig) -> None:
    """Neither half a request nor nonsense holds up the worker."""
    rig.pool()
    port = free_port()
    worker = start(rig, port)
    ask(port)
    half = socket.create_connection(("127.0.0.1", port))
    half.sendall(b"GET /hea")
    many = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    with socket.create_connection(("127.0.0.1", port)) as broken:
        broken.sendall(b"\x16\x03\x01" + b"\x00" * 5000)
    rig.submitted(rig.scheduled_run())
    for sock in [half, *many]:
        sock.close()
    assert ask(port)[0] == 200
    assert worker.stop() == 0
