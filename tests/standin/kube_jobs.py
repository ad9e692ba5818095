# SPDX-License-Identifier: Apache-2.0
"""A small Job controller: pods for Jobs, Job status from pods, deletion with its propagation, TTL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from .kube_store import Change, Object, Store, copy, stamp
from .kube_validate import random_suffix
from .timeline import Timeline

DONE = ("Succeeded", "Failed")


class PodRunner(Protocol):
    """How pods live: by a script, or as processes."""

    def begin(self, pod: Object) -> None: ...

    def refuse(self, job: Object) -> str | None: ...

    def end(self, pod: Object, grace_s: float) -> None: ...


def owner(job: Object) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}  # fmt: skip


def finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def job_condition(kind: str, reason: str, message: str) -> dict[str, Any]:
    now = stamp()
    return {"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now,
            "reason": reason, "message": message}  # fmt: skip


class JobController:
    def __init__(self, store: Store, timeline: Timeline, runner: PodRunner) -> None:
        self.store, self.timeline, self.runner = store, timeline, runner
        self.pod_delay_s = 0.01
        self.on_pod_gone: Callable[[str, str], None] = lambda namespace, name: None
        self._counted: set[str] = set()
        self._refused: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        store.listeners.append(self._heard)

    def _heard(self, change: Change) -> None:
        """Called inside the store's lock: only notes what is to be done."""
        meta = change.object["metadata"]
        key = (meta["namespace"], meta["name"]) if "namespace" in meta else ("", meta["name"])
        if change.resource == "jobs" and change.type == "ADDED":
            self.timeline.after(self.pod_delay_s, lambda: self.sync(*key))
            limit = change.object["spec"].get("activeDeadlineSeconds")
            if limit is not None:
                uid = meta["uid"]
                self.timeline.after(limit, lambda: self.overdue(key[0], key[1], uid))
        elif change.resource == "jobs" and change.type == "MODIFIED":
            before = change.before or {}
            if before.get("spec", {}).get("suspend") != change.object["spec"].get("suspend"):
                self.timeline.after(0, lambda: self.sync(*key))
        elif change.resource == "pods":
            for ref in meta.get("ownerReferences", []):
                if ref["kind"] == "Job":
                    self.timeline.after(0, lambda name=ref["name"]: self.sync(key[0], name))

    def pods_of(self, job: Object) -> list[Object]:
        uid = job["metadata"]["uid"]
        return [
            p
            for p in self.store.find("pods", job["metadata"]["namespace"])
            if any(r["uid"] == uid for r in p["metadata"].get("ownerReferences", []))
        ]

    def sync(self, namespace: str, name: str) -> None:
        """One turn of the controller for one Job."""
        job = self.store.objects["jobs"].get((namespace, name))
        if job is None or finished(job) or job["metadata"].get("deletionTimestamp"):
            return
        job = copy(job)
        status, spec = job.setdefault("status", {}), job["spec"]
        if spec.get("suspend"):
            suspended = job_condition("Suspended", "JobSuspended", "Job suspended")
            self.write(job, lambda o: o.setdefault("status", {}).update(conditions=[suspended]))
            return
        pods = self.pods_of(job)
        succeeded, failed = self.count(job, pods)
        live = [
            p
            for p in pods
            if p["status"].get("phase") not in DONE and not p["metadata"].get("deletionTimestamp")
        ]
        limit = spec.get("backoffLimit", 6)
        status.setdefault("startTime", stamp())
        if succeeded >= spec.get("completions", 1):
            self.finish(
                job,
                succeeded,
                failed,
                "Complete",
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            )
        elif failed > limit:
            self.finish(
                job,
                succeeded,
                failed,
                "Failed",
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            )
        elif not live:
            self.start_pod(job, succeeded, failed)
        else:
            self.report(job, succeeded, failed, live)

    def count(self, job: Object, pods: list[Object]) -> tuple[int, int]:
        """Ended pods are counted once, also when they are deleted later; so are pods that vanish."""
        status = job["status"]
        succeeded, failed = status.get("succeeded", 0), status.get("failed", 0)
        with self._lock:
            for pod in pods:
                uid, phase = pod["metadata"]["uid"], pod["status"].get("phase")
                if phase in DONE and uid not in self._counted:
                    self._counted.add(uid)
                    succeeded += phase == "Succeeded"
                    failed += phase == "Failed"
        return succeeded, failed

    def write(self, job: Object, change: Callable[[Object], Any]) -> None:
        meta = job["metadata"]
        self.store.update("jobs", meta["namespace"], meta["name"], change)

    def report(self, job: Object, succeeded: int, failed: int, live: list[Object]) -> None:
        ready = sum(1 for p in live if any(
            c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", [])))  # fmt: skip
        fresh: dict[str, Any] = {
            "startTime": job["status"]["startTime"], "active": len(live), "ready": ready,
            "terminating": 0, "uncountedTerminatedPods": {},
        }  # fmt: skip
        fresh.update({k: v for k, v in (("succeeded", succeeded), ("failed", failed)) if v})
        self.write(job, lambda o: o.update(status=fresh))

    def start_pod(self, job: Object, succeeded: int, failed: int) -> None:
        refusal = self.runner.refuse(job)
        if refusal is not None:
            self.report(job, succeeded, failed, [])
            self.timeline.after(
                1.0, lambda: self.sync(job["metadata"]["namespace"], job["metadata"]["name"])
            )
            if (job["metadata"]["uid"], refusal) not in self._refused:
                self._refused.add((job["metadata"]["uid"], refusal))
                self.note(job, "Warning", "FailedCreate", f"Error creating: {refusal}")
            return
        meta, template = job["metadata"], copy(job["spec"]["template"])
        name = f"{meta['name'][:57]}-{random_suffix()}"
        pod = {
            "metadata": {
                **{k: v for k, v in template.get("metadata", {}).items() if k in ("labels", "annotations")},
                "name": name, "generateName": meta["name"][:57] + "-",
                "ownerReferences": [owner(job)], "finalizers": ["batch.kubernetes.io/job-tracking"],
            },
            "spec": template["spec"], "status": {"phase": "Pending", "qosClass": "BestEffort"},
        }  # fmt: skip
        made = self.store.create("pods", meta["namespace"], pod)
        self.report(job, succeeded, failed, [made])
        self.note(job, "Normal", "SuccessfulCreate", f"Created pod: {name}")
        self.runner.begin(made)

    def finish(
        self, job: Object, succeeded: int, failed: int, kind: str, reason: str, message: str
    ) -> None:
        first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
        status = {
            "startTime": job["status"].get("startTime") or stamp(), "uncountedTerminatedPods": {}, "ready": 0,
            "terminating": 0, "conditions": [job_condition(first, reason, message), job_condition(kind, reason, message)],
        }  # fmt: skip
        status.update({k: v for k, v in (("succeeded", succeeded), ("failed", failed)) if v})
        if kind == "Complete":
            status["completionTime"] = stamp()
        self.write(job, lambda o: o.update(status=status))
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is not None:
            meta = job["metadata"]
            self.timeline.after(
                ttl, lambda: self.expire(meta["namespace"], meta["name"], meta["uid"])
            )

    def expire(self, namespace: str, name: str, uid: str) -> None:
        job = self.store.objects["jobs"].get((namespace, name))
        if job and job["metadata"]["uid"] == uid:
            self.delete_job(namespace, name, "Background")

    def overdue(self, namespace: str, name: str, uid: str) -> None:
        """activeDeadlineSeconds: the pods go, then the Job fails."""
        job = self.store.objects["jobs"].get((namespace, name))
        if job is None or job["metadata"]["uid"] != uid or finished(job):
            return
        job = copy(job)
        live = [p for p in self.pods_of(job) if p["status"].get("phase") not in DONE]
        self.finish(job, job["status"].get("succeeded", 0), job["status"].get("failed", 0) + len(live),
                    "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")  # fmt: skip
        for pod in live:
            self.delete_pod(namespace, pod["metadata"]["name"], 30)

    def delete_job(self, namespace: str, name: str, policy: str) -> Object | None:
        """Foreground: the Job stays, marked, until its pods are gone. The marked Job, or None."""
        job = self.store.get("jobs", namespace, name)
        if policy == "Orphan":
            self.store.delete("jobs", namespace, name)
            return None
        pods = self.pods_of(job)
        if policy == "Background" or not pods:
            self.store.delete("jobs", namespace, name)
            for pod in pods:
                self.timeline.after(
                    0, lambda p=pod: self.delete_pod(namespace, p["metadata"]["name"], 30)
                )
            return None
        marked = self.store.update("jobs", namespace, name, lambda o: o["metadata"].update(
            deletionTimestamp=stamp(), deletionGracePeriodSeconds=0, finalizers=["foregroundDeletion"]))  # fmt: skip
        for pod in pods:
            self.timeline.after(
                0, lambda p=pod: self.delete_pod(namespace, p["metadata"]["name"], 30)
            )
        self.timeline.after(0.02, lambda: self.reap(namespace, name, job))
        return marked

    def reap(self, namespace: str, name: str, job: Object) -> None:
        if self.pods_of(job):
            self.timeline.after(0.05, lambda: self.reap(namespace, name, job))
        else:
            self.store.delete("jobs", namespace, name)

    def delete_pod(self, namespace: str, name: str, grace_s: int) -> Object | None:
        """Marks the pod, lets its runner end it, then removes it."""

        def mark(pod: Object) -> None:
            pod["metadata"].setdefault("deletionTimestamp", stamp(time.time() + grace_s))
            pod["metadata"].setdefault("deletionGracePeriodSeconds", grace_s)

        pod = self.store.update("pods", namespace, name, mark)
        if pod is not None:
            if pod["status"].get("phase") in DONE:
                self.timeline.after(0, lambda: self.remove_pod(namespace, name))
            else:
                self.runner.end(pod, grace_s)
        return pod

    def remove_pod(self, namespace: str, name: str) -> None:
        self.store.delete("pods", namespace, name)
        self.on_pod_gone(namespace, name)

    def note(self, about: Object, kind: str, reason: str, message: str) -> None:
        """A Kubernetes Event about the object."""
        meta = about["metadata"]
        now = stamp()
        event = {
            "metadata": {"name": f"{meta['name']}.{time.time_ns():x}"},
            "involvedObject": {k: v for k, v in (
                ("kind", about["kind"]), ("namespace", meta["namespace"]), ("name", meta["name"]), ("uid", meta["uid"]),
                ("apiVersion", about["apiVersion"]), ("resourceVersion", meta["resourceVersion"])) if v},
            "reason": reason, "message": message, "type": kind, "count": 1, "firstTimestamp": now,
            "lastTimestamp": now, "eventTime": None, "source": {"component": "job-controller"},
            "reportingComponent": "job-controller", "reportingInstance": "",
        }  # fmt: skip
        self.store.create("events", meta["namespace"], event)
