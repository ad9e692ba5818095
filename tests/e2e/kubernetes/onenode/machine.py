# SPDX-License-Identifier: Apache-2.0
"""The cluster seen from outside: its first process, its namespaces, its control socket."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from .init import PRIVATE_FOLDERS, STOP_SECONDS, cgroup_folders
from .layout import CONTAINERD_SOCKET, ClusterError, Layout

LEASE_VARIABLE = "ONENODE_LEASE"  # number of an inherited descriptor: see init


def boot(layout: Layout) -> None:
    """Starts the first process in new namespaces and waits until it takes requests."""
    lease = os.environ.get(LEASE_VARIABLE)
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv += [sys.executable, "-m", "onenode.init", str(layout.state)] + ([lease] if lease else [])
    with open(layout.logs / "init.log", "ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[int(lease)] if lease else [],
        )
    (layout.state / "init.pid").write_text(f"{process.pid} {birth(process.pid)}")
    deadline = time.monotonic() + 20
    while not layout.control.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(f"the namespaces can't be set up:\n{layout.log_tail('init')}")
        time.sleep(0.05)


def birth(pid: int) -> str | None:
    """When the process began, in ticks: with its id a name that is never used twice. None: it ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def launcher(layout: Layout) -> int | None:
    """The process id of `unshare`, the parent of the first process, or None if it is gone."""
    try:
        pid, born = (layout.state / "init.pid").read_text().split()
    except FileNotFoundError:
        return None
    return int(pid) if birth(int(pid)) == born else None


def first_process(layout: Layout) -> int:
    pid = launcher(layout)
    if pid is not None:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
    raise ClusterError(f"no cluster runs in {layout.state}")


def ask(layout: Layout, request: str) -> None:
    """Sends one request (start, stop or status and a program's name) to the first process."""
    first_process(layout)
    before = os.getcwd()
    os.chdir(layout.state)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(STOP_SECONDS + 10)
            connection.connect("control")
            connection.sendall(request.encode())
            reply = connection.recv(4096).decode()
    except OSError as error:
        raise ClusterError(
            f"`{request}` got no answer: {error}\n{layout.log_tail('init')}"
        ) from None
    finally:
        os.chdir(before)
    if reply != "ok":
        name = request.split()[1]
        raise ClusterError(f"{reply.removeprefix('error ')}\n{layout.log_tail(name)}")


def network_command(layout: Layout, *command: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{first_process(layout)}/ns/net", "--", *command]


def node_command(layout: Layout, *command: str) -> list[str]:
    return [
        "nsenter",
        f"--target={first_process(layout)}",
        "--net",
        "--mount",
        "--pid",
        "--",
        *command,
    ]


def ctr_command(layout: Layout, *command: str) -> list[str]:
    return node_command(
        layout, "ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", *command
    )


def destroy(layout: Layout) -> None:
    """Ends everything and removes the state folder's contents but the logs."""
    pid = launcher(layout)
    if pid is not None:
        try:
            os.kill(first_process(layout), signal.SIGKILL)
        except (ClusterError, ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: birth(pid) is None, 30, "the cluster's first process does not end")
    for cgroup in cgroup_folders(layout):
        wait_for(lambda cgroup=cgroup: remove_cgroup(cgroup), 15, f"{cgroup} can't be removed")
    for folder in PRIVATE_FOLDERS:
        if folder.startswith("/var/lib/") and os.path.isdir(folder) and not os.listdir(folder):
            # Only a mount point that `init` had to make is empty. Removing it would take away the
            # folder of another cluster, too.
            if not is_mounted(folder):
                os.rmdir(folder)
    for entry in layout.state.iterdir():
        if entry == layout.logs:
            continue
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def is_mounted(folder: str) -> bool:
    """Is something mounted there, in whatever mount namespace?"""
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            if f" {folder} " in table.read_text():
                return True
        except OSError:
            continue  # that process has ended
    return False


def remove_cgroup(top: Path) -> bool:
    """Removes the tree of empty groups; False while something still lives in one."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return False
    return True


def wait_for(condition, seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(complaint)
        time.sleep(0.1)
