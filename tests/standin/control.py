# SPDX-License-Identifier: Apache-2.0
"""The control route of a stand-in: POST /__ctl with one order as JSON, GET /__ctl for the journal."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from .faults import FaultBook
from .journal import Journal
from .message import Request, Response, json_reply

ROUTE = "/__ctl"


class Control:
    def __init__(
        self, faults: FaultBook, journal: Journal, command: Callable[[dict[str, Any]], Any]
    ) -> None:
        self.faults, self.journal, self.command = faults, journal, command

    def guard(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            return self.answer(request) if request.path == ROUTE else handler(request)

        return handle

    def answer(self, request: Request) -> Response:
        if request.method == "GET":
            rows = [e for e in self.journal.find() if e.path != ROUTE]
            return json_reply([
                {"method": e.method, "target": e.request.target, "status": e.status, "fault": e.fault} for e in rows
            ])  # fmt: skip
        try:
            order = request.json()
            if order.get("op") == "fault":
                self.faults.add(**order["rule"])
                return json_reply({})
            if order.get("op") == "clear_faults":
                self.faults.clear()
                return json_reply({})
            return json_reply(self.command(order))
        except (ValueError, KeyError, TypeError) as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 400)


def serve_until_signal(ready: dict[str, Any]) -> None:
    """Prints one JSON line that says where it listens, then waits for SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(json.dumps(ready), flush=True)
    stop.wait()
    print("stopped", file=sys.stderr)
