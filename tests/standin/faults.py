# SPDX-License-Identifier: Apache-2.0
"""Rules that make a stand-in fail: which requests, how often, and in what way.

A rule as JSON (all keys optional):
  method, path     which requests (path is a regular expression searched in path?query)
  skip, times      leave the first `skip` matches alone, then hit `times` of them (null: for ever)
  status, headers, body, reason-free   a canned reply (body: text or any JSON)
  process          true: the request is carried out first, then the canned reply or fault follows
  delay            seconds before anything is answered
  close            "before": no reply, not carried out; "after": carried out, no reply (lost reply)
  reset            with close: send RST instead of FIN
  truncate         the reply's body ends after this many bytes, then the connection closes
  garbage          this text is sent in place of HTTP
  huge             a body of this many bytes is streamed (chunked, or by Content-Length)
  drip             {"bytes": n, "interval_s": s}: the body goes out slowly
  split            the body goes out in pieces of n bytes, each a TCP write (and chunk) of its own
  stall            after n body bytes (-1: before the head) nothing more comes; the socket stays open
  redirect         Location of a 307 (or of `status`)
  chunked          true or false: forces the framing
  line             JSON or text: one line that is put before the stream's own lines
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, fields
from typing import Any

from .message import Request, Response


@dataclass
class Rule:
    method: str | None = None
    path: str = ""
    skip: int = 0
    times: int | None = 1
    status: int | None = None
    headers: dict[str, str] | None = None
    body: Any = None
    process: bool = False
    delay: float = 0.0
    close: str | None = None
    reset: bool = False
    truncate: int | None = None
    garbage: str | None = None
    huge: int | None = None
    drip: dict[str, float] | None = None
    split: int | None = None
    stall: int | None = None
    redirect: str | None = None
    chunked: bool | None = None
    line: Any = None
    hits: int = 0

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Rule:
        known = {f.name for f in fields(cls)} - {"hits"}
        unknown = set(value) - known
        if unknown:
            raise ValueError(f"unknown keys in rule: {sorted(unknown)}")
        if value.get("close") not in (None, "before", "after"):
            raise ValueError('close is "before" or "after"')
        re.compile(value.get("path", ""))
        return cls(**value)

    def matches(self, request: Request) -> bool:
        if self.method and self.method != request.method:
            return False
        return re.search(self.path, request.path + "?" + request.query_string) is not None

    def canned(self) -> Response | None:
        """The reply that this rule brings itself, or None when the handler's is used."""
        headers = dict(self.headers or {})
        if self.redirect is not None:
            return Response(self.status or 307, b"", {"Location": self.redirect, **headers})
        if self.status is None:
            return None
        if isinstance(self.body, (dict, list)):
            headers.setdefault("Content-Type", "application/json")
            return Response(self.status, json.dumps(self.body).encode(), headers)
        return Response(self.status, (self.body or "").encode(), headers)

    def carries_out(self) -> bool:
        """Whether the request takes effect on the stand-in's state."""
        if self.close == "before" or self.garbage is not None or self.huge is not None:
            return False
        return self.process or self.close == "after" or self.canned() is None


class FaultBook:
    """The rules of one server, in order; the first that matches and is due is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.rules: list[Rule] = []

    def add(self, **keys: Any) -> Rule:
        rule = Rule.parse(keys)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self.rules.clear()

    def pick(self, request: Request) -> Rule | None:
        with self._lock:
            for rule in self.rules:
                if not rule.matches(request):
                    continue
                rule.hits += 1
                after = rule.hits - rule.skip
                if after >= 1 and (rule.times is None or after <= rule.times):
                    return rule
        return None
