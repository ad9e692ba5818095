# SPDX-License-Identifier: Apache-2.0
"""`why`: the cause of a run's delay or end, from both APIs, in one paragraph."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from harness import SLOW, Object, Rig, binary, settle
from standin.kube_script import Plan


def why(rig: Rig, run: Object | str, *words: str, code: int = 0, **env) -> str:
    """What the command prints, which is one line; within its second."""
    run_id = run if isinstance(run, str) else run["id"]
    begun = time.monotonic()
    asked = rig.run([str(binary()), "why", run_id, *words], env or None)
    assert asked.wait_exit() == code, asked.text
    assert time.monotonic() - begun < 1.0 * SLOW
    lines = asked.stderr if code else asked.stdout
    assert len(lines) == 1 and not (asked.stdout if code else asked.stderr), asked.text
    return lines[0]


def told(rig: Rig, run: Object) -> tuple[str, str]:
    """The cause's key and the paragraph, which is the text form too."""
    answer = json.loads(why(rig, run, "-o", "json"))
    assert answer["flow_run_id"] == run["id"] and answer["name"] == run["name"]
    return answer["cause"], answer["text"]


def beat(rig: Rig, ago_s: float = 0) -> None:
    """A worker of the pool was heard of."""
    rig.prefect.store.heartbeats[("pool", "w9")] = [time.time() - ago_s]


def claim(rig: Rig, run: Object, mark: str) -> None:
    message = f"Claimed by Kubernetes worker 'w9' for cluster {mark}"
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending", message=message)


def with_job(rig: Rig, plan: Plan, phase: str | None, *, runs: bool = False, **variables) -> Object:
    """A run whose Job a worker made; the worker is gone again."""
    run = rig.scheduled_run(**variables)
    rig.kube.script.by_run[run["id"]] = plan
    worker = rig.start()
    rig.submitted(run)
    if phase:
        rig.kube.wait_pod(phase)
    if runs:
        rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    assert worker.stop() == 0
    return run


# ---- usage


def test_usage(rig: Rig) -> None:
    assert "FLOW_RUN_ID" in why(rig, "--", code=2)
    assert "UUID" in why(rig, "happy-fox", code=2)
    assert "yaml" in why(rig, str(uuid.uuid4()), "-o", "yaml", code=2)


def test_unknown_run(rig: Rig) -> None:
    run_id = str(uuid.uuid4())
    assert run_id in why(rig, run_id, code=1)


def test_prefect_is_unreachable(rig: Rig) -> None:
    rig.prefect.server.refuse()
    assert "can't be read" in why(rig, str(uuid.uuid4()), code=1)


def test_no_api_url(rig: Rig) -> None:
    assert "PREFECT_API_URL" in why(rig, str(uuid.uuid4()), code=1, PREFECT_API_URL=None)


def test_nothing_is_changed(rig: Rig) -> None:
    run = with_job(rig, Plan("never"), "Pending")
    before = len(rig.prefect.journal.find()), len(rig.kube.journal.find())
    text = why(rig, run)
    assert run["name"] in text
    for entry in rig.kube.journal.find()[before[1] :]:
        assert entry.method == "GET" and "watch" not in entry.request.query, entry
    for entry in rig.prefect.journal.find()[before[0] :]:
        assert entry.method == "GET" or entry.path.endswith(("/filter", "/count")), entry


# ---- scheduled


def test_not_due(rig: Rig) -> None:
    run = rig.prefect.store.add_run(rig.deployment(), in_seconds=300)
    cause, text = told(rig, run)
    assert cause == "NotDue" and text.startswith("It is not due yet")


def test_paused_pool(rig: Rig) -> None:
    rig.pool(paused=True)
    cause, text = told(rig, rig.scheduled_run())
    assert cause == "WorkPoolPaused" and text.startswith("Work pool 'pool' is paused")


