# SPDX-License-Identifier: Apache-2.0
"""The two ways in which pods live here: by a script that a test wrote, or as local processes."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .kube_logs import Logs
from .kube_script import NODE, Kubelet, Plan, Status, condition, container, steps
from .kube_store import Object, Store, stamp
from .timeline import Timeline


class Pods:
    """What both runners need: writing a status, removing an ended pod."""

    def __init__(self, store: Store, timeline: Timeline, logs: Logs) -> None:
        self.store, self.timeline, self.logs = store, timeline, logs
        self.remove: Callable[[str, str], None] = lambda namespace, name: None

    def write(self, pod: Object, status: Status) -> Object | None:
        """Not over an ended pod's status, nor onto another pod of that name."""
        meta = pod["metadata"]

        def change(now: Object) -> None:
            if now["metadata"]["uid"] == meta["uid"] and now["status"].get("phase") not in (
                "Succeeded",
                "Failed",
            ):
                now["status"] = status
                if status.get("hostIP"):
                    now["spec"]["nodeName"] = NODE

        return self.store.update("pods", meta["namespace"], meta["name"], change)

    def remove_later(self, pod: Object, seconds: float) -> None:
        meta = pod["metadata"]
        self.timeline.after(seconds, lambda: self.remove(meta["namespace"], meta["name"]))


class ScriptRunner(Pods):
    """The next plan of the queue, else the plan for the pod's flow run, else the default."""

    def __init__(self, store: Store, timeline: Timeline, logs: Logs) -> None:
        super().__init__(store, timeline, logs)
        self.default = Plan()
        self.queue: list[Plan] = []
        self.by_run: dict[str, Plan] = {}
        self.end_s = 0.05  # how long a deleted pod takes to go

    def plan_for(self, value: Object, take: bool) -> Plan:
        labels = value["metadata"].get("labels") or {}
        run = labels.get("prefect.io/flow-run-id", "")
        if run in self.by_run:
            return self.by_run[run]
        if self.queue:
            return self.queue.pop(0) if take else self.queue[0]
        return self.default

    def refuse(self, job: Object) -> str | None:
        plan = self.plan_for(job, take=False)
        if plan.outcome != "no_pod":
            return None
        name = job["metadata"]["name"]
        return (
            plan.message
            or f'pods "{name}-" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=4, limited: cpu=4'
        )

    def begin(self, pod: Object) -> None:
        plan = self.plan_for(pod, take=True)
        self.advance(pod, plan, steps(plan, pod))

    def advance(self, pod: Object, plan: Plan, rest: Any) -> None:
        step = next(rest, None)
        if step is not None:
            self.timeline.after(step[0], lambda: self.apply(pod, plan, step[1], rest))

    def apply(self, pod: Object, plan: Plan, status: Status, rest: Any) -> None:
        after = self.write(pod, status)
        meta = pod["metadata"]
        if after is None or after["metadata"].get("deletionTimestamp"):
            return
        if status["phase"] == "Running" and plan.log:
            log = self.logs.of(
                meta["namespace"], meta["name"], pod["spec"]["containers"][0]["name"]
            )
            if not log.lines:
                log.write("".join(text + "\n" for text in plan.log))
        if status["phase"] in ("Succeeded", "Failed"):
            self.logs.close_pod(meta["namespace"], meta["name"])
        self.advance(pod, plan, rest)

    def end(self, pod: Object, grace_s: float) -> None:
        status = Kubelet(pod).ended("Failed", "Error", 143)
        self.timeline.after(self.end_s / 2, lambda: self.write(pod, status) and None)
        self.timeline.after(
            self.end_s / 2,
            lambda: self.logs.close_pod(pod["metadata"]["namespace"], pod["metadata"]["name"]),
        )
        self.remove_later(pod, self.end_s)


