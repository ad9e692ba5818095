# SPDX-License-Identifier: Apache-2.0
"""The commands of `cluster`; see its head for what each does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import image, machine, pki, programs
from .layout import ClusterError, Layout

BUSYBOX_IMAGE = "localhost/busybox:1"
FAKE_NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "fake-0",
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"type": "kwok", "kubernetes.io/hostname": "fake-0", "kubernetes.io/os": "linux"},
    },
    "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "3200", "memory": "25600Gi", "pods": "10000"},
        "capacity": {"cpu": "3200", "memory": "25600Gi", "pods": "10000"},
    },
}
began = time.monotonic()


def say(text: str) -> None:
    print(f"  cluster: [{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)


def kubectl(layout: Layout, *args: str, text: str | None = None) -> subprocess.CompletedProcess:
    argv = machine.network_command(
        layout,
        f"{layout.bin}/kubectl",
        f"--kubeconfig={layout.kubeconfig}",
        "--request-timeout=10s",
        *args,
    )
    return subprocess.run(argv, check=False, input=text, capture_output=True, text=True, timeout=60)


def wait_for(layout: Layout, program: str, what: str, seconds: int, condition) -> None:
    """Waits until CONDITION holds; a program that ended, or time that is up, is an error with its log."""
    deadline = time.monotonic() + seconds
    while not condition():
        machine.ask(layout, f"status {program}")
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {seconds} s\n{layout.log_tail(program)}")
        time.sleep(0.2)


def up(bin_folder: str, state: str, *options: str) -> None:
    if os.getuid() != 0:
        raise ClusterError("root is needed for namespaces and containers")
    with_kubelet = options != ("nokubelet",)
    layout = Layout.of(state)
    layout.state.mkdir(parents=True, exist_ok=True)
    if (layout.state / "settings.json").exists():
        raise ClusterError(f"there is a cluster in {layout.state}: `cluster down` removes it")
    (layout.state / "settings.json").write_text(
        json.dumps({"bin": str(Path(bin_folder).resolve())})
    )
    layout.logs.mkdir(exist_ok=True)
    try:
        bring_up(layout, with_kubelet)
    except BaseException as error:
        say(f"failed, cleaning up: {error}")
        machine.destroy(layout)
        raise


def bring_up(layout: Layout, with_kubelet: bool) -> None:
    say("starting etcd" + (" and containerd" if with_kubelet else ""))
    machine.boot(layout)
    machine.ask(layout, "start etcd")
    if with_kubelet:
        machine.ask(layout, "start containerd")
    pki.make(layout)
    say("starting kube-apiserver")
    machine.ask(layout, "start kube-apiserver")
    if with_kubelet:
        load_images(layout)
    wait_for(
        layout,
        "kube-apiserver",
        "/readyz",
        120,
        lambda: kubectl(layout, "get", "--raw", "/readyz").returncode == 0,
    )
    say("starting kube-controller-manager, kube-scheduler" + (", kubelet" if with_kubelet else ""))
    for name in ("kube-controller-manager", "kube-scheduler"):
        machine.ask(layout, f"start {name}")
    if with_kubelet:
        machine.ask(layout, "start kubelet")
        wait_for(layout, "kubelet", "the node's Ready condition", 120, lambda: node_ready(layout))
    wait_for(
        layout,
        "kube-controller-manager",
        "the default service account",
        60,
        lambda: kubectl(layout, "get", "serviceaccount", "default").returncode == 0,
    )
    say("up")


def node_ready(layout: Layout) -> bool:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl(layout, "get", "node", "node", "-o", f"jsonpath={path}").stdout == "True"


def load_images(layout: Layout) -> None:
    root = layout.state / "images/busybox"
    image.busybox_root(root)
    wait_for(
        layout,
        "containerd",
        "containerd's answer",
        60,
        lambda: (
            subprocess.run(
                machine.ctr_command(layout, "version"), check=False, capture_output=True
            ).returncode
            == 0
        ),
    )
    load(layout, programs.PAUSE_IMAGE, root, ["/bin/sleep", "2147483647"])
    load(layout, BUSYBOX_IMAGE, root, [])


def load(layout: Layout, name: str, folder: Path, entrypoint: list[str]) -> None:
    archive = layout.state / "images/image.tar"
    archive.parent.mkdir(exist_ok=True)
    image.write(archive, name, folder, entrypoint)
    done = subprocess.run(
        machine.ctr_command(layout, "images", "import", str(archive)),
        check=False,
        capture_output=True,
        text=True,
    )
    archive.unlink()
    if done.returncode != 0:
        raise ClusterError(
            f"image {name} can't be loaded: {done.stderr.strip()}\n{layout.log_tail('containerd')}"
        )


def make_image(state: str, name: str, folder: str, *entrypoint: str) -> None:
    load(Layout.of(state), name, Path(folder), list(entrypoint))


def down(state: str) -> None:
    layout = Layout.of(state)
    if layout.state.is_dir():
        machine.destroy(layout)


def kwok(state: str) -> None:
    layout = Layout.of(state)
    machine.ask(layout, "start kwok")
    done = kubectl(layout, "apply", "-f", "-", text=json.dumps(FAKE_NODE))
    if done.returncode != 0:
        raise ClusterError(f"the fake node can't be made: {done.stderr.strip()}")


def execute(prefix, state: str, *command: str) -> None:
    argv = prefix(Layout.of(state), *command)
    os.execvp(argv[0], argv)


COMMANDS = {
    "up": up,
    "down": down,
    "in": lambda *args: execute(machine.network_command, *args),
    "node": lambda *args: execute(machine.node_command, *args),
    "kwok": kwok,
    "start": lambda state, name: machine.ask(Layout.of(state), f"start {name}"),
    "stop": lambda state, name: machine.ask(Layout.of(state), f"stop {name}"),
    "image": make_image,
}


def main() -> None:
    name, *args = sys.argv[1:]
    for program in ("unshare", "nsenter", "ip", "mount", "openssl"):
        if shutil.which(program) is None:
            sys.exit(f"cluster: {program} is missing: `cluster build` installs what is needed")
    try:
        COMMANDS[name](*args)
    except ClusterError as error:
        sys.exit(f"cluster: {error}")
    except TypeError as error:
        if "argument" not in str(error):
            raise
        sys.exit(
            f"cluster: `{name}` was given too few or too many words; `cluster` alone prints the usage"
        )


if __name__ == "__main__":
    main()
