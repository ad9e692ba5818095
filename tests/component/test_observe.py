# SPDX-License-Identifier: Apache-2.0
"""What becomes of a run's pods: events, diagnoses, crashes."""

from __future__ import annotations

import json
import uuid

import pytest
from harness import Rig, settle
from standin.kube_script import Plan
from standin.prefect_shapes import parse_time

POD = "prefect.kubernetes.pod."


def pod_event_id(uid: str, phase: str, diagnosis: str | None = None, restarts: int = 0) -> str:
    """As the Python worker forms it."""
    known = {"uid": uid, "phase": phase, "restart_count": restarts, "diagnosis": diagnosis}
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(known, sort_keys=True)))


def test_pod_event_id_is_the_python_workers() -> None:
    uid = "aaaaaaaa-0000-0000-0000-000000000001"
    assert pod_event_id(uid, "Pending") == "afad6685-e2fd-5e58-b949-d1eed0a5f861"


def running(rig: Rig, run: dict) -> None:
    """The run's own process would report this."""
    rig.prefect.store.put_state(run["id"], "RUNNING", "Running")


def submit(rig: Rig, plan: Plan, *, runs: bool = False, **variables) -> tuple[dict, dict]:
    """A run whose pod follows the plan; the run and its Job. `runs`: its process reported."""
    run = rig.scheduled_run(**variables)
    rig.kube.script.by_run[run["id"]] = plan
    rig.start()
    job = rig.submitted(run)
    if runs:
        running(rig, run)
    return run, job


def pod_of(rig: Rig, run: dict) -> dict:
    return next(p for p in rig.kube.store.find("pods") if rig.run_of(p) == run["id"])


def events_of(rig: Rig, run: dict) -> list[dict]:
    pod = pod_of(rig, run)["metadata"]["uid"]
    with rig.prefect.store.lock:
        found = [e for e in rig.prefect.store.events if e["event"].startswith(POD)]
    return [e for e in found if e["resource"]["prefect.resource.id"] == POD + pod]


def test_pod_events(rig: Rig) -> None:
    run, job = submit(rig, Plan(run_s=0.5))
    rig.prefect.wait_event(POD + "succeeded")
    pod = pod_of(rig, run)["metadata"]
    events = events_of(rig, run)
    assert [e["event"].removeprefix(POD) for e in events] == ["pending", "running", "succeeded"]
    wanted = [pod_event_id(pod["uid"], p) for p in ("Pending", "Running", "Succeeded")]
    assert [e["id"] for e in events] == wanted
    assert [e["follows"] for e in events] == [None, *wanted[:2]]
    for event in events:
        assert event["resource"] == {
            "prefect.resource.id": POD + pod["uid"],
            "prefect.resource.name": pod["name"],
            "kubernetes.namespace": "default",
        }
        assert event["payload"] == {}
    created = parse_time(pod["creationTimestamp"])
    assert parse_time(events[0]["occurred"]) == created
    assert rig.workers[0].stop() == 0
    del job


def test_related_resources_of_pod_events(rig: Rig) -> None:
    run, _ = submit(rig, Plan())
    event = rig.prefect.wait_event(POD + "pending")[0]
    store = rig.prefect.store
    deployment, flow = store.deployments[run["deployment_id"]], store.flows[run["flow_id"]]
    pool = store.pools["pool"]
    assert event["related"] == [
        {
            "prefect.resource.id": f"prefect.{kind}.{thing['id']}",
            "prefect.resource.role": kind,
            "prefect.resource.name": thing["name"],
        }
        for kind, thing in (
            ("flow-run", run), ("deployment", deployment), ("flow", flow), ("work-pool", pool),
        )
    ] + [
        {
            "prefect.resource.id": "prefect.worker.kubernetes.w1",
            "prefect.resource.role": "worker",
            "prefect.resource.name": "w1",
            "prefect.worker-type": "kubernetes",
            "prefect.version": "3.8.8",
        }
    ]  # fmt: skip
    assert rig.workers[0].stop() == 0


