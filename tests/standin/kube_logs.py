# SPDX-License-Identifier: Apache-2.0
"""Container logs of the stand-in cluster, as the log subresource serves them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .kube_store import Store, StoreError
from .message import Request, Response


class Log:
    """Lines of one container's one life, with the time at which each was written."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, bytes]] = []
        self.closed = False
        self.changed = threading.Condition()

    def write(self, text: str | bytes, at: float | None = None) -> None:
        data = text.encode() if isinstance(text, str) else text
        with self.changed:
            now = time.time() if at is None else at
            self.lines += [
                (now, piece) for piece in data.split(b"\n")[: -1 if data.endswith(b"\n") else None]
            ]
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()


def parse_time(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise StoreError(400, "BadRequest", f"invalid sinceTime: {text}") from None


def render(at: float, text: bytes, timestamps: bool) -> bytes:
    if not timestamps:
        return text + b"\n"
    when = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{when}.{int(at % 1 * 1e9):09d}Z ".encode() + text + b"\n"


class Logs:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._logs: dict[tuple[str, str, str, bool], Log] = {}
        self._lock = threading.Lock()

    def of(self, namespace: str, pod: str, container: str, previous: bool = False) -> Log:
        with self._lock:
            return self._logs.setdefault((namespace, pod, container, previous), Log())

    def close_pod(self, namespace: str, pod: str) -> None:
        with self._lock:
            mine = [
                log
                for (ns, name, _, _), log in self._logs.items()
                if (ns, name) == (namespace, pod)
            ]
        for log in mine:
            log.close()

    def serve(self, request: Request, namespace: str, pod: str) -> Response:
        value = self.store.get("pods", namespace, pod)
        query = request.query
        container = self.choose(value, query.get("container"))
        previous = request.flag("previous")
        key = (namespace, pod, container, previous)
        if previous and key not in self._logs:
            message = f'previous terminated container "{container}" in pod "{pod}" not found'
            raise StoreError(400, "BadRequest", message)
        if not previous:
            self.refuse_waiting(value, container)
        stream = self.stream(request, self.of(*key), query)
        if request.flag("follow"):
            return Response(200, b"", {"Content-Type": "text/plain"}, stream=stream)
        return Response(200, b"".join(stream), {"Content-Type": "text/plain"})

    @staticmethod
    def choose(pod: dict[str, Any], asked: str | None) -> str:
        spec = pod["spec"]
        names = [c["name"] for c in [*spec.get("initContainers", []), *spec["containers"]]]
        regular = [c["name"] for c in spec["containers"]]
        if asked:
            if asked not in names:
                message = f"container {asked} is not valid for pod {pod['metadata']['name']}"
                raise StoreError(400, "BadRequest", message)
            return asked
        if len(names) > 1:
            raise StoreError(
                400, "BadRequest",
                f"a container name must be specified for pod {pod['metadata']['name']}, "
                f"choose one of: [{' '.join(names)}]",
            )  # fmt: skip
        return regular[0]

    @staticmethod
    def refuse_waiting(pod: dict[str, Any], container: str) -> None:
        status = pod.get("status", {})
        states = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        state = next((s.get("state", {}) for s in states if s["name"] == container), {})
        if not state.get("running") and not state.get("terminated"):
            reason = state.get("waiting", {}).get("reason", "ContainerCreating")
            raise StoreError(
                400, "BadRequest",
                f'container "{container}" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}',
            )  # fmt: skip

    @staticmethod
    def stream(request: Request, log: Log, query: dict[str, str]) -> Iterator[bytes]:
        timestamps, follow = request.flag("timestamps"), request.flag("follow")
        since = parse_time(query["sinceTime"]) if query.get("sinceTime") else 0.0
        if query.get("sinceSeconds"):
            since = time.time() - int(query["sinceSeconds"])
        with log.changed:
            position = len(log.lines)
            begin = [item for item in log.lines if item[0] >= since]
        if query.get("tailLines"):
            begin = begin[len(begin) - min(len(begin), int(query["tailLines"])) :]
        for at, text in begin:
            yield render(at, text, timestamps)
        while follow:
            with log.changed:
                fresh, closed = log.lines[position:], log.closed
                position = len(log.lines)
                if not fresh and not closed:
                    log.changed.wait(0.2)
            for at, text in fresh:
                yield render(at, text, timestamps)
            if (closed and not fresh) or request.gone():
                return
