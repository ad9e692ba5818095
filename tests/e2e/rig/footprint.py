# SPDX-License-Identifier: Apache-2.0
"""What a worker needs to do nothing: memory, and the time from its start to its first poll."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .process import Process
from .wait import until

POLL = b"get_scheduled_flow_runs"
SETTLED_POLLS = 4


class Relay:
    """Passes connections on to a server and notes when a poll comes by."""

    def __init__(self, host: str, port: int):
        self.target = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.polls: list[float] = []
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while self.open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, watched: bool) -> None:
        try:
            while data := source.recv(65536):
                if watched and POLL in data:
                    self.polls.append(time.monotonic())
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self.open = False
        self.listener.close()


@dataclass(frozen=True)
class Footprint:
    rss_kib: int
    first_poll_ms: float

    def __str__(self) -> str:
        return f"VmRSS {self.rss_kib:7d} KiB   start to first poll {self.first_poll_ms:8.1f} ms"


def measure(start: Callable[[str], Process], host: str, port: int) -> Footprint:
    """START is given the API's URL by way of the relay. The worker is idle and connected to both APIs
    when it has polled several times; then its memory is read and it is stopped."""
    relay = Relay(host, port)
    try:
        began = time.monotonic()
        worker = start(f"http://127.0.0.1:{relay.port}/api")
        until("an idle worker", lambda: len(relay.polls) >= SETTLED_POLLS, 60, worker.tail)
        figures = Footprint(worker.rss_kib(), 1000 * (relay.polls[0] - began))
        worker.stop()
        return figures
    finally:
        relay.close()
