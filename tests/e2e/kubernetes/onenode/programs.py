# SPDX-License-Identifier: Apache-2.0
"""The cluster's programs: command line and configuration files of each."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .layout import CONTAINERD_SOCKET, NODE_IP, POD_SUBNET, Layout

PAUSE_IMAGE = "localhost/pause:1"


def command(layout: Layout, name: str) -> list[str]:
    """The command line of the program NAME; its configuration files are written on the way."""
    makers = {
        "etcd": etcd,
        "kube-apiserver": apiserver,
        "kube-controller-manager": controller_manager,
        "kube-scheduler": scheduler,
        "containerd": containerd,
        "kubelet": kubelet,
        "kwok": kwok,
    }
    return makers[name](layout)


def etcd(layout: Layout) -> list[str]:
    client = "http://127.0.0.1:2379"
    return [
        f"{layout.bin}/etcd",
        f"--data-dir={layout.state}/etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
    ]


def apiserver(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        f"{layout.bin}/kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=443",
        "--bind-address=0.0.0.0",
        f"--advertise-address={NODE_IP}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/admin.crt",
        f"--kubelet-client-key={pki}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
    ]


def controller_manager(layout: Layout) -> list[str]:
    return [
        f"{layout.bin}/kube-controller-manager",
        f"--kubeconfig={layout.kubeconfig}",
        f"--service-account-private-key-file={layout.pki}/sa.key",
        f"--root-ca-file={layout.pki}/ca.crt",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--kube-api-qps=200",
        "--kube-api-burst=300",
    ]


def scheduler(layout: Layout) -> list[str]:
    return [
        f"{layout.bin}/kube-scheduler",
        f"--kubeconfig={layout.kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ]


def kwok(layout: Layout) -> list[str]:
    return [
        f"{layout.bin}/kwok",
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
    ]


def containerd(layout: Layout) -> list[str]:
    network = {
        "cniVersion": "0.4.0",
        "name": layout.mark,
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "subnet": POD_SUBNET,
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    (layout.state / "cni").mkdir(exist_ok=True)
    (layout.state / "cni/10-bridge.conflist").write_text(json.dumps(network))
    config = layout.state / "containerd.toml"
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE a lower score can't be set, and runc would fail.
    config.write_text(
        f'''version = 2
root = "{layout.state}/containerd"
state = "/run/containerd/state"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter(layout.state)}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.state}/cni"
'''
    )
    return ["containerd", "-c", str(config)]


def snapshotter(folder: Path) -> str:
    """overlayfs, unless the folder lies on an overlay itself, which can't carry another one."""
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", folder], check=True, capture_output=True, text=True
    )
    return "native" if kind.stdout.strip() == "overlayfs" else "overlayfs"


def kubelet(layout: Layout) -> list[str]:
    unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.mark}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [NODE_IP],
        "enforceNodeAllocatable": [],
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "resolvConf": "",
        "maxPods": 200,
        "podLogsDir": "/var/log/pods",
        "syncFrequency": "5s",
    }
    if unified:
        del config["failCgroupV1"]
    path = layout.state / "kubelet.json"
    path.write_text(json.dumps(config, indent=2))
    return [
        f"{layout.bin}/kubelet",
        f"--config={path}",
        f"--kubeconfig={layout.state}/kubelet.kubeconfig",
        f"--root-dir={layout.state}/kubelet",
        f"--cert-dir={layout.state}/kubelet-pki",
        "--hostname-override=node",
        f"--node-ip={NODE_IP}",
    ]
