# SPDX-License-Identifier: Apache-2.0
"""Watch streams: history, selectors, bookmarks, streaming lists, 410, and injected lines."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .kube_selector import Match
from .kube_store import KINDS, Change, Store
from .message import Request


@dataclass
class Watch:
    """One live stream; what is put into `raw` goes out between the store's own events."""

    resource: str
    namespace: str | None
    raw: deque[bytes] = field(default_factory=deque)
    end: str | None = None  # "eof": ends cleanly; "cut": the connection just closes


def line(type_: str, value: Any) -> bytes:
    return json.dumps({"type": type_, "object": value}, separators=(",", ":")).encode() + b"\n"


def expired(message: str) -> bytes:
    return line("ERROR", {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "Expired", "code": 410,
    })  # fmt: skip


class Streams:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.bookmark_s = 60.0
        self.live: list[Watch] = []
        self._lock = threading.Lock()

    def push(self, resource: str, data: bytes | dict[str, Any]) -> int:
        """Sends one line (or raw bytes) to each live watch of the resource; how many there were."""
        raw = data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n"
        return self._each(resource, lambda watch: watch.raw.append(raw))

    def end(self, resource: str, how: str = "eof") -> int:
        return self._each(resource, lambda watch: setattr(watch, "end", how))

    def expire(self, resource: str) -> int:
        """410 in every live watch, which then ends; the history is forgotten."""
        self.store.compact()
        count = self.push(resource, expired("too old resource version"))
        self.end(resource)
        return count

    def _each(self, resource: str, act: Any) -> int:
        with self._lock:
            chosen = [w for w in self.live if w.resource == resource]
        for watch in chosen:
            act(watch)
        with self.store.changed:
            self.store.changed.notify_all()
        return len(chosen)

    def open(
        self, request: Request, resource: str, namespace: str | None, match: Match,
        version: int | None, initial: bool,
    ) -> Iterator[bytes]:  # fmt: skip
        """`version` None: begin with what is there. `initial`: a streaming list."""
        watch = Watch(resource, namespace)
        with self._lock:
            self.live.append(watch)
        return self._run(request, watch, match, version, initial)

    def _run(
        self, request: Request, watch: Watch, match: Match, version: int | None, initial: bool
    ) -> Iterator[bytes]:
        query = request.query
        ends = time.monotonic() + float(query.get("timeoutSeconds") or 1800)
        bookmarks = request.flag("allowWatchBookmarks")
        try:
            if version is not None and version < self.store.oldest:
                yield expired(f"too old resource version: {version} ({self.store.oldest})")
                return
            if version is None or initial:
                version, items = self.store.snapshot(watch.resource, watch.namespace)
                for item in items:
                    if match(item):
                        yield line("ADDED", item)
                if initial and bookmarks:
                    yield self.bookmark(watch.resource, version, True)
            yield from self._follow(request, watch, match, version, ends, bookmarks)
        finally:
            with self._lock:
                self.live.remove(watch)

    def _follow(
        self,
        request: Request,
        watch: Watch,
        match: Match,
        version: int,
        ends: float,
        bookmarks: bool,
    ) -> Iterator[bytes]:
        marked = time.monotonic()
        while time.monotonic() < ends and not request.gone():
            for change in self.store.since(version, watch.resource):
                version = change.version
                event = self.event(watch, match, change)
                if event:
                    yield event
            while watch.raw:
                yield watch.raw.popleft()
            if watch.end:
                if watch.end == "cut":
                    raise ConnectionAbortedError
                return
            if bookmarks and time.monotonic() - marked >= self.bookmark_s:
                marked = time.monotonic()
                version = max(version, self.store.version)
                yield self.bookmark(watch.resource, version, False)
            with self.store.changed:
                idle = (
                    not watch.raw
                    and not watch.end
                    and not self.store.since(version, watch.resource)
                )
                if idle:
                    self.store.changed.wait(min(0.25, self.bookmark_s))

    @staticmethod
    def event(watch: Watch, match: Match, change: Change) -> bytes | None:
        """An object that enters the selection is ADDED, one that leaves it is DELETED."""
        if watch.namespace not in (None, change.object["metadata"].get("namespace")):
            return None
        now = change.type != "DELETED" and match(change.object)
        before = change.before is not None and match(change.before)
        if now:
            return line("MODIFIED" if before else "ADDED", change.object)
        return line("DELETED", change.object) if before else None

    @staticmethod
    def bookmark(resource: str, version: int, end_of_list: bool) -> bytes:
        api, kind = KINDS[resource]
        meta: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if end_of_list:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        return line("BOOKMARK", {"kind": kind, "apiVersion": api, "metadata": meta})
