# SPDX-License-Identifier: Apache-2.0
"""The cluster's certificate authority, certificates and kubeconfigs, as kubeadm lays them out."""

from __future__ import annotations

import base64
import json
import subprocess

from .layout import NODE_IP, SERVICE_IP, Layout

API_SERVER_NAMES = ",".join(
    [
        f"DNS:kubernetes{suffix}"
        for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local")
    ]
    + ["DNS:localhost", "IP:127.0.0.1", f"IP:{SERVICE_IP}", f"IP:{NODE_IP}"]
)


def openssl(*args: str, cwd) -> None:
    subprocess.run(["openssl", *args], cwd=cwd, check=True, capture_output=True, text=True)


def make(layout: Layout) -> None:
    layout.pki.mkdir(mode=0o700)
    cwd = layout.pki
    openssl(
        *"req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=kubernetes-ca".split(),
        *"-keyout ca.key -out ca.crt".split(),
        cwd=cwd,
    )
    certificate(layout, "apiserver", "/CN=kube-apiserver", API_SERVER_NAMES)
    certificate(layout, "admin", "/O=system:masters/CN=admin", "DNS:admin")
    certificate(layout, "kubelet", "/O=system:nodes/CN=system:node:node", "DNS:node")
    openssl("genrsa", "-out", "sa.key", "2048", cwd=cwd)
    openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub", cwd=cwd)
    for user in ("admin", "kubelet"):
        kubeconfig(layout, user)


def certificate(layout: Layout, name: str, subject: str, names: str) -> None:
    cwd = layout.pki
    (cwd / f"{name}.ext").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    openssl(
        *f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj".split(),
        subject,
        cwd=cwd,
    )
    openssl(
        *f"x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30".split(),
        *f"-out {name}.crt -extfile {name}.ext".split(),
        cwd=cwd,
    )


def kubeconfig(layout: Layout, user: str) -> None:
    def embedded(name: str) -> str:
        return base64.b64encode((layout.pki / name).read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "onenode",
        "clusters": [
            {
                "name": "onenode",
                "cluster": {
                    "server": f"https://{SERVICE_IP}:443",
                    "certificate-authority-data": embedded("ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": embedded(f"{user}.crt"),
                    "client-key-data": embedded(f"{user}.key"),
                },
            }
        ],
        "contexts": [{"name": "onenode", "context": {"cluster": "onenode", "user": user}}],
    }
    path = layout.state / f"{user}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2))  # JSON is YAML
