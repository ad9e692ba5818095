# SPDX-License-Identifier: Apache-2.0
"""`why` names the cause of each way in which a run can be late, pending or crashed."""

import json
import subprocess
import time
import uuid
from typing import NamedTuple

import pytest
from rig import install, worker
from rig.wait import until
from test_cancel import nowhere
from test_restart import suspend

PROGRAM = install.BUILD / "prefect-k8s-worker"
STEPS = ["due", "claimed", "job_created", "pod_scheduled", "container_started", "first_contact"]
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "nothing"}}


class Stage(NamedTuple):
    """Where the runs are; the commands are asked from outside of their workers."""

    server: object
    cluster: object
    environment: dict
    runs: dict
    namespace: str

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [PROGRAM, *words],
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def told(self, run: str, cause: str, seconds: float = 90) -> dict:
        """The answer, once its cause is this one."""

        def answer() -> dict | None:
            begun = time.monotonic()
            found = json.loads(self.command("why", self.runs[run]["id"], "-o", "json"))
            spent.append(time.monotonic() - begun)
            seen.append(found["cause"] + ": " + found["text"])
            return found if found["cause"] == cause else None

        seen: list[str] = []
        spent: list[float] = []
        found = until(f"{cause} for {run}", answer, seconds, lambda: "\n".join(seen[-3:]))
        assert min(spent) < 1, spent  # others may use the machine too
        line = self.command("why", self.runs[run]["id"])
        assert line.count("\n") == 1 and line[:20] == found["text"][:20]
        print(line)
        return found


def kinds(namespace: str) -> dict[str, tuple[str, dict]]:
    """Name of the run → kind of its pool, job variables."""
    hungry = "python3 -c 'x = b\"x\" * (300 << 20); print(len(x))'"
    return {
        "completes": ("plain", {}),
        "image": ("plain", {"image": "registry.invalid/no/such:image"}),
        "exit": ("plain", {"command": "sh -c 'exit 3'"}),
        "oom": ("plain", {"command": hungry, "memory_limit": "48Mi"}),
        "quota": ("plain", {"namespace": namespace}),
        "nowhere": ("nowhere", {}),
        "suspended": ("suspended", {"labels": {"kueue.x-k8s.io/queue-name": "batch"}}),
    }


def make_pools(server, flows) -> dict[str, str]:
    """Kind → name."""
    pools = {}
    for kind, change in (("plain", None), ("nowhere", nowhere), ("suspended", suspend)):
        template = server.template(flows)
        if change:
            change(template)
        pools[kind] = f"why-{uuid.uuid4().hex[:6]}-{kind}"
        server.api.pool(pools[kind], template)
    return pools


@pytest.fixture(scope="module")
def stage(server, cluster, flows, work):
    """A worker for each pool, and a run of each kind."""
    api = server.api
    namespace = cluster.namespace(f"quota-{uuid.uuid4().hex[:6]}")
    quota = {**QUOTA, "metadata": {"name": "nothing", "namespace": namespace}}
    cluster.apply({**quota, "spec": {"hard": {"pods": "0"}}})
    pools = make_pools(server, flows)
    runs = {}
    for name, (kind, variables) in kinds(namespace).items():
        deployment = api.deployment(pools[kind], name, "hello.py:hello", job_variables=variables)
        runs[name] = api.run(deployment)
    environment = {**worker.settings(server, cluster, work / "why"), "PATH": "/usr/bin:/bin"}
    workers = [worker.start("ours", server, cluster, work, pool) for pool in pools.values()]
    try:
        yield Stage(server, cluster, environment, runs, namespace)
        for process in workers:
            process.stop()
    finally:
        for process in workers:
            process.kill()
        for run in runs.values():
            cluster.kubectl("delete", "job", "-A", "-l", f"prefect.io/flow-run-id={run['id']}")
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.parametrize("generation", ["3.8", "2.20"])
def test_late(generation, servers, cluster, work, pool):
    """Nobody takes it: the pool is paused, its slots are taken, there is no worker."""
    server = servers[generation]
    api, name = server.api, pool(server)
    deployment = api.deployment(name, "late", "hello.py:hello")
    run, busy = api.run(deployment), api.run(deployment)
    environment = {**worker.settings(server, cluster, work / "late"), "PATH": "/usr/bin:/bin"}
    stage = Stage(server, cluster, environment, {"late": run}, "")
    assert f"'{name}'" in stage.told("late", "NoWorkerOnline")["text"]
    pending = {"state": {"type": "PENDING", "name": "Pending"}}
    api.post(f"/flow_runs/{busy['id']}/set_state", pending)
    api.call("PATCH", f"/work_pools/{name}", {"concurrency_limit": 1})
    assert "1 of 1" in stage.told("late", "WorkPoolLimit")["text"]
    api.call("PATCH", f"/work_pools/{name}", {"is_paused": True})
    stage.told("late", "WorkPoolPaused")


def test_image(stage):
    told = stage.told("image", "ImagePullError")
    assert "registry.invalid/no/such:image" in told["text"]
    assert told["pod"] and told["namespace"] == "default"


def test_unschedulable(stage):
    told = stage.told("nowhere", "Unschedulable.NodeAffinity")
    assert "nodes are available" in told["text"] and told["node"] is None


def test_suspended(stage):
    told = stage.told("suspended", "Suspended")
    assert "queue 'batch'" in told["text"] and told["pod"] is None
    entry = stage.server.api.wait_log(stage.runs["suspended"]["id"], "waits in queue 'batch'")
    assert entry["level"] == 20


def test_quota(stage):
    """Told on the run too; and as soon as there is room, the run goes on by itself."""
    api, run = stage.server.api, stage.runs["quota"]
    told = stage.told("quota", "QuotaExceeded")
    assert "exceeded quota: nothing" in told["text"] and told["pod"] is None
    entry = api.wait_log(run["id"], "exceeded quota: nothing")
    assert entry["level"] == 30
    patch = json.dumps({"spec": {"hard": {"pods": "5"}}})
    stage.cluster.kubectl("patch", "resourcequota", "nothing", "-n", stage.namespace, "-p", patch)
    api.wait_final(run["id"], "COMPLETED", 150)
    told = [e for e in api.logs(run["id"]) if "exceeded quota" in e["message"]]
    assert len(told) == 1, [e["message"] for e in told]


def test_exit_code(stage):
    stage.server.api.wait_final(stage.runs["exit"]["id"], "CRASHED")
    told = stage.told("exit", "ContainerFailed")
    assert told["text"].startswith("It crashed: Job") and "code 3" in told["text"]


def test_out_of_memory(stage):
    stage.server.api.wait_final(stage.runs["oom"]["id"], "CRASHED")
    told = stage.told("oom", "OOMKilled")
    assert "48Mi" in told["text"] and "memory_limit" in told["text"]


def test_start_lag(stage):
    stage.server.api.wait_final(stage.runs["completes"]["id"], "COMPLETED")
    told = stage.told("completes", "Completed")
    steps = [step["step"] for step in told["start_lag"] if step["step"] != "image_pulled"]
    assert steps == STEPS, told
    assert all(0 <= step["seconds"] < 60 for step in told["start_lag"][1:])
    assert "From due to first contact it took" in stage.command(
        "why", stage.runs["completes"]["id"]
    )


def test_reconcile_finds_no_difference(stage):
    """While all is as it should be, as far as this pool's runs are."""
    pool = stage.server.api.flow_run(stage.runs["suspended"]["id"])["work_pool_name"]
    told = stage.command("reconcile", "--dry-run", "--pool", pool)
    assert told == f"Work pool '{pool}': 1 run alive, 1 Job; no difference.\n"