class ProcessRunner(Pods):
    """Runs a container's command and args as a local process; the image is not looked at."""

    def __init__(
        self,
        store: Store,
        timeline: Timeline,
        logs: Logs,
        folder: Path,
        search: str,
        env: dict[str, str],
    ) -> None:
        super().__init__(store, timeline, logs)
        self.folder, self.search, self.env = folder, search, env
        self.live: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.ending: set[str] = set()
        self._lock = threading.Lock()

    def refuse(self, job: Object) -> str | None:
        return None

    def begin(self, pod: Object) -> None:
        self.write(pod, Kubelet(pod).pending({"reason": "ContainerCreating"}))
        threading.Thread(target=self._life, args=(pod,), daemon=True).start()

    def _life(self, pod: Object) -> None:
        spec = pod["spec"]
        try:
            for one in spec.get("initContainers", []):
                if self.spawn(pod, one).wait() != 0:
                    self.write(pod, Kubelet(pod).ended("Failed", "Error", 1))
                    return
            running = [self.spawn(pod, one) for one in spec["containers"]]
        except (OSError, ValueError) as error:
            waiting = {"reason": "CreateContainerError", "message": str(error)}
            self.write(pod, Kubelet(pod).pending(waiting))
            return
        started = stamp()
        self.write(pod, self.running(pod, started))
        codes = [process.wait() for process in running]
        self.ended(pod, started, [128 - c if c < 0 else c for c in codes])

    def running(self, pod: Object, started: str) -> Status:
        kubelet = Kubelet(pod)
        status = kubelet.running()
        status["startTime"] = started
        return status

    def ended(self, pod: Object, started: str, codes: list[int]) -> None:
        meta = pod["metadata"]
        states = []
        for one, code in zip(pod["spec"]["containers"], codes, strict=True):
            ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": started,
                     "finishedAt": stamp(), "containerID": "process://0"}  # fmt: skip
            states.append(container(one["name"], one["image"], {"terminated": ended}))
        self.logs.close_pod(meta["namespace"], meta["name"])
        self.write(pod, {
            "phase": "Failed" if any(codes) else "Succeeded", "hostIP": "127.0.0.1", "startTime": started,
            "qosClass": "BestEffort", "containerStatuses": states,
            "conditions": [condition("PodScheduled", "True"), condition("Ready", "False", "PodCompleted", "")],
        })  # fmt: skip
        with self._lock:
            self.live.pop(meta["uid"], None)
            if meta["uid"] in self.ending:
                self.ending.discard(meta["uid"])
                self.remove_later(pod, 0.05)

    def spawn(self, pod: Object, one: dict[str, Any]) -> subprocess.Popen[bytes]:
        words = [*one.get("command", []), *one.get("args", [])]
        if not words:
            raise ValueError(
                "no command and no args: there is no image here that would bring its own"
            )
        meta = pod["metadata"]
        home = self.folder / meta["uid"]
        home.mkdir(parents=True, exist_ok=True)
        env = {
            "PATH": self.search,
            "HOME": str(home),
            "HOSTNAME": meta["name"],
            **self.env,
            **self.environment(pod, one),
        }
        words = [expand(word, env) for word in words]
        process = subprocess.Popen(
            words, env=env, cwd=one.get("workingDir") or home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        with self._lock:
            self.live.setdefault(meta["uid"], []).append(process)
        log = self.logs.of(meta["namespace"], meta["name"], one["name"])
        threading.Thread(target=self._copy, args=(process, log), daemon=True).start()
        return process

    @staticmethod
    def _copy(process: subprocess.Popen[bytes], log: Any) -> None:
        assert process.stdout
        for text in process.stdout:
            log.write(text)

    def environment(self, pod: Object, one: dict[str, Any]) -> dict[str, str]:
        namespace, found = pod["metadata"]["namespace"], {}
        for source in one.get("envFrom", []):
            if source.get("secretRef"):
                secret = self.store.get("secrets", namespace, source["secretRef"]["name"])
                for key, value in secret.get("data", {}).items():
                    found[source.get("prefix", "") + key] = base64.b64decode(value).decode()
        for entry in one.get("env", []):
            found[entry["name"]] = self.value(pod, entry, found)
        return found

    def value(self, pod: Object, entry: dict[str, Any], earlier: dict[str, str]) -> str:
        source = entry.get("valueFrom")
        if not source:
            return expand(entry.get("value", ""), earlier)
        if source.get("secretKeyRef"):
            ref = source["secretKeyRef"]
            secret = self.store.get("secrets", pod["metadata"]["namespace"], ref["name"])
            return base64.b64decode(secret.get("data", {})[ref["key"]]).decode()
        path = source.get("fieldRef", {}).get("fieldPath", "")
        if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
            return pod["metadata"][path.split(".")[1]]
        raise ValueError(f"env {entry['name']}: source {source} is not supported here")

    def end(self, pod: Object, grace_s: float) -> None:
        uid = pod["metadata"]["uid"]
        with self._lock:
            processes = list(self.live.get(uid, []))
            if processes:
                self.ending.add(uid)
        if not processes:
            self.remove_later(pod, 0.05)
        for process in processes:
            kill_group(process, signal.SIGTERM)
            self.timeline.after(grace_s, lambda p=process: kill_group(p, signal.SIGKILL))

    def stop(self) -> None:
        """Ends what still runs; nothing is left behind."""
        with self._lock:
            processes = [p for group in self.live.values() for p in group]
        for process in processes:
            kill_group(process, signal.SIGTERM)
        deadline = time.monotonic() + 5
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            kill_group(process, signal.SIGKILL)


def kill_group(process: subprocess.Popen[bytes], number: int) -> None:
    """The container's whole process group, as long as its leader has not been waited for."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass


def expand(text: str, env: dict[str, str]) -> str:
    """Kubernetes' $(NAME) references; unknown ones stay."""
    for name, value in env.items():
        text = text.replace(f"$({name})", value)
    return text
