# SPDX-License-Identifier: Apache-2.0
"""The cluster as the tests see it."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

from . import install
from .wait import until

NODE_IP = "10.244.0.1"
SERVICE_IP = "10.96.0.1"
BUSYBOX = "localhost/busybox:1"
CLONE_NEWNET = 0x40000000


class Cluster:
    def __init__(self, state: Path):
        self.state = state
        self.bin = install.cluster_programs()
        self.kubeconfig = state / "admin.kubeconfig"
        self.lease: int | None = None
        self.context: ssl.SSLContext | None = None

    def tool(self, *args: str | Path, env: dict | None = None, pass_fds: tuple = ()) -> None:
        done = subprocess.run(
            [install.E2E / "kubernetes/cluster", *args],
            check=False,
            env={**os.environ, "PYTHON": sys.executable, **(env or {})},
            pass_fds=pass_fds,
            stderr=sys.__stderr__,
        )
        if done.returncode != 0:
            raise AssertionError(f"`cluster {args[0]}` failed, see above")

    def up(self) -> None:
        """Starts the cluster. It ends with `down`, or when this process ends, however it does."""
        read, self.lease = os.pipe()
        self.tool("up", self.bin, self.state, env={"ONENODE_LEASE": str(read)}, pass_fds=(read,))
        os.close(read)

    def down(self) -> None:
        self.tool("down", self.state)

    def enter(self) -> None:
        """Moves the calling thread, and what it starts from now on, into the cluster's network."""
        with subprocess.Popen(
            [install.E2E / "kubernetes/cluster", "in", self.state, "cat"],
            env={**os.environ, "PYTHON": sys.executable},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as inside:
            inside.stdin.write(b"\n")
            inside.stdin.flush()
            inside.stdout.read(1)  # it runs: the process is in the namespace now
            namespace = os.open(f"/proc/{inside.pid}/ns/net", os.O_RDONLY)
            inside.stdin.close()
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(namespace)

    def kubectl(self, *args: str, text: str | None = None, check: bool = True) -> str:
        """Runs kubectl and returns its output; only for a process that entered the network."""
        done = subprocess.run(
            [self.bin / "kubectl", f"--kubeconfig={self.kubeconfig}", *args],
            check=False,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"`kubectl {' '.join(args)}` failed: {done.stderr.strip()}")
        return done.stdout

    def request(self, method: str, target: str, body: object = None) -> tuple[int, str]:
        """One request as the administrator, for many in a row; the status and the reply's beginning."""
        if self.context is None:
            pki = self.state / "pki"
            self.context = ssl.create_default_context(cafile=pki / "ca.crt")
            self.context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        connection = http.client.HTTPSConnection(SERVICE_IP, timeout=30, context=self.context)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, target, body and json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, reply.read().decode(errors="replace")[:1000]
        finally:
            connection.close()

    def get(self, *args: str) -> dict:
        return json.loads(self.kubectl("get", "-o", "json", *args))

    def apply(self, *documents: dict) -> None:
        body = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "-f", "-", text=json.dumps(body))

    def namespace(self, name: str) -> str:
        """Makes a namespace that pods can start in at once."""
        self.kubectl("create", "namespace", name)
        until(
            f"the service account of namespace {name}",
            lambda: self.kubectl("get", "-n", name, "serviceaccount", "default", check=False),
        )
        return name

    def jobs(self, run_id: str, namespace: str = "default") -> list[dict]:
        return self.get("jobs", "-n", namespace, "-l", f"prefect.io/flow-run-id={run_id}")["items"]

    def pods(self, run_id: str, namespace: str = "default") -> list[dict]:
        return self.get("pods", "-n", namespace, "-l", f"prefect.io/flow-run-id={run_id}")["items"]

    def image(self, name: str, folder: Path, *entrypoint: str) -> str:
        """Makes an image of a folder and loads it into the node."""
        self.tool("image", self.state, name, folder, *entrypoint)
        return name
