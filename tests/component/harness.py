# SPDX-License-Identifier: Apache-2.0
"""What every component case uses: the real binary as a process, between the two stand-ins."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from standin.kube import Kube, kubeconfig
from standin.prefect import Prefect

ROOT = Path(__file__).resolve().parents[2]
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|internal error:")
SLOW = 3 if "debug" in os.environ.get("BIN", "debug") else 1  # bounds are wider with sanitizers
Object = dict[str, Any]


def binary() -> Path:
    """BIN= names another one than the debug build; relative to the repository."""
    return (ROOT / os.environ.get("BIN", "build/debug/prefect-k8s-worker")).resolve()


def property_of(kind: str, default: Any = None) -> Object:
    return {"type": kind} if default is None else {"type": kind, "default": default}


CONFIGURED = (
    "command", "env", "labels", "name", "namespace", "annotations", "cluster_config", "stream_output",
    "job_watch_timeout_seconds", "pod_watch_timeout_seconds",
)  # fmt: skip
TEMPLATE: Object = {
    "job_configuration": {
        **{key: "{{ " + key + " }}" for key in CONFIGURED},
        "job_manifest": {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "labels": "{{ labels }}",
                "namespace": "{{ namespace }}",
                "annotations": "{{ annotations }}",
                "generateName": "{{ name }}-",
            },
            "spec": {
                "backoffLimit": "{{ backoff_limit }}",
                "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
                "template": {
                    "spec": {
                        "parallelism": 1,
                        "completions": 1,
                        "restartPolicy": "Never",
                        "serviceAccountName": "{{ service_account_name }}",
                        "containers": [
                            {
                                "name": "prefect-job",
                                "env": "{{ env }}",
                                "image": "{{ image }}",
                                "imagePullPolicy": "{{ image_pull_policy }}",
                                "args": "{{ command }}",
                                "resources": {"limits": {"memory": "{{ memory_limit }}"}},
                            }
                        ],
                    }
                },
            },
        },
    },
    "variables": {
        "type": "object",
        "properties": {
            **{k: property_of("string") for k in ("command", "name", "image", "memory_limit")},
            **{k: property_of("object") for k in ("env", "labels", "annotations")},
            "namespace": property_of("string", "default"),
            "image_pull_policy": property_of("string", "IfNotPresent"),
            "service_account_name": property_of("string"),
            "backoff_limit": property_of("integer", 0),
            "finished_job_ttl": property_of("integer"),
            "job_watch_timeout_seconds": property_of("integer"),
            "pod_watch_timeout_seconds": property_of("integer", 60),
            "stream_output": property_of("boolean", True),
            "cluster_config": property_of("object"),
        },
    },
}


class Worker:
    """One run of the binary. Every wait is bounded and tells what was printed instead."""

    def __init__(self, words: list[str], env: dict[str, str], folder: Path, **popen: Any) -> None:
        self.words = words
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            words, env=env, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen,
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: Any) -> None:
        for raw in stream:
            with self._changed:
                self._lines[name].append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()

    @property
    def stdout(self) -> list[str]:
        return list(self._lines["stdout"])

    @property
    def stderr(self) -> list[str]:
        return list(self._lines["stderr"])

    @property
    def lines(self) -> list[str]:
        return self.stdout + self.stderr

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def matching(self, pattern: str) -> list[str]:
        return [line for line in self.lines if re.search(pattern, line, re.IGNORECASE)]

    def wait_line(self, pattern: str, timeout_s: float = 10, count: int = 1) -> str:
        """The count-th line that the pattern (any case) is found in, on either stream."""
        deadline = time.monotonic() + timeout_s * SLOW
        while True:
            found = self.matching(pattern)
            if len(found) >= count:
                return found[count - 1]
            left = deadline - time.monotonic()
            if left <= 0 or self.ended_and_read():
                raise AssertionError(f"no line like {pattern!r} ({count}); printed:\n{self.text}")
            with self._changed:
                self._changed.wait(min(left, 0.1))

    def ended_and_read(self) -> bool:
        return self.process.poll() is not None and not any(r.is_alive() for r in self._readers)

    def wait_started(self) -> None:
        self.wait_line(r"started")

    def wait_exit(self, timeout_s: float = 15) -> int:
        try:
            code = self.process.wait(timeout_s * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {timeout_s} s; printed:\n{self.text}") from None
        for reader in self._readers:
            reader.join(5)
        return code

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal()
        return self.wait_exit()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """For the end of a case: whatever is left of it goes."""
        if self.alive:
            self.process.kill()
            self.process.wait(10)
        for reader in self._readers:
            reader.join(5)

    def assert_clean(self) -> None:
        """No sanitizer report, no failed assertion, in anything that was printed."""
        faults = [line for line in self.lines if SANITIZER.search(line)]
        assert not faults, "the binary reports a fault of its own:\n" + self.text

    def rss_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found, status
        return int(found[1])


class Rig:
    """Both stand-ins and the workers that a case started."""

    def __init__(self, prefect: Prefect, kube: Kube, ca: Path, folder: Path) -> None:
        self.prefect, self.kube, self.ca, self.folder = prefect, kube, ca, folder
        self.workers: list[Worker] = []
        for journal in (prefect.journal, kube.journal):
            journal.hopeless = self.hopeless
        self.config = folder / "kubeconfig"
        self.write_config()

    def hopeless(self) -> bool:
        """All workers have ended: whoever waits for a request need not wait long."""
        return bool(self.workers) and not any(w.alive for w in self.workers)

    def write_config(self, config: Object | None = None, path: Path | None = None) -> Path:
        path = path or self.config
        path.write_text(json.dumps(config or kubeconfig(self.kube.url, ca=self.ca)))
        return path

    def env(self, changes: dict[str, str | None] | None = None) -> dict[str, str]:
        """Nothing of the caller's environment but PATH; None removes a name."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        made: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TZ": "UTC",
            "PREFECT_API_URL": self.prefect.url,
            "KUBECONFIG": str(self.config),
            "PREFECT_WORKER_QUERY_SECONDS": "0.3",
            "PREFECT_WORKER_HEARTBEAT_SECONDS": "1",
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.3",
            "ASAN_OPTIONS": "exitcode=99",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
            **(changes or {}),
        }
        return {k: v for k, v in made.items() if v is not None}

    def start(
        self,
        *flags: str,
        env: dict[str, str | None] | None = None,
        pool: str | None = "pool",
        name: str | None = "w1",
        before: list[str] | None = None,
        **popen: Any,
    ) -> Worker:
        """Starts the worker; `before` are words in front of the binary (unshare and the like)."""
        words = [*(before or []), str(binary()), "start"]
        words += ["--pool", pool] if pool is not None else []
        words += ["--name", name] if name is not None else []
        return self.run([*words, *flags], env, **popen)

    def run(
        self, words: list[str], env: dict[str, str | None] | None = None, **popen: Any
    ) -> Worker:
        worker = Worker(words, self.env(env), self.folder, **popen)
        self.workers.append(worker)
        return worker

    def pool(self, **more: Any) -> Object:
        """The pool named `pool`, with a template; variables get the defaults that are given."""
        template = copy.deepcopy(TEMPLATE)
        for key, value in more.pop("defaults", {}).items():
            template["variables"]["properties"][key]["default"] = value
        job = more.pop("job", None)
        if job:
            job(template["job_configuration"]["job_manifest"])
        return self.prefect.store.add_pool("pool", template=template, **more)

    def deployment(self, **job_variables: Any) -> Object:
        """A deployment on that pool, which is made if it is missing."""
        if "pool" not in self.prefect.store.pools:
            self.pool()
        job_variables.setdefault("image", "busybox:1")
        return self.prefect.deployment(job_variables=job_variables)

    def scheduled_run(self, **job_variables: Any) -> Object:
        return self.prefect.store.add_run(self.deployment(**job_variables))

    def submitted(self, run: Object, timeout_s: float = 10) -> Object:
        """Waits until the run's Job exists and is reported; the Job."""
        name = f"/flow_runs/{run['id']}\\?"
        self.prefect.journal.wait("PATCH", name, timeout_s=timeout_s * SLOW)
        jobs = [j for j in self.kube.find_jobs() if self.run_of(j) == run["id"]]
        assert len(jobs) == 1, f"{len(jobs)} Jobs for run {run['id']}"
        return jobs[0]

    @staticmethod
    def run_of(thing: Object) -> str | None:
        return (thing["metadata"].get("labels") or {}).get("prefect.io/flow-run-id")

    def finish(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.kube.stop()
        self.prefect.stop()
        for worker in self.workers:
            worker.assert_clean()


def bodies(entries: list[Any]) -> list[Any]:
    return [entry.body for entry in entries]


def settle(seconds: float) -> None:
    """A pause in which something must NOT happen; kept short."""
    time.sleep(seconds)
