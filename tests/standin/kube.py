# SPDX-License-Identifier: Apache-2.0
"""A stand-in Kubernetes API server. By hand: python3 -m standin.kube --help (in tests/)."""

from __future__ import annotations

import argparse
import json
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

from .certs import Authority, Pair, server_context
from .control import Control, serve_until_signal
from .faults import FaultBook
from .journal import Journal
from .kube_access import Access
from .kube_api import KubeApi
from .kube_jobs import JobController
from .kube_logs import Logs
from .kube_runners import ProcessRunner, ScriptRunner
from .kube_script import NODE, Plan
from .kube_store import Object, Store
from .kube_watch import Streams
from .timeline import Timeline
from .wire import Server


class Kube:
    """The whole stand-in: `with Kube() as kube:` listens; everything can be scripted while it runs."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        record: str | None = None,
        processes: dict[str, Any] | None = None,
    ) -> None:
        self.store, self.access, self.faults = Store(), Access(), FaultBook()
        self.journal = Journal("kubernetes", record=record)
        self.timeline = Timeline()
        self.streams, self.logs = Streams(self.store), Logs(self.store)
        self.api = KubeApi(self.store, self.access, self.streams, self.logs)
        runner: ScriptRunner | ProcessRunner = ScriptRunner(self.store, self.timeline, self.logs)
        self.script = runner
        if processes is not None:
            runner = ProcessRunner(self.store, self.timeline, self.logs, **processes)
        self.runner = runner
        self.jobs = JobController(self.store, self.timeline, runner)
        runner.remove = self.jobs.remove_pod
        self.jobs.on_pod_gone = self.logs.close_pod
        self.api.delete_job, self.api.delete_pod = self.jobs.delete_job, self.jobs.delete_pod
        control = Control(self.faults, self.journal, self._command)
        self.server = Server(
            control.guard(self.api.handle), self.journal, self.faults, host=host, port=port, tls=tls
        )
        for namespace in ("default", "kube-system"):
            self.store.create(
                "namespaces",
                "",
                {"metadata": {"name": namespace}, "spec": {}, "status": {"phase": "Active"}},
            )
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
        node = {"metadata": {"name": NODE}, "spec": {}, "status": {"conditions": [ready]}}
        self.store.create("nodes", "", node)

    def __enter__(self) -> Kube:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.stop()
        if isinstance(self.runner, ProcessRunner):
            self.runner.stop()
        self.timeline.stop()
        self.journal.close()

    @property
    def url(self) -> str:
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return f"{'https' if self.server.tls else 'http'}://{host}:{self.server.port}"

    def add_namespace(self, name: str) -> None:
        self.store.create(
            "namespaces",
            "",
            {"metadata": {"name": name}, "spec": {}, "status": {"phase": "Active"}},
        )

    def find_jobs(self) -> list[Object]:
        return self.store.find("jobs")

    def wait_job(self, count: int = 1, timeout_s: float = 10) -> list[Object]:
        """Waits until that many Jobs exist."""
        found = self.journal.wait_for(
            lambda: len(self.find_jobs()) >= count and self.find_jobs(), timeout_s
        )
        if not found:
            raise TimeoutError(f"{len(self.find_jobs())} Jobs, not {count}, in {timeout_s} s")
        return found

    def wait_pod(self, phase: str, timeout_s: float = 10) -> Object:
        def ready() -> Object | None:
            return next(
                (p for p in self.store.find("pods") if p["status"].get("phase") == phase), None
            )

        found = self.journal.wait_for(ready, timeout_s, alone=True)
        if not found:
            raise TimeoutError(f"no pod became {phase} in {timeout_s} s")
        return found

    def _command(self, order: dict[str, Any]) -> Any:
        """The control route's own orders; see README.md."""
        op = order.pop("op")
        if op == "plan":
            plan, run = Plan.parse(order["plan"]), order.get("flow_run_id")
            if run:
                self.script.by_run[run] = plan
            elif order.get("next"):
                self.script.queue.append(plan)
            else:
                self.script.default = plan
            return {}
        if op == "objects":
            return self.store.find(order["resource"], order.get("namespace"))
        if op == "push":
            raw = order["text"].encode() if "text" in order else order["line"]
            return {"watches": self.streams.push(order["resource"], raw)}
        if op == "watches":
            act = {"expire": self.streams.expire, "eof": self.streams.end,
                   "cut": lambda resource: self.streams.end(resource, "cut")}  # fmt: skip
            return {"watches": act[order["how"]](order["resource"])}
        if op == "tokens":
            self.access.tokens = dict(order["tokens"])
            return {}
        if op == "deny":
            self.access.deny(order["verb"], order["resource"], order.get("namespace", "*"))
            return {}
        if op == "allow_all":
            self.access.denied.clear()
            return {}
        if op == "namespace":
            self.add_namespace(order["name"])
            return {}
        raise ValueError(f"unknown op {op!r}")


