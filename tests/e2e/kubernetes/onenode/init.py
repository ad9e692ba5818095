# SPDX-License-Identifier: Apache-2.0
"""The first process of the cluster's namespaces: prepares them, then starts, stops and reaps the
programs as it is told through a socket. When it ends, the kernel ends everything else in there.

If a lease (a descriptor) is given, it ends as soon as the other end of that pipe is closed."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import programs
from .layout import NODE_IP, SERVICE_IP, ClusterError, Layout

STOP_SECONDS = 20
PRIVATE_FOLDERS = ("/run", "/var/log", "/var/lib/kubelet", "/var/lib/cni")


def run(*args: str) -> None:
    done = subprocess.run(args, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(
            f"`{' '.join(args)}` failed: {done.stderr.strip() or done.stdout.strip()}"
        )


def prepare(layout: Layout) -> None:
    run("ip", "link", "set", "lo", "up")
    for address in (SERVICE_IP, NODE_IP):
        run("ip", "addr", "add", f"{address}/32", "dev", "lo")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Shared among the node and its containers, but no longer with the machine.
    run("mount", "--make-rshared", "/")
    for folder in PRIVATE_FOLDERS:
        if str(layout.state).startswith(folder + "/"):
            raise ClusterError(
                f"the state folder can't lie in {folder}: the node has its own there"
            )
        os.makedirs(folder, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "onenode", folder)
    for cgroup in cgroup_folders(layout):
        cgroup.mkdir(exist_ok=True)
        for setting in (
            "cpuset.cpus",
            "cpuset.mems",
        ):  # a new v1 cpuset has none and takes no process
            if (cgroup / setting).exists() and not (cgroup / setting).read_text().strip():
                (cgroup / setting).write_text((cgroup.parent / setting).read_text())


def cgroup_folders(layout: Layout) -> list[Path]:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return [root / layout.mark]
    return [
        folder / layout.mark
        for folder in root.iterdir()
        if folder.is_dir() and not folder.is_symlink()
    ]


class Init:
    def __init__(self, layout: Layout, lease: int | None):
        self.layout = layout
        self.lease = lease
        self.running: dict[str, subprocess.Popen] = {}
        self.ended: dict[str, int] = {}

    def start(self, name: str) -> None:
        if name in self.running:
            raise ClusterError(f"{name} runs already")
        argv = programs.command(self.layout, name)
        with open(self.layout.logs / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.ended.pop(name, None)

    def stop(self, name: str) -> None:
        if name not in self.running:
            raise ClusterError(f"{name} does not run")
        self.running[name].send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while name in self.running:
            if time.monotonic() > deadline:
                self.running[name].kill()
            time.sleep(0.02)
            self.reap()
        del self.ended[name]

    def status(self, name: str) -> None:
        if name in self.ended:
            raise ClusterError(f"{name} ended by itself, status {self.ended[name]}")
        if name not in self.running:
            raise ClusterError(f"{name} does not run")

    def reap(self) -> None:
        """Collects every ended process: our programs, and the orphans that come to a first process."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, process in list(self.running.items()):
                if process.pid == pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    self.ended[name] = process.returncode
                    del self.running[name]
                    print(f"{name} ended, status {process.returncode}", flush=True)

    def answer(self, request: str) -> str:
        verb, _, name = request.strip().partition(" ")
        try:
            {"start": self.start, "stop": self.stop, "status": self.status}[verb](name)
        except (ClusterError, OSError, KeyError) as error:
            return f"error {error}"
        return "ok"

    def serve(self) -> None:
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        os.chdir(self.layout.state)  # a socket's path is short, a folder's may not be
        server = socket.socket(socket.AF_UNIX)
        server.bind("control.new")
        server.listen()
        os.rename("control.new", "control")
        watched = [server, wake_read] + ([self.lease] if self.lease is not None else [])
        while True:
            ready, _, _ = select.select(watched, [], [])
            if self.lease in ready and not os.read(self.lease, 1):
                return
            if wake_read in ready:
                os.read(wake_read, 4096)
                self.reap()
            if server in ready:
                peer, _ = server.accept()
                with peer:
                    peer.settimeout(5)
                    peer.sendall(self.answer(peer.recv(256).decode()).encode())


def main() -> None:
    layout = Layout.of(sys.argv[1])
    lease = int(sys.argv[2]) if len(sys.argv) > 2 else None
    try:
        prepare(layout)
        Init(layout, lease).serve()
    except ClusterError as error:
        sys.exit(f"cluster: {error}")


if __name__ == "__main__":
    main()