def test_worker_events(rig: Rig) -> None:
    deployment = rig.deployment()
    deployment["tags"] = ["b", "a"]
    run = rig.prefect.store.add_run(deployment, tags=["b", "c"])
    worker = rig.start(name="Büro Worker")
    job = rig.submitted(run)
    rig.prefect.wait_event("prefect.worker.executed-flow-run")
    assert worker.stop() == 0
    events = {e["event"]: e for e in rig.prefect.store.events if "prefect.worker." in e["event"]}
    assert set(events) == {
        f"prefect.worker.{n}"
        for n in ("started", "submitted-flow-run", "executed-flow-run", "stopped")
    }
    for event in events.values():
        assert event["resource"] == {
            "prefect.resource.id": "prefect.worker.kubernetes.buro-worker",
            "prefect.resource.name": "Büro Worker",
            "prefect.version": "3.8.8",
            "prefect.worker-type": "kubernetes",
        }
    started, submitted, executed, stopped = (
        events[f"prefect.worker.{n}"]
        for n in ("started", "submitted-flow-run", "executed-flow-run", "stopped")
    )
    assert started["follows"] is None and stopped["follows"] == started["id"]
    assert executed["follows"] == submitted["id"]
    roles = ["deployment", "flow", "flow-run", "tag", "tag", "tag", "work-pool"]
    assert [r["prefect.resource.role"] for r in submitted["related"]] == roles
    tags = [r["prefect.resource.id"] for r in submitted["related"][3:6]]
    assert tags == ["prefect.tag.a", "prefect.tag.b", "prefect.tag.c"]
    about_run = executed["related"][2]
    assert about_run["prefect.infrastructure.identifier"] == f"default:{job['metadata']['name']}"
    assert about_run["prefect.infrastructure.status-code"] == "0"
    assert [r["prefect.resource.role"] for r in started["related"]] == ["work-pool"]


def test_infrastructure_pending(rig: Rig) -> None:
    run, _ = submit(rig, Plan("never"))
    state = rig.prefect.wait_state(run, "InfrastructurePending")
    assert state["type"] == "PENDING"
    settle(0.5)
    assert rig.prefect.states(run).count("InfrastructurePending") == 1
    assert rig.workers[0].stop() == 0


def test_exit_code(rig: Rig) -> None:
    run, _ = submit(rig, Plan("exit", code=3, run_s=0.6), runs=True)
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert state["type"] == "CRASHED" and "3" in state["message"]
    assert "prefect-job" in state["message"]
    rig.prefect.wait_event(POD + "failed")
    settle(0.5)
    assert rig.prefect.states(run).count("Crashed") == 1
    assert not [e for e in events_of(rig, run) if e["event"].endswith("evicted")]
    assert rig.workers[0].stop() == 0


def test_out_of_memory(rig: Rig) -> None:
    run, _ = submit(rig, Plan("oom", run_s=0.6), runs=True, memory_limit="64Mi")
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "OOMKilled" in state["message"] or "memory" in state["message"]
    event = rig.prefect.wait_event(POD + "failed")[0]
    assert event["resource"]["kubernetes.diagnosis"] == "OOMKilled"
    pod = pod_of(rig, run)["metadata"]["uid"]
    assert event["id"] == pod_event_id(pod, "Failed", "OOMKilled")
    assert rig.workers[0].stop() == 0


def test_eviction(rig: Rig) -> None:
    run, _ = submit(rig, Plan("evicted", run_s=0.6), runs=True)
    rig.prefect.wait_state(run, "Crashed", 20)
    event = rig.prefect.wait_event(POD + "evicted")[0]
    assert event["resource"]["kubernetes.diagnosis"] == "Evicted"
    assert rig.workers[0].stop() == 0


def test_crashed_before_it_ran(rig: Rig) -> None:
    """A pending run gets 30 s for a sibling Job; the pod's last lines go to the run."""
    run, _ = submit(rig, Plan("exit", code=2, run_s=0.2, log=["no module named flow"]))
    state = rig.prefect.wait_state(run, "Crashed", 45)
    assert "2" in state["message"]

    def sent() -> bool:
        return any("no module named flow" in log["message"] for log in rig.prefect.run_logs(run))

    assert rig.prefect.journal.wait_for(sent, 10)
    assert rig.workers[0].stop() == 0


