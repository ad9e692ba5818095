# SPDX-License-Identifier: Apache-2.0
"""Label and field selectors as the Kubernetes API defines them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Match = Callable[[dict[str, Any]], bool]


class BadSelector(ValueError):
    pass


TERM = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<nkey>[\w./-]+)"
    r"|(?P<skey>[\w./-]+)\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<op>==|!=|=)\s*(?P<value>[\w.-]*))?)\s*(?:,|$)"
)


def label_selector(text: str) -> Match:
    """Existence, !key, =, ==, !=, in, notin; comma means and."""
    tests: list[Match] = []
    position = 0
    while position < len(text):
        found = TERM.match(text, position)
        if not found or found.end() == position:
            raise BadSelector(f"unable to parse requirement: {text[position:]!r}")
        tests.append(label_test(found))
        position = found.end()
    return lambda labels: all(test(labels) for test in tests)


def label_test(found: re.Match[str]) -> Match:
    if found["not"]:
        key = found["nkey"]
        return lambda labels: key not in labels
    if found["set"]:
        key, wanted = found["skey"], {v.strip() for v in found["values"].split(",")}
        if found["set"] == "in":
            return lambda labels: labels.get(key) in wanted
        return lambda labels: labels.get(key) not in wanted
    key, operator, value = found["key"], found["op"], found["value"]
    if operator is None:
        return lambda labels: key in labels
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


FIELDS = {
    "pods": {"metadata.name", "metadata.namespace", "spec.nodeName", "status.phase", "status.podIP"},
    "jobs": {"metadata.name", "metadata.namespace", "status.successful"},
    "events": {
        "metadata.name", "metadata.namespace", "involvedObject.kind", "involvedObject.namespace",
        "involvedObject.name", "involvedObject.uid", "reason", "type", "source",
    },
}  # fmt: skip


def field_selector(text: str, resource: str) -> Match:
    known = FIELDS.get(resource, {"metadata.name", "metadata.namespace"})
    tests: list[tuple[str, bool, str]] = []
    for term in filter(None, (t.strip() for t in text.split(","))):
        found = re.fullmatch(r"([\w.]+)(==|!=|=)(.*)", term)
        if not found:
            raise BadSelector(f"invalid selector: {term!r}; can't understand {term!r}")
        if found[1] not in known:
            raise BadSelector(f"field label not supported: {found[1]}")
        tests.append((found[1], found[2] != "!=", found[3]))

    def match(value: dict[str, Any]) -> bool:
        return all((look_up(value, path) == want) == equal for path, equal, want in tests)

    return match


def look_up(value: Any, path: str) -> str:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)