def kubeconfig(
    url: str, *, ca: Path | None = None, user: dict[str, Any] | None = None, **cluster: Any
) -> dict[str, Any]:
    """A kubeconfig for this server; `cluster` are further keys of the cluster entry (underscores for dashes)."""
    entry: dict[str, Any] = {"server": url, **{k.replace("_", "-"): v for k, v in cluster.items()}}
    if ca is not None:
        entry["certificate-authority"] = str(ca)
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "standin",
        "clusters": [{"name": "standin", "cluster": entry}],
        "contexts": [{"name": "standin", "context": {"cluster": "standin", "user": "standin", "namespace": "default"}}],
        "users": [{"name": "standin", "user": {"token": "standin-token"} if user is None else user}],
    }  # fmt: skip


def client_pair(authority: Authority, name: str = "worker", kind: str = "ec") -> Pair:
    return authority.issue(
        f"client-{name}-{kind}", usage="clientAuth", subject=f"/CN={name}", kind=kind
    )


def main() -> None:
    words = argparse.ArgumentParser(prog="python3 -m standin.kube", description=__doc__)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--plain", action="store_true", help="HTTP instead of HTTPS")
    words.add_argument(
        "--san", action="append", help='of the certificate, as "DNS:name" or "IP:address"'
    )
    words.add_argument(
        "--folder",
        type=Path,
        help="keeps certificates and the kubeconfig (default: a temporary one)",
    )
    words.add_argument("--record", help="append accepted requests to this file, a JSON line each")
    words.add_argument(
        "--processes", action="store_true", help="run each Job's command as a local process"
    )
    words.add_argument("--path", default=os.environ.get("PATH", ""), help="PATH of those processes")
    words.add_argument("--env", action="append", default=[], help="NAME=VALUE for those processes")
    words.add_argument(
        "--plan",
        type=json.loads,
        default={},
        help='what pods do, for example {"outcome":"exit","code":3}',
    )
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="standin-kube-") as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        authority = Authority(folder / "pki")
        tls = None
        if not given.plain:
            pair = authority.issue(
                "apiserver", given.san or ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
            )
            tls = server_context(pair, authority.cert)
        processes = None
        if given.processes:
            processes = {
                "folder": folder / "pods",
                "search": given.path,
                "env": dict(e.split("=", 1) for e in given.env),
            }
        kube = Kube(
            host=given.host, port=given.port, tls=tls, record=given.record, processes=processes
        )
        kube.script.default = Plan.parse(given.plan)
        with kube:
            config = kubeconfig(kube.url, ca=None if given.plain else authority.cert)
            target = folder / "kubeconfig"
            target.write_text(json.dumps(config, indent=1))
            ready = {
                "url": kube.url,
                "kubeconfig": str(target),
                "ca": str(authority.cert),
                "token": "standin-token",
            }
            serve_until_signal(ready)


if __name__ == "__main__":
    main()
