# SPDX-License-Identifier: Apache-2.0
"""One HTTP/1.1 request as it was received, and one reply as a handler gives it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

REASONS = {
    100: "Continue", 101: "Switching Protocols", 200: "OK", 201: "Created", 202: "Accepted",
    204: "No Content", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required", 413: "Request Entity Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Entity", 426: "Upgrade Required",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class BadRequest(Exception):
    """What came in is not HTTP/1.1 that a server would take."""


@dataclass
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    connection: int = 0
    peer: dict[str, Any] | None = None
    secure: bool = False
    at: float = field(default_factory=time.time)
    gone: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.raw_path = parts.path
        self.path = unquote(parts.path)
        self.query_string = parts.query
        self.args = parse_qsl(parts.query, keep_blank_values=True)
        self.query = dict(self.args)

    def header(self, name: str) -> str | None:
        """The last header of that name, whatever its case."""
        found = [v for k, v in self.headers if k.lower() == name.lower()]
        return found[-1] if found else None

    def flag(self, name: str) -> bool:
        """A boolean of the query as the Kubernetes API reads it: there, and neither false nor 0."""
        return name in self.query and self.query[name].lower() not in ("false", "0")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Response:
    """`body` is whole; `stream` yields pieces and goes out chunked; `upgrade` takes the socket."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None
    upgrade: Callable[[Any], None] | None = None
    warnings: list[str] = field(default_factory=list)

    def head(self, framing: dict[str, str]) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        merged = {"Date": http_date(), **self.headers, **framing}
        lines += [f"{k}: {v}" for k, v in merged.items()]
        lines += [f'Warning: 299 - "{escape_warning(w)}"' for w in self.warnings]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def escape_warning(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def http_date(at: float | None = None) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at))


def json_reply(value: Any, status: int = 200, **headers: str) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json", **headers})


def text_reply(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