@pytest.mark.parametrize("state", [("COMPLETED", "Completed"), ("SCHEDULED", "AwaitingRetry")])
def test_failed_job_of_a_settled_run(rig: Rig, state: tuple[str, str]) -> None:
    run, _ = submit(rig, Plan("exit", code=1, run_s=1.0), runs=True)
    rig.prefect.store.put_state(run["id"], *state)
    rig.kube.wait_pod("Failed")
    settle(1.5)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_deadline(rig: Rig) -> None:
    """The Job's own Failed condition counts, whatever the backoffLimit."""

    def soon(manifest: dict) -> None:
        manifest["spec"]["activeDeadlineSeconds"] = 1

    rig.pool(job=soon)
    run, _ = submit(rig, Plan("run"), runs=True, backoff_limit=3)
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "DeadlineExceeded" in state["message"] or "deadline" in state["message"].lower()
    assert rig.workers[0].stop() == 0


def test_backoff_limit_is_left_to_kubernetes(rig: Rig) -> None:
    """A failed pod that is replaced is no crash."""
    run, _ = submit(rig, Plan("exit", code=1, run_s=0.5), runs=True, backoff_limit=1)
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert state
    assert len([p for p in rig.kube.store.find("pods") if rig.run_of(p) == run["id"]]) == 2
    assert rig.workers[0].stop() == 0


def test_job_is_deleted(rig: Rig) -> None:
    run, job = submit(rig, Plan("run"), runs=True)
    rig.kube.wait_pod("Running")
    rig.kube.jobs.delete_job("default", job["metadata"]["name"], "Background")
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "delete" in state["message"].lower()
    assert rig.workers[0].stop() == 0


def test_label_is_taken_off(rig: Rig) -> None:
    """DELETED only because it left the selection: the Job is still there, no crash."""
    run, job = submit(rig, Plan("run"), runs=True)
    rig.kube.wait_pod("Running")
    rig.kube.store.update(
        "jobs", "default", job["metadata"]["name"],
        lambda o: o["metadata"]["labels"].pop("prefect.io/flow-run-id"),
    )  # fmt: skip
    settle(2)
    assert "Crashed" not in rig.prefect.states(run)
    assert rig.workers[0].stop() == 0


def test_foreign_pool(rig: Rig) -> None:
    """A failed Job that carries another pool's id is not ours to judge."""
    run = rig.scheduled_run()
    running(rig, run)
    labels = {"prefect.io/flow-run-id": run["id"], "prefect.io/work-pool-id": str(uuid.uuid4())}
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    rig.kube.store.create("jobs", "default", {
        "metadata": {"name": "other", "labels": labels},
        "spec": {"template": {"spec": {"containers": []}}, "backoffLimit": 0, "suspend": False},
        "status": {"failed": 1, "conditions": [failed]},
    })  # fmt: skip
    worker = rig.start()
    rig.prefect.journal.wait("POST", "heartbeat", count=2)
    settle(1)
    assert rig.prefect.states(run)[-1] == "Running"
    assert worker.stop() == 0


def test_crash_is_noticed_after_a_restart(rig: Rig) -> None:
    run, _ = submit(rig, Plan("exit", code=9, run_s=1.0), runs=True)
    rig.kube.wait_pod("Running")
    assert rig.workers[0].stop() == 0
    rig.kube.wait_pod("Failed")
    assert "Crashed" not in rig.prefect.states(run)
    worker = rig.start()
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert "9" in state["message"]
    assert worker.stop() == 0


