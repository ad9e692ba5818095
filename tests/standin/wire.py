# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server that can misbehave: a thread a connection, raw sockets, optional TLS.

Python's own http.server hides the socket; a stand-in must be able to lose a reply, cut a body, or
go silent, so the few rules of RFC 9112 that are needed are written out here.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

from .faults import FaultBook, Rule
from .journal import Journal
from .message import BadRequest, Request, Response

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
HUGE_PIECE = b'{"kind":"filler","text":"' + b"x" * 65000 + b'"}\n'
Handler = Callable[[Request], Response]


class Gone(Exception):
    """The peer, or this server's stop, ended the connection."""


class Connection:
    """One accepted socket with a read buffer."""

    def __init__(self, sock: socket.socket, number: int, stopping: threading.Event) -> None:
        self.sock, self.number, self.stopping = sock, number, stopping
        self.buffer = b""

    def fill(self) -> bool:
        try:
            piece = self.sock.recv(65536)
        except (OSError, ValueError) as error:
            raise Gone from error
        self.buffer += piece
        return bool(piece)

    def gone(self) -> bool:
        """Whether the peer hung up; bytes that it sent meanwhile are kept."""
        if self.stopping.is_set():
            return True
        try:
            pending = getattr(self.sock, "pending", lambda: 0)()
            if not pending and not select.select([self.sock], [], [], 0)[0]:
                return False
            self.sock.settimeout(0.05)
            try:
                return not self.fill()
            except Gone as gone:
                return not isinstance(gone.__cause__, TimeoutError)
            finally:
                self.sock.settimeout(None)
        except (OSError, ValueError):
            return True

    def read_until(self, mark: bytes, limit: int) -> bytes:
        while mark not in self.buffer:
            if self.buffer[:2] == b"\x16\x03":
                raise BadRequest("Client sent an HTTPS request to an HTTP server.")
            if len(self.buffer) > limit:
                raise BadRequest("head too large")
            if not self.fill():
                raise Gone
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def read_exact(self, count: int) -> bytes:
        if count > MAX_BODY:
            raise BadRequest("body too large")
        while len(self.buffer) < count:
            if not self.fill():
                raise Gone
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except (OSError, ValueError) as error:
            raise Gone from error

    def wait(self, seconds: float) -> None:
        """Sleeps, but not past the server's stop."""
        if self.stopping.wait(seconds):
            raise Gone

    def close(self, reset: bool = False) -> None:
        try:
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        try:
            self.sock.close()
        except OSError:
            pass


