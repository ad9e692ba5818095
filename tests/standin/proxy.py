# SPDX-License-Identifier: Apache-2.0
"""A small HTTP proxy: absolute-form requests and CONNECT, optionally with a password."""

from __future__ import annotations

import base64
import select
import socket
import threading
from urllib.parse import urlsplit

from .message import BadRequest
from .wire import Connection, Gone


class Proxy:
    """`seen` lists (method, target) of each request; `names` maps host names to addresses."""

    def __init__(
        self, user_and_password: str | None = None, names: dict[str, str] | None = None
    ) -> None:
        self.seen: list[tuple[str, str]] = []
        self.names = names or {}
        self.refuse_status: int | None = None
        self._wanted = user_and_password
        self._stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for sock in [self._listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        conn = Connection(sock, 0, self._stopping)
        try:
            self._one(conn)
        except (Gone, OSError, BadRequest, ValueError):
            pass
        finally:
            conn.close()

    def _one(self, conn: Connection) -> None:
        head = conn.read_until(b"\r\n\r\n", 65536)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        self.seen.append((method, target))
        if self.refuse_status is not None:
            conn.send(
                f"HTTP/1.1 {self.refuse_status} Refused\r\nContent-Length: 0\r\n\r\n".encode()
            )
            return
        if self._wanted is not None:
            proof = "Proxy-Authorization: Basic " + base64.b64encode(self._wanted.encode()).decode()
            if proof.lower() not in (line.lower() for line in lines):
                conn.send(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                )
                return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            upstream = self._dial(host.strip("[]"), int(port))
            conn.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            upstream = self._dial(parts.hostname or "", parts.port or 80)
            path = parts.path or "/"
            query = "?" + parts.query if parts.query else ""
            kept = [x for x in lines[1:] if not x.lower().startswith(("proxy-", "connection:"))]
            first = f"{method} {path}{query} HTTP/1.1"
            upstream.sendall(
                "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1")
            )
        upstream.sendall(conn.buffer)
        self._pump(conn.sock, upstream)

    def _dial(self, host: str, port: int) -> socket.socket:
        upstream = socket.create_connection((self.names.get(host, host), port), 5)
        self._open.append(upstream)
        return upstream

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        while not self._stopping.is_set():
            for ready in select.select([one, other], [], [], 0.5)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is one else one).sendall(data)
