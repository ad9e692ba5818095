# SPDX-License-Identifier: Apache-2.0
"""Every request that a stand-in received, kept for assertions and, if asked, for replay."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

from .message import Request


@dataclass
class Entry:
    number: int
    server: str
    request: Request
    status: int | None = None
    fault: bool = False
    done: bool = False
    carried_out: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def body(self) -> Any:
        """The body as JSON; None when it is empty."""
        return self.request.json() if self.request.body else None

    def __str__(self) -> str:
        return f"#{self.number} {self.method} {self.request.target} -> {self.status}"


class Journal:
    def __init__(self, server: str, mode: str = "", record: str | None = None) -> None:
        self.server, self.mode = server, mode
        self.entries: list[Entry] = []
        self._changed = threading.Condition()
        self.hopeless: Callable[[], bool] = lambda: False  # nobody is left who would ask
        self._record: TextIO | None = open(record, "a", encoding="utf-8") if record else None

    def add(self, request: Request) -> Entry:
        with self._changed:
            entry = Entry(len(self.entries), self.server, request)
            self.entries.append(entry)
            self._changed.notify_all()
        return entry

    def finish(self, entry: Entry, status: int | None, fault: bool, carried_out: bool) -> None:
        """Notes the outcome; what was accepted without a fault goes to the record file."""
        with self._changed:
            entry.status, entry.fault = status, fault
            entry.done, entry.carried_out = True, carried_out
            self._changed.notify_all()
            accepted = status is not None and status < 400 and carried_out
            if self._record and accepted and not fault:
                self._record.write(json.dumps(self._line(entry)) + "\n")
                self._record.flush()

    def _line(self, entry: Entry) -> dict[str, Any]:
        request = entry.request
        try:
            body: Any = request.json() if request.body else None
        except ValueError:
            body = request.body.decode("utf-8", "replace")
        hidden = ("authorization", "prefect-csrf-token")
        headers = [[k, "(hidden)" if k.lower() in hidden else v] for k, v in request.headers]
        return {
            "server": self.server, "mode": self.mode, "method": request.method,
            "path": request.raw_path, "query": request.query_string, "headers": headers,
            "body": body, "status": entry.status,
        }  # fmt: skip

    def find(self, method: str | None = None, path: str = "") -> list[Entry]:
        """Requests in order of arrival; `path` is a regular expression over path?query."""
        with self._changed:
            kept = list(self.entries)
        return [
            e
            for e in kept
            if (method is None or e.method == method)
            and re.search(path, e.path + "?" + e.request.query_string)
        ]

    def wait(
        self, method: str | None = None, path: str = "", count: int = 1, timeout_s: float = 10
    ) -> list[Entry]:
        """Waits until `count` such requests were answered (or, streams, begun to be)."""

        def ready() -> list[Entry] | None:
            found = [e for e in self.find(method, path) if e.done]
            return found if len(found) >= count else None

        found = self.wait_for(ready, timeout_s)
        if found is None:
            seen = "\n  ".join(str(e) for e in self.find())
            raise TimeoutError(
                f"{self.server}: fewer than {count} × {method} {path} in {timeout_s} s; seen:\n  {seen}"
            )
        return found

    def wait_for(self, ready: Callable[[], Any], timeout_s: float, alone: bool = False) -> Any:
        """Calls `ready` whenever something was received until it gives a true value. `alone`: it
        can become true without any client."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not alone and self.hopeless():
                deadline = min(deadline, time.monotonic() + 0.5)
            value = ready()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            with self._changed:
                self._changed.wait(min(left, 0.05))

    def close(self) -> None:
        if self._record:
            self._record.close()
            self._record = None
