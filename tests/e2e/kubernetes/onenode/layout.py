# SPDX-License-Identifier: Apache-2.0
"""Where things lie in the state folder, and the addresses that the cluster uses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

SERVICE_IP = "10.96.0.1"  # the API server as pods see it
NODE_IP = "10.244.0.1"  # the node; servers for pods listen here
POD_SUBNET = "10.244.1.0/24"
# Inside the node's own mount namespace /run is empty, so the name is free and short enough.
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


class ClusterError(Exception):
    """A sentence for the person at the terminal: what failed and where to look."""


@dataclass(frozen=True)
class Layout:
    state: Path

    @classmethod
    def of(cls, state: str | Path) -> Layout:
        return cls(Path(state).resolve())

    @property
    def bin(self) -> Path:
        return Path(self.settings["bin"])

    @property
    def settings(self) -> dict:
        try:
            return json.loads((self.state / "settings.json").read_text())
        except FileNotFoundError:
            raise ClusterError(f"no cluster in {self.state}: `cluster up` makes one") from None

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def control(self) -> Path:
        return self.state / "control"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def mark(self) -> str:
        """A short name of this cluster for things that share a name space with others."""
        return "onenode-" + hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

    def log_tail(self, name: str, lines: int = 15) -> str:
        try:
            text = (self.logs / f"{name}.log").read_text(errors="replace")
        except FileNotFoundError:
            return f"(no {name}.log)"
        return "\n".join(text.splitlines()[-lines:])
