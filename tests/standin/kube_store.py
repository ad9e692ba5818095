# SPDX-License-Identifier: Apache-2.0
"""The objects of the stand-in cluster, versioned, with the history that watches read."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KINDS = {
    "pods": ("v1", "Pod"), "secrets": ("v1", "Secret"), "events": ("v1", "Event"),
    "namespaces": ("v1", "Namespace"), "nodes": ("v1", "Node"),
    "serviceaccounts": ("v1", "ServiceAccount"), "jobs": ("batch/v1", "Job"),
}  # fmt: skip
CLUSTER_SCOPED = {"namespaces", "nodes"}
Key = tuple[str, str]
Object = dict[str, Any]


class StoreError(Exception):
    """An error with the code and reason that the API gives it."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details


@dataclass(frozen=True)
class Change:
    version: int
    type: str
    resource: str
    object: Object
    before: Object | None


def copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def stamp(at: float | None = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def group_name(resource: str) -> str:
    return "jobs.batch" if resource == "jobs" else resource


class Store:
    """Stored objects are never edited in place: a change replaces them."""

    def __init__(self, history: int = 10000) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = 100
        self.oldest = 100  # watches from before this version get 410
        self.history: list[Change] = []
        self.limit = history
        self.objects: dict[str, dict[Key, Object]] = {name: {} for name in KINDS}
        self.listeners: list[Callable[[Change], None]] = []

    def get(self, resource: str, namespace: str, name: str) -> Object:
        with self.changed:
            found = self.objects[resource].get((namespace, name))
        if found is None:
            message = f'{group_name(resource)} "{name}" not found'
            raise StoreError(404, "NotFound", message, name=name, kind=resource)
        return copy(found)

    def find(self, resource: str, namespace: str | None = None) -> list[Object]:
        """Copies, in the key order in which the API lists."""
        return self.snapshot(resource, namespace)[1]

    def snapshot(self, resource: str, namespace: str | None) -> tuple[int, list[Object]]:
        with self.changed:
            items = sorted(self.objects[resource].items())
            kept = [o for (ns, _), o in items if namespace in (None, ns)]
            return self.version, [copy(o) for o in kept]

    def create(self, resource: str, namespace: str, value: Object) -> Object:
        made = copy(value)
        meta = made["metadata"]
        key = (namespace, meta["name"])
        with self.changed:
            if key in self.objects[resource]:
                message = f'{group_name(resource)} "{meta["name"]}" already exists'
                raise StoreError(409, "AlreadyExists", message, name=meta["name"], kind=resource)
            version, kind = KINDS[resource]
            meta.setdefault("uid", str(uuid.uuid4()))
            meta.setdefault("creationTimestamp", stamp())
            if resource not in CLUSTER_SCOPED:
                meta["namespace"] = namespace
            meta.pop("generateName", None) if not meta.get("generateName") else None
            self._put(resource, key, "ADDED", {"apiVersion": version, "kind": kind, **made}, None)
        return copy(self.objects[resource][key])

    def update(
        self, resource: str, namespace: str, name: str, change: Callable[[Object], Any]
    ) -> Object | None:
        """Applies `change` to a copy; None when the object is gone. No change, no version."""
        with self.changed:
            before = self.objects[resource].get((namespace, name))
            if before is None:
                return None
            after = copy(before)
            change(after)
            if after != before:
                self._put(resource, (namespace, name), "MODIFIED", after, before)
            return copy(self.objects[resource][(namespace, name)])

    def delete(self, resource: str, namespace: str, name: str) -> Object | None:
        with self.changed:
            before = self.objects[resource].pop((namespace, name), None)
            if before is None:
                return None
            gone = copy(before)
            self._note("DELETED", resource, gone, before)
        return copy(gone)

    def _put(
        self, resource: str, key: Key, type_: str, after: Object, before: Object | None
    ) -> None:
        self.objects[resource][key] = after
        self._note(type_, resource, after, before)

    def _note(self, type_: str, resource: str, value: Object, before: Object | None) -> None:
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        change = Change(self.version, type_, resource, value, before)
        self.history.append(change)
        if len(self.history) > self.limit:
            self.oldest = self.history.pop(0).version
        self.changed.notify_all()
        for listener in self.listeners:
            listener(change)

    def compact(self) -> None:
        """Forgets the history: what watches (or continues) from before gets 410."""
        with self.changed:
            self.oldest = self.version
            self.history.clear()
            self.changed.notify_all()

    def bump(self) -> int:
        """A version that no object has (as other resources' writes make)."""
        with self.changed:
            self.version += 1
            return self.version

    def since(self, version: int, resource: str) -> list[Change]:
        with self.changed:
            return [c for c in self.history if c.version > version and c.resource == resource]
