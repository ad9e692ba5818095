# SPDX-License-Identifier: Apache-2.0
"""What a scripted pod does: a plan is turned into the statuses that a kubelet would report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from .kube_store import stamp

Status = dict[str, Any]
Step = tuple[float, Status]
OUTCOMES = (
    "succeed", "exit", "oom", "evicted", "image_error", "bad_image_name", "config_error", "unschedulable",
    "crashloop", "never", "run", "no_pod", "node_lost", "never_pull",
)  # fmt: skip
NODE = "node-1"
UNSCHEDULABLE = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."


@dataclass
class Plan:
    """`start_s` until it runs, `run_s` until it ends; `message` replaces Kubernetes' own sentence."""

    outcome: str = "succeed"
    code: int = 0
    start_s: float = 0.02
    run_s: float = 0.1
    log: list[str] = field(default_factory=list)
    message: str | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome {self.outcome!r}: one of {', '.join(OUTCOMES)}")
        if self.outcome == "exit" and not self.code:
            self.code = 1

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Plan:
        unknown = set(value) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"unknown keys in plan: {sorted(unknown)}")
        return cls(**value)


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": stamp(),
    }  # fmt: skip
    if reason:
        made.update(reason=reason, message=message)
    return made


def container(name: str, image: str, state: dict[str, Any], restarts: int = 0) -> dict[str, Any]:
    running = "running" in state
    return {
        "name": name, "image": image, "imageID": f"{image}@sha256:0" if running else "",
        "ready": running, "started": running, "restartCount": restarts, "state": state, "lastState": {},
    }  # fmt: skip


class Kubelet:
    """Statuses of one pod; every step is a whole status, as they come over a watch."""

    def __init__(self, pod: dict[str, Any]) -> None:
        self.containers = pod["spec"]["containers"]
        self.started = ""

    def all(self, state: dict[str, Any], restarts: int = 0) -> list[dict[str, Any]]:
        return [container(c["name"], c["image"], state, restarts) for c in self.containers]

    def pending(self, waiting: dict[str, Any] | None = None, restarts: int = 0) -> Status:
        status: Status = {"phase": "Pending", "qosClass": "BestEffort"}
        if waiting is None:
            return status
        status.update(
            conditions=[condition("PodScheduled", "True"), condition("Initialized", "True"),
                        condition("Ready", "False", "ContainersNotReady", "containers are not ready")],
            hostIP="10.0.0.1", startTime=stamp(),
            containerStatuses=self.all({"waiting": waiting}, restarts),
        )  # fmt: skip
        return status

    def unschedulable(self, message: str) -> Status:
        status = self.pending()
        status["conditions"] = [condition("PodScheduled", "False", "Unschedulable", message)]
        return status

    def running(self, restarts: int = 0) -> Status:
        self.started = stamp()
        status = self.pending({})
        status.update(
            phase="Running", podIP="10.244.0.9", podIPs=[{"ip": "10.244.0.9"}],
            conditions=[condition(k, "True") for k in ("PodScheduled", "Initialized", "ContainersReady", "Ready")],
            containerStatuses=self.all({"running": {"startedAt": self.started}}, restarts),
        )  # fmt: skip
        return status

    def ended(self, phase: str, reason: str, code: int, restarts: int = 0, **more: Any) -> Status:
        state = {"terminated": {
            "exitCode": code, "reason": reason, "startedAt": self.started or stamp(), "finishedAt": stamp(),
            "containerID": "containerd://0", **more,
        }}  # fmt: skip
        status = self.pending({})
        status.update(phase=phase, containerStatuses=self.all(state, restarts))
        return status


def steps(plan: Plan, pod: dict[str, Any]) -> Iterator[Step]:
    """(seconds to wait, then this status); made as they are needed, so that times are true."""
    kubelet = Kubelet(pod)
    image = kubelet.containers[0]["image"]
    if plan.outcome == "unschedulable":
        yield plan.start_s, kubelet.unschedulable(plan.message or UNSCHEDULABLE)
        return
    if plan.outcome == "never":
        return
    yield plan.start_s / 2, kubelet.pending({"reason": "ContainerCreating"})
    waits = {
        "image_error": [
            ("ErrImagePull", f'failed to pull and unpack image "{image}": not found'),
            ("ImagePullBackOff", f'Back-off pulling image "{image}"'),
        ],
        "bad_image_name": [
            (
                "InvalidImageName",
                f'Failed to apply default image tag "{image}": invalid reference format',
            )
        ],
        "never_pull": [
            (
                "ErrImageNeverPull",
                f'Container image "{image}" is not present with pull policy of Never',
            )
        ],
        "config_error": [("CreateContainerConfigError", 'secret "missing" not found')],
    }
    for reason, message in waits.get(plan.outcome, []):
        yield (
            plan.start_s / 2,
            kubelet.pending({"reason": reason, "message": plan.message or message}),
        )
    if plan.outcome in waits:
        return
    yield plan.start_s / 2, kubelet.running()
    if plan.outcome == "run":
        return
    yield from endings(plan, kubelet)


def endings(plan: Plan, kubelet: Kubelet) -> Iterator[Step]:
    if plan.outcome == "succeed":
        yield plan.run_s, kubelet.ended("Succeeded", "Completed", 0)
    elif plan.outcome == "exit":
        yield plan.run_s, kubelet.ended("Failed", "Error", plan.code)
    elif plan.outcome == "oom":
        yield plan.run_s, kubelet.ended("Failed", "OOMKilled", 137)
    elif plan.outcome == "evicted":
        status = kubelet.ended("Failed", "Error", 137)
        status.update(
            reason="Evicted", message=plan.message or "The node was low on resource: memory."
        )
        status["conditions"].append(
            condition("DisruptionTarget", "True", "TerminationByKubelet", "evicted")
        )
        yield plan.run_s, status
    elif plan.outcome == "node_lost":
        status = kubelet.running()
        status.update(
            reason="NodeLost",
            message=plan.message or f"Node {NODE} which was running the pod is unresponsive",
        )
        status["conditions"] = [condition("PodScheduled", "True"),
                                condition("Ready", "False", "NodeNotReady", "node is not ready")]  # fmt: skip
        yield plan.run_s, status
    elif plan.outcome == "crashloop":
        status = kubelet.pending(
            {
                "reason": "CrashLoopBackOff",
                "message": plan.message or "back-off 10s restarting failed container",
            },
            1,
        )
        status["phase"] = "Running"
        yield plan.run_s, status