def test_paused_queue(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.store.queue("pool", "default")["is_paused"] = True
    cause, text = told(rig, run)
    assert cause == "WorkQueuePaused" and text.startswith("Work queue 'default' is paused")


@pytest.mark.parametrize("generation", ["rig", "legacy_rig"])
@pytest.mark.parametrize(
    ("thing", "cause"), [("pool", "WorkPoolLimit"), ("queue", "WorkQueueLimit")]
)
def test_limits(request: pytest.FixtureRequest, generation: str, thing: str, cause: str) -> None:
    """2.20 does not say how many slots are taken: they are counted."""
    rig = request.getfixturevalue(generation)
    busy, run = rig.scheduled_run(), rig.scheduled_run()
    rig.prefect.store.put_state(busy["id"], "RUNNING", "Running")
    store = rig.prefect.store
    limited = store.pool("pool") if thing == "pool" else store.queue("pool", "default")
    beat(rig)
    assert told(rig, run)[0] == "NotTaken"
    limited["concurrency_limit"] = 1
    key, text = told(rig, run)
    assert key == cause and "1 of 1 are taken" in text


@pytest.mark.parametrize("limit", [
    {"concurrency_limit": 2},
    {"global_concurrency_limit": {"limit": 2, "active_slots": 2, "name": "x", "active": True}},
])  # fmt: skip
def test_slot_of_the_deployment(rig: Rig, limit: Object) -> None:
    run = rig.scheduled_run()
    rig.prefect.store.deployments[run["deployment_id"]].update(limit)
    rig.prefect.store.put_state(run["id"], "SCHEDULED", "AwaitingConcurrencySlot")
    cause, text = told(rig, run)
    assert cause == "DeploymentLimit" and "'deployment'" in text and "2" in text


def test_no_worker(rig: Rig) -> None:
    run = rig.scheduled_run()
    cause, text = told(rig, run)
    assert cause == "NoWorkerOnline" and "none ever was" in text
    beat(rig, ago_s=600)
    cause, text = told(rig, run)
    assert cause == "NoWorkerOnline" and "'w9'" in text and "10 min" in text


def test_not_taken(rig: Rig) -> None:
    for _ in range(3):
        rig.scheduled_run()
    run = rig.scheduled_run()
    rig.prefect.store.put_state(
        run["id"], "SCHEDULED", "Late", scheduled_time=run["expected_start_time"]
    )
    beat(rig)
    cause, text = told(rig, run)
    assert cause == "NotTaken" and "3 due runs" in text and "has been Late" in text


def test_no_work_pool(rig: Rig) -> None:
    run = rig.scheduled_run()
    run.update(work_pool_name=None, work_queue_name=None)
    assert told(rig, run)[0] == "NoWorkPool"


# ---- pending


@pytest.mark.parametrize(("plan", "phase", "cause", "words"), [
    (Plan("image_error"), "Pending", "ImagePullError", "can't be pulled"),
    (Plan("unschedulable"), "Pending", "Unschedulable.InsufficientResources", "Insufficient cpu"),
    (Plan("config_error"), "Pending", "CreateContainerConfigError", 'secret "missing" not found'),
    (Plan("never"), "Pending", "NotScheduled", "scheduler"),
    (Plan("run"), "Running", "NoContact", "PREFECT_API_URL"),
])  # fmt: skip
def test_pending(rig: Rig, plan: Plan, phase: str, cause: str, words: str) -> None:
    run = with_job(rig, plan, phase)
    settle(0.5)
    answer = json.loads(why(rig, run, "-o", "json"))
    assert answer["cause"] == cause and words in answer["text"]
    job = rig.kube.find_jobs()[0]["metadata"]
    assert (answer["namespace"], answer["job"]) == ("default", job["name"])
    assert answer["pod"].startswith(job["name"])
    assert why(rig, run).startswith(answer["text"].split(".")[0])


def test_refused_pods(rig: Rig) -> None:
    run = with_job(rig, Plan("no_pod"), None)
    cause, text = told(rig, run)
    assert cause == "QuotaExceeded" and "exceeded quota: compute" in text


def test_suspended(rig: Rig) -> None:
    rig.pool(job=lambda manifest: manifest["spec"].update(suspend=True))
    run = with_job(rig, Plan(), None, labels={"kueue.x-k8s.io/queue-name": "batch"})
    cause, text = told(rig, run)
    assert cause == "Suspended" and "queue 'batch'" in text


def test_quota_of_jobs(rig: Rig) -> None:
    """No Job exists: the worker's own line tells."""
    message = 'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1'
    status = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": message}
    rig.kube.faults.add(
        method="POST", path="/jobs", status=403, body={**status, "code": 403}, times=None
    )
    run = rig.scheduled_run()
    worker = rig.start()
    worker.wait_line("exceeded quota")
    rig.prefect.journal.wait("POST", "/logs/")
    rig.prefect.journal.wait_for(
        lambda: [e for e in rig.prefect.run_logs(run) if e["level"] == 30], 5
    )
    cause, text = told(rig, run)
    assert cause == "QuotaExceeded" and "exceeded quota: jobs" in text
    worker.kill()


def test_claimed_and_no_job(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0
    claims = [s["message"] for s in rig.prefect.store.states[run["id"]] if s["name"] == "Pending"]
    mark = claims[0].split()[-1]
    fresh = rig.scheduled_run()
    claim(rig, fresh, mark)
    cause, text = told(rig, fresh)
    assert cause == "NoJob" and "'w9'" in text
    claim(rig, fresh, "0badf00d")
    cause, text = told(rig, fresh)
    assert cause == "OtherCluster" and "0badf00d" in text and mark in text


def test_claimed_by_another_kind(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.store.put_state(run["id"], "PENDING", "Pending")
    cause, text = told(rig, run)
    assert cause == "NoJob" and "another kind of worker" in text
    run["job_variables"] = {"cluster_config": {"config": {}}}
    assert told(rig, run)[0] == "OtherCluster"


def test_node_is_gone(rig: Rig) -> None:
    run = with_job(rig, Plan("run"), "Running", runs=True)
    assert told(rig, run)[0] == "Running"
    lost = {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}
    rig.kube.store.update("nodes", "", "node-1", lambda o: o["status"].update(conditions=[lost]))
    cause, text = told(rig, run)
    assert cause == "NodeNotReady" and "Kubelet stopped posting" in text and "node-1" in text
    rig.kube.store.delete("nodes", "", "node-1")
    cause, text = told(rig, run)
    assert cause == "NodeNotReady" and "not in the cluster any more" in text


def test_only_one_namespace_is_allowed(rig: Rig) -> None:
    run = with_job(rig, Plan("image_error"), "Pending")
    settle(0.5)
    rig.kube.access.namespaces = {"default"}
    assert told(rig, run)[0] == "ImagePullError"


def test_kubernetes_is_unreachable(rig: Rig) -> None:
    run = with_job(rig, Plan("never"), "Pending")
    rig.kube.server.refuse()
    cause, text = told(rig, run)
    assert cause == "KubernetesUnknown" and "can't be asked" in text


def test_without_a_kubeconfig(rig: Rig) -> None:
    run = rig.scheduled_run()
    beat(rig)
    rig.config.unlink()
    assert told(rig, run)[0] == "NotTaken"


# ---- running and over


def test_job_is_gone(rig: Rig) -> None:
    run = with_job(rig, Plan("run"), "Running", runs=True)
    job = rig.kube.find_jobs()[0]["metadata"]["name"]
    rig.kube.store.delete("jobs", "default", job)
    for pod in rig.kube.store.find("pods"):
        rig.kube.store.delete("pods", "default", pod["metadata"]["name"])
    cause, text = told(rig, run)
    assert cause == "JobGone" and job in text


@pytest.mark.parametrize(("plan", "cause", "words"), [
    (Plan("oom"), "OOMKilled", "memory_limit"),
    (Plan("exit", code=3), "ContainerFailed", "code 3"),
    (Plan("evicted"), "Evicted", "low on resource"),
])  # fmt: skip
def test_crashed(rig: Rig, plan: Plan, cause: str, words: str) -> None:
    """By the Job that is still there, and by the state's message when it is not."""
    plan.run_s = 0.6
    run = rig.scheduled_run(memory_limit="64Mi")
    rig.kube.script.by_run[run["id"]] = plan
    worker = rig.start()
    rig.submitted(run)
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    rig.prefect.wait_state(run, "Crashed", 20)
    assert worker.stop() == 0
    for _ in range(2):
        key, text = told(rig, run)
        assert key == cause and text.startswith("It crashed: Job") and words in text
        rig.kube.store.objects["jobs"].clear()
        rig.kube.store.objects["pods"].clear()


def test_crashed_without_a_cause_in_the_state(rig: Rig) -> None:
    """The Python worker's state does not tell; the Job does."""
    run = with_job(rig, Plan("exit", code=3), "Failed")
    rig.prefect.store.put_state(run["id"], "CRASHED", "Crashed", message="No active pods.")
    cause, text = told(rig, run)
    assert cause == "ContainerFailed" and "No active pods." in text and "code 3" in text


def test_start_lag(rig: Rig) -> None:
    run = with_job(rig, Plan("run"), "Running", runs=True)
    pod = rig.kube.store.find("pods")[0]
    rig.kube.jobs.note(pod, "Normal", "Pulled", "Successfully pulled image in 1s")
    rig.prefect.store.put_state(run["id"], "COMPLETED", "Completed")
    answer = json.loads(why(rig, run, "-o", "json"))
    assert answer["cause"] == "Completed"
    steps = [step["step"] for step in answer["start_lag"]]
    assert steps == [
        "due", "claimed", "job_created", "pod_scheduled", "image_pulled", "container_started",
        "first_contact",
    ]  # fmt: skip
    assert answer["start_lag"][0]["seconds"] is None
    spent = [step["seconds"] for step in answer["start_lag"][1:]]
    assert all(0 <= s < 60 for s in spent)
    times = [step["at"] for step in answer["start_lag"]]
    assert times[-1] >= times[0]
    assert "From due to first contact it took" in answer["text"]
    assert "until the image was there" in answer["text"]
