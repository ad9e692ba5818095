# SPDX-License-Identifier: Apache-2.0
"""Where the demo runs: the embedded stand-in, a real one-node cluster, or the current context."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]

from rig import install  # noqa: E402
from rig.api import Api  # noqa: E402
from rig.process import Process  # noqa: E402
from rig.wait import until  # noqa: E402
from screen import note, say, step  # noqa: E402
from standin.certs import Authority, server_context  # noqa: E402
from standin.kube import Kube, kubeconfig  # noqa: E402


class Failed(Exception):
    """One sentence for the person at the screen."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Place:
    """What the rest of the demo needs to know. Each kind of place starts and stops its own parts."""

    template: dict | None = None  # a base job template of the place; None: the worker's own
    job_variables: dict = {}
    worker_env: dict[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.kubeconfig: str | None = None

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """Also after half a start."""

    def hints(self) -> list[str]:
        return []

    @property
    def api(self) -> Api:
        return Api(self.url)


class Standin(Place):
    """A real Prefect server, and Kubernetes played: a Job's command becomes a local process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kube: Kube | None = None
        self.server: Process | None = None

    def start(self) -> None:
        with step("Prefect 3.8.8 into the cache (the first time: about a minute)"):
            environment = install.prefect_environment("3.8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        with step(f"a real Prefect server at {self.url}"):
            self.start_server(environment, port)
        with step("the stand-in Kubernetes, over TLS"):
            self.start_kube(environment)
            note(f"{self.kube.url}, kubeconfig {self.kubeconfig}")

    def start_server(self, environment: Path, port: int) -> None:
        env = {
            "PREFECT_HOME": str(self.folder / "server"),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONWARNINGS": "ignore",
        }
        words = [environment / "bin/prefect", "server", "start", "--host", "127.0.0.1"]
        self.server = Process([*words, "--port", str(port)], env, self.folder, "server")

        def healthy() -> bool:
            if not self.server.running():
                raise Failed(f"the Prefect server ended:\n{self.server.tail()}")
            try:
                return self.api.get("/health") is True
            except OSError:
                return False

        until("the Prefect server answers", healthy, 120, self.server.tail)

    def start_kube(self, environment: Path) -> None:
        authority = Authority(self.folder / "pki")
        pair = authority.issue("apiserver", ["IP:127.0.0.1", "DNS:localhost"])
        processes = {
            "folder": self.folder / "pods",
            "search": f"{environment}/bin:/usr/local/bin:/usr/bin:/bin",
            "env": {"PYTHONWARNINGS": "ignore", "LANG": "C.UTF-8"},
        }
        self.kube = Kube(tls=server_context(pair, authority.cert), processes=processes)
        self.kube.server.start()
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(self.kube.url, ca=authority.cert)))
        self.kubeconfig = str(path)

    def stop(self) -> None:
        if self.kube:
            self.kube.stop()
        if self.server:
            self.server.kill()

    def hints(self) -> list[str]:
        return [
            "make demo CLUSTER=real     the same on a real Kubernetes, built and started by make",
            "make demo CLUSTER=current  the same on your cluster (with PREFECT_API_URL)",
        ]


class Real(Place):
    """The one-node cluster and the server of the end-to-end tests, in a network of their own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cluster = None
        self.server = None

    def start(self) -> None:
        from rig.cluster import Cluster
        from rig.server import Server

        if os.geteuid() != 0:
            raise Failed("CLUSTER=real starts containers and network namespaces: it needs root")
        with step("Kubernetes 1.34 and Prefect 3.8.8 into the cache (the first time: ten minutes)"):
            install.cluster_programs()
            install.prefect_environment("3.8")
        with step("a one-node cluster: etcd, API server, scheduler, kubelet, containerd"):
            self.cluster = Cluster(self.folder / "cluster")
            self.cluster.up()
            self.cluster.enter()
        self.kubeconfig = str(self.cluster.kubeconfig)
        with step("a real Prefect server beside it"):
            self.server = Server("3.8", self.folder)
            self.server.start()
            self.server.wait_ready()
        self.url = self.server.url
        flows = self.folder / "flows"
        flows.mkdir()
        self.template = self.server.template(flows)

    def stop(self) -> None:
        if self.server:
            self.server.stop()
        if self.cluster:
            self.cluster.down()

    def hints(self) -> list[str]:
        return ["make e2e                   the end-to-end tests, on the same cluster"]


class Current(Place):
    """The current kubeconfig context, with a Prefect API that its pods can reach."""

    job_variables = {"finished_job_ttl": 60}

    def start(self) -> None:
        self.url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
        if not self.url:
            raise Failed(
                "CLUSTER=current needs PREFECT_API_URL: a Prefect API that this machine and the "
                "cluster's pods can reach, for example http://prefect.example:4200/api"
            )
        self.kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
        if not any(Path(p).exists() for p in self.kubeconfig.split(":")):
            raise Failed(f"no kubeconfig: {self.kubeconfig} does not exist; set KUBECONFIG")
        kept = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_API_SSL_CERT_FILE")
        self.worker_env = {k: os.environ[k] for k in kept if os.environ.get(k)}
        self.carry_credentials()
        with step(f"Prefect at {self.url}"):
            try:
                version = self.api.get("/admin/version")
            except OSError as error:
                raise Failed(f"{self.url} does not answer: {error}") from None
        note(f"version {version}")
        if shutil.which("kubectl"):
            words = ["kubectl", "config", "current-context"]
            shown = subprocess.run(words, check=False, capture_output=True, text=True).stdout
            say("cluster", f"context {shown.strip()}")

    def carry_credentials(self) -> None:
        """The demo's own requests go out as the worker's do."""
        opener = urllib.request.build_opener()
        if secret := self.worker_env.get("PREFECT_API_AUTH_STRING"):
            proof = base64.b64encode(secret.encode()).decode()
            opener.addheaders = [("Authorization", f"Basic {proof}")]
        elif key := self.worker_env.get("PREFECT_API_KEY"):
            opener.addheaders = [("Authorization", f"Bearer {key}")]
        if bundle := self.worker_env.get("PREFECT_API_SSL_CERT_FILE"):
            os.environ["SSL_CERT_FILE"] = bundle
        urllib.request.install_opener(opener)

    def hints(self) -> list[str]:
        return ["the Job goes by itself, a minute after its end; pool and deployment are gone"]


PLACES: dict[str, type[Place]] = {"standin": Standin, "real": Real, "current": Current}