def read_request(conn: Connection) -> Request:
    head = conn.read_until(b"\r\n\r\n", MAX_HEAD).decode("latin-1").split("\r\n")
    words = head[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(f"request line {head[0]!r}")
    headers = []
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequest(f"header line {line!r}")
        headers.append((name, value.strip()))
    peer = conn.sock.getpeercert() if isinstance(conn.sock, ssl.SSLSocket) else None
    secure = isinstance(conn.sock, ssl.SSLSocket)
    request = Request(words[0], words[1], headers, connection=conn.number, peer=peer, secure=secure)
    if (request.header("Expect") or "").lower() == "100-continue":
        conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if (request.header("Transfer-Encoding") or "").lower() == "chunked":
        request.body = read_chunks(conn)
    else:
        request.body = conn.read_exact(int(request.header("Content-Length") or 0))
    request.gone = conn.gone
    return request


def read_chunks(conn: Connection) -> bytes:
    body = b""
    while True:
        size = int(conn.read_until(b"\r\n", 1024).split(b";")[0], 16)
        piece = conn.read_exact(size)
        if conn.read_exact(2) != b"\r\n":
            raise BadRequest("chunk without its end")
        if not size:
            return body
        body += piece
        if len(body) > MAX_BODY:
            raise BadRequest("body too large")


class Sender:
    """Writes one reply, bent by a rule."""

    def __init__(self, conn: Connection, rule: Rule) -> None:
        self.conn, self.rule = conn, rule
        self.left = rule.truncate
        self.until_stall = rule.stall

    def reply(self, request: Request, response: Response) -> bool:
        """Sends it; True when the connection can be used again."""
        rule, conn = self.rule, self.conn
        if rule.garbage is not None:
            conn.send(rule.garbage.encode("latin-1"))
            return False
        if rule.stall == -1:
            self.hang()
        chunked = response.stream is not None if rule.chunked is None else rule.chunked
        if rule.huge is not None:
            return self.huge(response, rule.huge, rule.chunked is not False)
        bodiless = request.method == "HEAD" or response.status in (204, 304)
        if bodiless and response.stream is None:
            conn.send(response.head({} if response.status == 204 else {"Content-Length": "0"}))
            return True
        if response.stream is not None and not chunked:
            conn.send(response.head({"Connection": "close"}))
        elif chunked:
            conn.send(response.head({"Transfer-Encoding": "chunked"}))
        else:
            conn.send(response.head({"Content-Length": str(len(response.body))}))
        self.body(response, chunked)
        if chunked:
            conn.send(b"0\r\n\r\n")
        return response.stream is None or chunked

    def body(self, response: Response, chunked: bool) -> None:
        if response.stream is None:
            self.write(response.body, chunked)
            return
        try:
            for piece in response.stream:
                self.write(piece, chunked)
        finally:
            response.stream.close()  # type: ignore[attr-defined]

    def write(self, data: bytes, chunked: bool) -> None:
        rule = self.rule
        step = rule.split or (int(rule.drip["bytes"]) if rule.drip else len(data)) or 1
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            if self.until_stall is not None:
                piece = piece[: self.until_stall]
                self.until_stall -= len(piece)
            if self.left is not None:
                piece = piece[: self.left]
                self.left -= len(piece)
            if piece:
                self.conn.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if self.left == 0:
                raise Gone
            if self.until_stall == 0:
                self.hang()
            if rule.drip:
                self.conn.wait(rule.drip["interval_s"])

    def huge(self, response: Response, size: int, chunked: bool) -> bool:
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
        self.conn.send(response.head(framing))
        sent = 0
        while sent < size:
            piece = HUGE_PIECE[: size - sent]
            self.conn.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            sent += len(piece)
        if chunked:
            self.conn.send(b"0\r\n\r\n")
        return True

    def hang(self) -> None:
        while not self.conn.gone():
            self.conn.wait(0.1)
        raise Gone


class Server:
    """Listens on one port; `handler` answers, `faults` and `journal` stand in between."""

    def __init__(
        self,
        handler: Handler,
        journal: Journal,
        faults: FaultBook,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        idle_s: float | None = None,
    ) -> None:
        self.handler, self.journal, self.faults = handler, journal, faults
        self.host, self.port, self.tls, self.idle_s = host, port, tls, idle_s
        self.stopping = threading.Event()
        self.accepted = 0
        self.tls_errors: list[str] = []
        self._numbers = itertools.count(1)
        self._live: dict[int, Connection] = {}
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None

    def start(self) -> Server:
        """Begins (or, after `refuse`, begins again) to take connections on the same port."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def refuse(self) -> None:
        """Stops listening and drops what is open: new connections are refused by the kernel."""
        if self._listener:
            try:
                self._listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._listener.close()
            self._listener = None
        self.drop()

    def drop(self, reset: bool = False) -> None:
        with self._lock:
            live = list(self._live.values())
        for conn in live:
            conn.close(reset)

    def stop(self) -> None:
        self.stopping.set()
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = Connection(sock, next(self._numbers), self.stopping)
        with self._lock:
            self._live[conn.number] = conn
        try:
            if self.tls is not None:
                sock.settimeout(10)
                conn.sock = self.tls.wrap_socket(sock, server_side=True)
                conn.sock.settimeout(None)
            while self._exchange(conn):
                pass
        except ssl.SSLError as error:
            self.tls_errors.append(str(error))
        except (Gone, OSError):
            pass
        except (BadRequest, ValueError) as error:
            bad = Response(400, f"{error}".encode())
            try:
                conn.send(bad.head({"Content-Length": str(len(bad.body)), "Connection": "close"}))
                conn.send(bad.body)
            except Gone:
                pass
        finally:
            conn.close()
            with self._lock:
                self._live.pop(conn.number, None)

    def _await_request(self, conn: Connection) -> bool:
        """False when the idle time is over (as servers close idle keep-alive connections)."""
        if self.idle_s is None or conn.buffer:
            return True
        pending = getattr(conn.sock, "pending", lambda: 0)()
        return bool(pending or select.select([conn.sock], [], [], self.idle_s)[0])

    def _exchange(self, conn: Connection) -> bool:
        if not self._await_request(conn):
            return False
        request = read_request(conn)
        entry = self.journal.add(request)
        rule = self.faults.pick(request)
        faulty = rule is not None
        rule = rule or Rule()
        if rule.delay:
            conn.wait(rule.delay)
        if rule.close == "before":
            self.journal.finish(entry, None, True, False)
            conn.close(rule.reset)
            return False
        own = rule.canned()
        response = self.handler(request) if rule.carries_out() else Response()
        if own is not None:
            response = own
        if rule.line is not None and response.stream is not None:
            response.stream = line_first(rule.line, response.stream)
        status = None if rule.close == "after" else response.status
        self.journal.finish(entry, status, faulty, rule.carries_out())
        if rule.close == "after":
            conn.close(rule.reset)
            return False
        if response.upgrade is not None:
            response.upgrade(conn)
            return False
        again = Sender(conn, rule).reply(request, response)
        return again and (request.header("Connection") or "").lower() != "close"


def line_first(line: object, stream: Iterator[bytes]) -> Iterator[bytes]:
    """`line` first, then the stream, which is closed with this generator."""
    text = line if isinstance(line, str) else json.dumps(line)
    try:
        yield text.encode() + b"\n"
        yield from stream
    finally:
        stream.close()  # type: ignore[attr-defined]
