# SPDX-License-Identifier: Apache-2.0
"""Jobs that get no pod: refused by a quota or an admission rule, or suspended by a queue."""

from __future__ import annotations

from harness import Rig, settle
from standin.kube_script import Plan

EVENTS = "/namespaces/default/events"
WARNING = 30
QUOTA = (
    'pods "x-" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu={}, limited: cpu=4'
)


def told(rig: Rig, run: dict, words: str) -> list[dict]:
    return [log for log in rig.prefect.run_logs(run) if words in log["message"]]


def wait_told(rig: Rig, run: dict, words: str, timeout_s: float = 25) -> dict:
    found = rig.prefect.journal.wait_for(lambda: told(rig, run, words), timeout_s)
    assert found, [log["message"] for log in rig.prefect.run_logs(run)]
    return found[0]


def refused(rig: Rig, message: str | None = None, **variables) -> tuple[dict, dict]:
    """A run whose Job gets no pod."""
    run = rig.scheduled_run(**variables)
    rig.kube.script.by_run[run["id"]] = Plan("no_pod", message=message)
    rig.start()
    return run, rig.submitted(run)


def test_quota(rig: Rig) -> None:
    """Told once, with Kubernetes' message; then the run goes on as soon as there is room."""
    run, job = refused(rig, QUOTA.format(4))
    log = wait_told(rig, run, "exceeded quota: small")
    assert log["level"] == WARNING and log["name"] == "prefect.flow_runs.observer"
    assert "ResourceQuota" in log["message"]
    asked = rig.kube.journal.find("GET", EVENTS)
    assert asked[0].request.query["fieldSelector"] == f"involvedObject.uid={job['metadata']['uid']}"
    rig.kube.script.by_run[run["id"]] = Plan("run")
    rig.kube.wait_pod("Running", 10)
    before = len(rig.kube.journal.find("GET", EVENTS))
    settle(11)
    assert len(rig.kube.journal.find("GET", EVENTS)) == before  # it has a pod
    assert len(told(rig, run, "exceeded quota")) == 1
    assert rig.workers[0].stop() == 0


def test_once_a_cause(rig: Rig) -> None:
    """Other amounts are the same cause, another rule is another one."""
    run, job = refused(rig, QUOTA.format(4))
    wait_told(rig, run, "exceeded quota")
    rig.kube.jobs.note(job, "Warning", "FailedCreate", "Error creating: " + QUOTA.format("3500m"))
    count = len(rig.kube.journal.find("GET", EVENTS))
    rig.kube.journal.wait("GET", EVENTS, count=count + 1, timeout_s=25)
    settle(1)
    assert len(told(rig, run, "exceeded quota")) == 1
    settle(1)  # times of Events are whole seconds
    hook = 'Error creating: admission webhook "policy.example" denied the request: no latest tag'
    rig.kube.jobs.note(job, "Warning", "FailedCreate", hook)
    log = wait_told(rig, run, "no latest tag", 45)
    assert "webhook allows" in log["message"]
    assert rig.workers[0].stop() == 0


def test_a_job_with_a_pod_is_not_asked_about(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.script.by_run[run["id"]] = Plan("run")
    worker = rig.start()
    rig.kube.wait_pod("Running")
    settle(8)
    assert not rig.kube.journal.find("GET", "/events")
    assert worker.stop() == 0


def test_suspended(rig: Rig) -> None:
    def suspend(manifest: dict) -> None:
        manifest["spec"]["suspend"] = True

    rig.pool(job=suspend)
    run = rig.scheduled_run(labels={"kueue.x-k8s.io/queue-name": "batch"})
    worker = rig.start()
    job = rig.submitted(run)
    log = wait_told(rig, run, "waits in queue 'batch'")
    assert log["level"] == 20
    settle(3)
    assert len(told(rig, run, "suspended")) == 1
    name = job["metadata"]["name"]
    rig.kube.store.update("jobs", "default", name, lambda o: o["spec"].update(suspend=False))
    rig.kube.wait_pod("Succeeded")
    assert not rig.kube.journal.find("GET", "/events")
    assert worker.stop() == 0


def test_no_claims_while_several_wait_for_a_quota(rig: Rig) -> None:
    """Four runs wait for a quota at the Job's creation: the fifth is left to be taken later."""
    message = 'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1'
    refused = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": message}
    rig.kube.faults.add(
        method="POST", path="/jobs", status=403, body={**refused, "code": 403}, times=None
    )
    first = [rig.scheduled_run() for _ in range(4)]
    worker = rig.start()
    worker.wait_line("wait for a quota", 15)
    late = rig.scheduled_run()
    polls = len(rig.prefect.journal.find("POST", "get_scheduled"))
    rig.prefect.journal.wait("POST", "get_scheduled", count=polls + 4)
    assert rig.prefect.states(late) == ["Scheduled"]
    rig.kube.faults.clear()
    for run in [*first, late]:
        rig.submitted(run, timeout_s=30)
    assert len(worker.matching("wait for a quota")) == 1
    assert len(rig.kube.find_jobs()) == 5
    assert worker.stop() == 0


def test_events_may_not_be_read(rig: Rig) -> None:
    """One line with the rule, and no further request."""
    rig.kube.access.deny("list", "events")
    refused(rig)
    line = rig.workers[0].wait_line("no pod .* can't be told", 25)
    assert "events" in line and "list" in line and "default" in line
    asked = len(rig.kube.journal.find("GET", EVENTS))
    settle(12)
    assert len(rig.kube.journal.find("GET", EVENTS)) == asked == 1
    assert len(rig.workers[0].matching("can't be told")) == 1
    assert rig.workers[0].stop() == 0


def test_the_cause_is_in_the_crashed_state(rig: Rig) -> None:
    """A deadline ends a Job that never had a pod: the state tells why it had none."""

    def deadline(manifest: dict) -> None:
        manifest["spec"]["activeDeadlineSeconds"] = 10

    rig.pool(job=deadline)
    run, _ = refused(rig, QUOTA.format(4))
    wait_told(rig, run, "exceeded quota")
    # A pending run waits half a minute for another Job.
    state = rig.prefect.wait_state(run, "Crashed", 60)
    assert "DeadlineExceeded" in state["message"] and "exceeded quota: small" in state["message"]
    assert rig.workers[0].stop() == 0


def test_jobs_of_other_pools_are_left_alone(rig: Rig) -> None:
    rig.pool()
    labels = {
        "prefect.io/flow-run-id": "11111111-2222-4333-8444-555555555555",
        "prefect.io/work-pool-id": "21111111-2222-4333-8444-555555555555",
    }
    rig.kube.script.default = Plan("no_pod")
    job = {
        "metadata": {"name": "other", "labels": labels},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": {}}},
        "status": {},
    }
    rig.kube.store.create("jobs", "default", job)
    worker = rig.start()
    worker.wait_started()
    settle(8)
    assert not rig.kube.journal.find("GET", "/events")
    assert worker.stop() == 0
