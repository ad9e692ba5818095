# SPDX-License-Identifier: Apache-2.0
"""The WebSocket /events/in (RFC 6455, one client's text frames), for workers that send events there."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from .message import Request, Response
from .prefect_shapes import check
from .prefect_store import PrefectStore
from .wire import Connection, Gone

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def send_frame(conn: Connection, kind: int, data: bytes) -> None:
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
    conn.send(bytes([0x80 | kind]) + size + data)


def read_frame(conn: Connection) -> tuple[int, bytes]:
    """One whole message; fragments are joined."""
    kind, data = 0, b""
    while True:
        first, second = conn.read_exact(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(conn.read_exact(2 if size == 126 else 8), "big")
        if not second & 0x80:
            raise ValueError("a client must mask its frames")
        mask = conn.read_exact(4)
        piece = conn.read_exact(size)
        data += bytes(b ^ mask[i % 4] for i, b in enumerate(piece))
        kind = kind or first & 0x0F
        if first & 0x80:
            return kind, data


class EventSocket:
    def __init__(self, store: PrefectStore) -> None:
        self.store = store
        self.enabled = True
        self.token: str | None = None

    def __call__(self, request: Request, path: str) -> Response | None:
        key = request.header("Sec-WebSocket-Key")
        if not self.enabled or path != "/events/in" or key is None:
            return None
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        if request.header("Sec-WebSocket-Protocol"):
            headers["Sec-WebSocket-Protocol"] = "prefect"
        return Response(101, headers=headers, upgrade=lambda conn: self.run(conn, headers))

    def run(self, conn: Connection, headers: dict[str, str]) -> None:
        conn.send(Response(101, headers=headers).head({}))
        known = False
        while True:
            kind, data = read_frame(conn)
            if kind == PING:
                send_frame(conn, PONG, data)
            elif kind == CLOSE:
                send_frame(conn, CLOSE, data[:2])
                raise Gone
            elif kind == TEXT and not known:
                known = self.authenticate(conn, json.loads(data))
            elif kind == TEXT:
                self.store.add_events([check(json.loads(data), "Event")])

    def authenticate(self, conn: Connection, message: Any) -> bool:
        if message.get("type") != "auth" or message.get("token") != self.token:
            send_frame(conn, CLOSE, struct.pack(">H", 1008) + b"authentication required")
            raise Gone
        send_frame(conn, TEXT, json.dumps({"type": "auth_success"}).encode())
        return True
