# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: statuses of pods, and what the Python worker's diagnosis makes of each.

    generate.py >cases.json

Run it with a Python that has prefect-kubernetes 0.8.0. A case has the status and, where there is a
diagnosis, its category, its level, and the number of the group of cases that the Python worker
takes for the same cause (which it logs once). Written are listed cases and random ones; the seed is
fixed.
"""

import json
import random
import sys

from prefect_kubernetes.diagnostics import diagnose_k8s_pod

WAITING = [
    "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff", "ContainerCreating", "PodInitializing",
    "InvalidImageName", "CreateContainerConfigError", "",
]  # fmt: skip
ENDED = ["OOMKilled", "Evicted", "Error", "Completed", "ContainerCannotRun", ""]
REASONS = [
    "Insufficient cpu", "Insufficient memory", "insufficient nvidia.com/gpu",
    "node(s) had untolerated taint {a: b}", "node(s) had untolerated taint",
    "node(s) didn't match Pod's node affinity/selector", "node(s) had volume node affinity conflict",
    "node(s) didn't match pod topology spread constraints", "cannot allocate all claims",
]  # fmt: skip
PREEMPTION = [
    "No preemption victims found for incoming pod",
    "Preemption is not helpful for scheduling",
]
ODD_MESSAGES = [
    None, "", "no nodes available", "0/1 nodes are available: 1 weird reason.", "0/2 nodes are available:",
    "pod has unbound immediate PersistentVolumeClaims", "Too many pods, TAINT", "Node Selector mismatch",
]  # fmt: skip


def unschedulable(message):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    if message is not None:
        condition["message"] = message
    return {"phase": "Pending", "conditions": [condition]}


def container(name, state):
    return {"name": name, "state": state} if name else {"state": state}


def waiting(reason, message=None, name="c"):
    state = {"reason": reason} | ({"message": message} if message else {})
    return container(name, {"waiting": state})


def ended(reason, name="c"):
    return container(name, {"terminated": {"reason": reason, "exitCode": 1}})


LISTED = [
    {"phase": "Running"},
    {},
    {"containerStatuses": [waiting("ImagePullBackOff", "Back-off")]},
    {"initContainerStatuses": [waiting("ErrImagePull", name="i")]},
    {"containerStatuses": [waiting("ErrImagePull", name="")]},
    {"containerStatuses": [waiting("CrashLoopBackOff", "back-off 10s")]},
    {"containerStatuses": [waiting("ContainerCreating")]},
    {"containerStatuses": [waiting("InvalidImageName")]},
    {"containerStatuses": [ended("OOMKilled")]},
    {"containerStatuses": [ended("Evicted")]},
    {"reason": "Evicted", "message": "low on memory"},
    {"reason": "Evicted"},
    {"reason": "NodeLost"},
    # what waits tells more than what ended, wherever it stands
    {
        "initContainerStatuses": [ended("OOMKilled", "i")],
        "containerStatuses": [waiting("ImagePullBackOff")],
    },
    {"containerStatuses": [ended("OOMKilled", "a"), ended("Evicted", "b")]},
    {
        "containerStatuses": [
            waiting("CrashLoopBackOff", name="a"),
            waiting("ErrImagePull", name="b"),
        ]
    },
    {"reason": "Evicted", "containerStatuses": [ended("OOMKilled")]},
    {"reason": "Evicted", **unschedulable("0/1 nodes are available: 1 Insufficient cpu.")},
    # lastState is not looked at
    {"containerStatuses": [{"name": "c", "lastState": {"terminated": {"reason": "OOMKilled"}}}]},
    {"conditions": [{"type": "PodScheduled", "status": "True"}]},
    {"conditions": [{"type": "Ready", "status": "False", "reason": "Unschedulable"}]},
    *map(unschedulable, ODD_MESSAGES),
]


def scheduler_message(r):
    """As the scheduler words it: counted reasons in the order of their texts."""
    nodes = r.randrange(1, 200)
    reasons = sorted(
        f"{r.randrange(1, 30)} {reason}" for reason in r.sample(REASONS, r.randrange(1, 4))
    )
    message = f"0/{nodes} nodes are available: {', '.join(reasons)}."
    if r.random() < 0.6:
        victims = sorted(
            f"{r.randrange(1, 30)} {reason}" for reason in r.sample(PREEMPTION, r.randrange(1, 3))
        )
        message += f" preemption: 0/{nodes} nodes are available: {', '.join(victims)}."
    return message


def random_status(r):
    if r.random() < 0.5:
        return unschedulable(scheduler_message(r))
    status = {"phase": r.choice(["Pending", "Running", "Failed"])}
    for kind in ("initContainerStatuses", "containerStatuses"):
        status[kind] = [
            r.choice(
                [
                    waiting(r.choice(WAITING), r.choice([None, "a message"]), f"c{i}"),
                    ended(r.choice(ENDED), f"c{i}"),
                    container(f"c{i}", {"running": {"startedAt": "2024-05-06T07:08:09Z"}}),
                    container(f"c{i}", {}),
                ]
            )
            for i in range(r.randrange(0, 3))
        ]
    if r.random() < 0.2:
        status["reason"] = r.choice(["Evicted", "NodeLost", "Shutdown"])
    return status


def main():
    r = random.Random(11)
    groups = {}
    cases = []
    for status in [*LISTED, *(random_status(r) for _ in range(400))]:
        diagnosis = diagnose_k8s_pod(status)
        case = {"status": status}
        if diagnosis:
            group = groups.setdefault(diagnosis._dedupe_key(), len(groups))
            case |= {"category": diagnosis.category.value, "level": diagnosis.level.value}
            case |= {"group": group}
        cases.append(case)
    sys.stdout.write("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


main()
