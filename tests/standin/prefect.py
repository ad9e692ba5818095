# SPDX-License-Identifier: Apache-2.0
"""A stand-in Prefect server. By hand: python3 -m standin.prefect --help (in tests/)."""

from __future__ import annotations

import argparse
import ssl
from typing import Any

from .control import Control, serve_until_signal
from .faults import FaultBook
from .journal import Journal
from .prefect_api import PrefectApi
from .prefect_rules import Rules
from .prefect_socket import EventSocket
from .prefect_store import Object, PrefectStore
from .wire import Server


class Prefect:
    """The whole stand-in: `with Prefect() as prefect:` listens; `prefect.url` is a PREFECT_API_URL."""

    def __init__(
        self,
        *,
        mode: str = "3.8",
        prefix: str = "/api",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        record: str | None = None,
        idle_s: float | None = 5,
    ) -> None:
        self.store, self.faults = PrefectStore(), FaultBook()
        self.journal = Journal("prefect", mode, record)
        self.rules = Rules(self.store, mode == "2.20")
        self.api = PrefectApi(self.store, self.rules, mode, prefix)
        self.socket = EventSocket(self.store)
        self.api.sockets = self.socket
        control = Control(self.faults, self.journal, self._command)
        self.server = Server(
            control.guard(self.api.handle),
            self.journal,
            self.faults,
            host=host,
            port=port,
            tls=tls,
            idle_s=idle_s,
        )

    def __enter__(self) -> Prefect:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.stop()
        self.journal.close()

    @property
    def url(self) -> str:
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return (
            f"{'https' if self.server.tls else 'http'}://{host}:{self.server.port}{self.api.prefix}"
        )

    def deployment(
        self, pool: str = "pool", name: str = "deployment", flow: str = "flow", **more: Any
    ) -> Object:
        """A deployment on a pool, which is made if it is missing."""
        with self.store.lock:
            if pool not in self.store.pools:
                self.store.add_pool(pool)
            return self.store.add_deployment(name, flow, pool, **more)

    def states(self, run: Object) -> list[str]:
        """Names of the run's states so far."""
        with self.store.lock:
            return [s["name"] for s in self.store.states.get(run["id"], [])]

    def wait_state(self, run: Object, name: str, timeout_s: float = 10) -> Object:
        """Waits until the run has had a state of that name; that state."""

        def ready() -> Object | None:
            with self.store.lock:
                return next(
                    (s for s in self.store.states.get(run["id"], []) if s["name"] == name), None
                )

        found = self.journal.wait_for(ready, timeout_s)
        if not found:
            raise TimeoutError(
                f"run {run['id']} not {name} in {timeout_s} s; it was {self.states(run)}"
            )
        return found

    def wait_event(self, name: str, count: int = 1, timeout_s: float = 10) -> list[Object]:
        def ready() -> list[Object] | None:
            with self.store.lock:
                found = [e for e in self.store.events if e["event"] == name]
            return found if len(found) >= count else None

        found = self.journal.wait_for(ready, timeout_s)
        if not found:
            raise TimeoutError(
                f"fewer than {count} × {name} in {timeout_s} s; seen {[e['event'] for e in self.store.events]}"
            )
        return found

    def run_logs(self, run: Object) -> list[Object]:
        with self.store.lock:
            return [log for log in self.store.logs if log.get("flow_run_id") == run["id"]]

    def _command(self, order: dict[str, Any]) -> Any:
        """The control route's own orders; see README.md."""
        op = order.pop("op")
        with self.store.lock:
            if op == "pool":
                return self.store.add_pool(**order)
            if op == "queue":
                return self.store.add_queue(**order)
            if op == "deployment":
                return self.deployment(**order)
            if op == "run":
                return self.store.add_run(
                    self.store.deployments[order.pop("deployment_id")], **order
                )
            if op == "state":
                return self.store.put_state(order.pop("flow_run_id"), **order)
            if op == "answers":
                self.rules.script(order["flow_run_id"], *order["answers"])
            elif op == "concurrency":
                self.store.concurrency[order["deployment_id"]] = order["limit"]
            elif op == "variable":
                self.store.add_variable(order["name"], order["value"])
            elif op == "block":
                return self.store.add_block(order["slug"], order["name"], order["data"])
            elif op == "events":
                return self.store.events
            elif op == "auth":
                self.api.auth_string, self.api.api_key = (
                    order.get("auth_string"),
                    order.get("api_key"),
                )
                self.socket.token = self.api.auth_string
            elif op == "csrf":
                self.api.csrf = order["mode"]
                self.api.tokens.clear()
            else:
                raise ValueError(f"unknown op {op!r}")
        return {}


def main() -> None:
    words = argparse.ArgumentParser(prog="python3 -m standin.prefect", description=__doc__)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--mode", choices=["3.8", "2.20"], default="3.8")
    words.add_argument("--prefix", default="/api")
    words.add_argument("--pool", help="make this pool at the start")
    words.add_argument("--record", help="append accepted requests to this file, a JSON line each")
    given = words.parse_args()
    with Prefect(
        mode=given.mode, prefix=given.prefix, host=given.host, port=given.port, record=given.record
    ) as server:
        if given.pool:
            server.store.add_pool(given.pool)
        serve_until_signal({"url": server.url, "mode": given.mode})


if __name__ == "__main__":
    main()