def test_nothing_is_reported_twice_after_a_restart(rig: Rig) -> None:
    run, _ = submit(rig, Plan())
    rig.prefect.wait_event(POD + "succeeded")
    rig.prefect.store.put_state(run["id"], "COMPLETED", "Completed")
    assert rig.workers[0].stop() == 0
    before = len(rig.prefect.journal.find())
    worker = rig.start()
    rig.prefect.journal.wait("POST", "heartbeat", count=3)
    settle(1)
    sent = [e for e in rig.prefect.journal.find("POST", r"/events\?") if e.number >= before]
    names = [event["event"] for entry in sent for event in entry.body]
    assert not [n for n in names if n.startswith(POD)], names
    assert worker.stop() == 0


CAUSES = [
    (Plan("image_error"), "ImagePullError", ["ErrImagePull", "not found"]),
    (Plan("unschedulable"), "Unschedulable.InsufficientResources", ["Insufficient cpu"]),
    (
        Plan(
            "unschedulable",
            message="0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.",
        ),
        "Unschedulable.Taint",
        ["taint"],
    ),
    (Plan("crashloop", run_s=0.3), "CrashLoopBackOff", ["back-off"]),
]


@pytest.mark.parametrize(
    ("plan", "category", "words"), CAUSES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_diagnosis(rig: Rig, plan: Plan, category: str, words: list[str]) -> None:
    """A line on the run, once for a cause, and the category on the event."""
    run, _ = submit(rig, plan)

    def told() -> list[dict] | None:
        found = [g for g in rig.prefect.run_logs(run) if g["name"] == "prefect.flow_runs.observer"]
        return [g for g in found if all(w in g["message"] for w in words)] or None

    lines = rig.prefect.journal.wait_for(told, 10)
    assert lines, [g["message"] for g in rig.prefect.run_logs(run)]
    assert lines[0]["level"] in (30, 40)

    def categorised() -> bool:
        return any(
            e["resource"].get("kubernetes.diagnosis") == category for e in events_of(rig, run)
        )

    assert rig.prefect.journal.wait_for(categorised, 5), events_of(rig, run)
    pod = pod_of(rig, run)["metadata"]
    for _ in range(3):
        rig.kube.store.update(
            "pods",
            "default",
            pod["name"],
            lambda o: o["metadata"].update(generation=o["metadata"].get("generation", 0) + 1),
        )
    settle(1)
    assert len([g for g in told() or [] if g["message"] == lines[0]["message"]]) == 1
    assert rig.workers[0].stop() == 0


def test_changing_node_counts_are_one_cause(rig: Rig) -> None:
    run, _ = submit(rig, Plan("unschedulable"))
    rig.prefect.wait_event(POD + "pending")
    pod = pod_of(rig, run)["metadata"]["name"]
    for nodes in (2, 3, 4):

        def change(o: dict, n: int = nodes) -> None:
            o["status"]["conditions"][0]["message"] = (
                f"0/{n} nodes are available: {n} Insufficient cpu."
            )

        rig.kube.store.update("pods", "default", pod, change)
        settle(0.2)
    settle(1)
    logs = [g for g in rig.prefect.run_logs(run) if "Insufficient cpu" in g["message"]]
    assert 1 <= len(logs) <= 2, [g["message"] for g in logs]
    assert rig.workers[0].stop() == 0


def test_evicted_as_the_python_worker_reads_it(rig: Rig) -> None:
    """A pod that is only diagnosed by our own causes has no category on its event."""
    run, _ = submit(rig, Plan("config_error"))
    rig.prefect.wait_event(POD + "pending")
    settle(0.5)
    pod = pod_of(rig, run)["metadata"]["uid"]
    events = events_of(rig, run)
    assert {e["id"] for e in events} == {pod_event_id(pod, "Pending")}
    assert all("kubernetes.diagnosis" not in e["resource"] for e in events)
    assert rig.workers[0].stop() == 0


def test_replication_switched_off(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start(
        env={"PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_REPLICATE_POD_EVENTS": "false"}
    )
    rig.submitted(run)
    rig.kube.wait_pod("Succeeded")
    settle(1)
    assert not [e for e in rig.prefect.store.events if e["event"].startswith(POD)]
    assert "InfrastructurePending" not in rig.prefect.states(run)
    assert worker.stop() == 0
