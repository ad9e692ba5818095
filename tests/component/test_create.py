# SPDX-License-Identifier: Apache-2.0
"""Creation of the Job: adopted, refused, repeated, and what becomes of the run."""

from __future__ import annotations

import pytest
from harness import Rig, settle
from standin.kube_store import stamp

CREATE = r"/apis/batch/v1/namespaces/[^/]+/jobs\?"


def refuse(rig: Rig, code: int, reason: str, message: str, times: int | None = 1, **more) -> None:
    body = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    }  # fmt: skip
    rig.kube.faults.add(method="POST", path=CREATE, status=code, body=body, times=times, **more)


def posts(rig: Rig) -> list:
    return rig.kube.journal.find("POST", CREATE)


def names(rig: Rig) -> list[str]:
    return [e.body["metadata"]["name"] for e in posts(rig)]


def crashed(rig: Rig, run: dict, *words: str) -> dict:
    """The run is Crashed, and its state's message names these."""
    state = rig.prefect.wait_state(run, "Crashed", 20)
    assert state["type"] == "CRASHED"
    missing = [w for w in words if w.lower() not in state["message"].lower()]
    assert not missing, state["message"]
    return state


def test_lost_reply(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, close="after")
    worker = rig.start()
    job = rig.submitted(run, timeout_s=20)
    assert len(rig.kube.find_jobs()) == 1
    assert set(names(rig)) == {job["metadata"]["name"]}
    assert 1 <= len(posts(rig)) <= 3
    assert "Crashed" not in rig.prefect.states(run)
    assert worker.stop() == 0


def test_lost_reply_and_late_read(rig: Rig) -> None:
    """The lost reply is followed by errors of the server: still one Job."""
    run = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, close="after")
    rig.kube.faults.add(method="POST", path=CREATE, status=503, body="busy")
    worker = rig.start()
    rig.submitted(run, timeout_s=30)
    assert len(rig.kube.find_jobs()) == 1
    assert worker.stop() == 0


def test_name_is_taken_by_another_run(rig: Rig) -> None:
    """409, but the Job there is not this run's: the next suffix of the same function."""
    run = rig.scheduled_run()
    refuse(rig, 409, "AlreadyExists", 'jobs.batch "x" already exists')
    other = {"metadata": {"name": "x", "labels": {"prefect.io/flow-run-id": "else"}}, "spec": {}}
    rig.kube.faults.add(method="GET", path=r"/jobs/[^/?]+\?", status=200, body=other)
    worker = rig.start()
    rig.submitted(run)
    first, second = names(rig)
    assert first != second and first[:-12] == second[:-12]
    assert worker.stop() == 0


def test_conflict_of_a_quota_is_repeated(rig: Rig) -> None:
    run = rig.scheduled_run()
    refuse(rig, 409, "Conflict", "Operation cannot be fulfilled on resourcequotas: modified")
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    first, second = names(rig)
    assert first == second
    assert worker.stop() == 0


def test_forbidden(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.access.deny("create", "jobs")
    worker = rig.start()
    crashed(rig, run, "cannot create resource", "jobs", "default")
    assert len(posts(rig)) == 1, "a permanent error is not repeated"
    assert worker.matching("create.*jobs|jobs.*create")
    rig.kube.access.denied.clear()
    rig.submitted(rig.scheduled_run())
    assert worker.stop() == 0


def test_invalid_manifest(rig: Rig) -> None:
    run = rig.scheduled_run(image_pull_policy="Sometimes")
    worker = rig.start()
    crashed(rig, run, "imagePullPolicy", "Sometimes")
    assert len(posts(rig)) == 1
    rig.submitted(rig.scheduled_run())
    assert worker.stop() == 0


def test_undecodable_manifest(rig: Rig) -> None:
    run = rig.scheduled_run(memory_limit={"no": "quantity"})
    worker = rig.start()
    crashed(rig, run, "quantities")
    assert len(posts(rig)) == 1
    assert worker.stop() == 0


def test_namespace_is_missing(rig: Rig) -> None:
    run = rig.scheduled_run(namespace="nowhere")
    worker = rig.start()
    crashed(rig, run, "nowhere")
    assert len(posts(rig)) == 1
    assert worker.stop() == 0


def test_quota_is_waited_for(rig: Rig) -> None:
    """A 403 that tells of a quota is no permanent error: the run waits and is tried again."""
    message = 'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1'
    run = rig.scheduled_run()
    refuse(rig, 403, "Forbidden", message, times=2)
    worker = rig.start()
    worker.wait_line("quota")
    rig.submitted(run, timeout_s=40)
    assert len(set(names(rig))) == 1
    assert "Crashed" not in rig.prefect.states(run)
    assert worker.stop() == 0


@pytest.mark.parametrize("code", [429, 500, 503, 504])
def test_passing_errors_are_repeated(rig: Rig, code: int) -> None:
    run = rig.scheduled_run()
    refuse(rig, code, "Try", "later", headers={"Retry-After": "1"})
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    first, second = posts(rig)
    if code in (429, 503):
        assert second.request.at - first.request.at >= 0.99, "Retry-After is kept"
    assert len(set(names(rig))) == 1
    assert worker.stop() == 0


def test_passing_errors_have_an_end(rig: Rig) -> None:
    """As many attempts as the setting says; then the run is Crashed with the server's word."""
    run = rig.scheduled_run()
    refuse(rig, 500, "InternalError", "etcd is away", times=None)
    env = {
        "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_JOB_RETRY_MAX_RETRIES": "2",
        "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_JOB_RETRY_JITTER_MAX_SECONDS": "0",
    }
    worker = rig.start(env=env)
    crashed(rig, run, "etcd is away")
    assert len(posts(rig)) == 2
    assert worker.stop() == 0


def test_error_without_json(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.faults.add(method="POST", path=CREATE, status=403, body="<html>blocked</html>")
    worker = rig.start()
    crashed(rig, run, "403")
    assert len(posts(rig)) == 1
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"env": "no object"}, "env"),
        ({"labels": {"a": 1}}, "labels"),
        ({"command": 'echo "open'}, "quot"),
        ({"image": "{{ prefect.blocks.secret.absent }}"}, "absent"),
        ({"stream_output": "perhaps"}, "stream_output"),
    ],
)
def test_bad_variable(rig: Rig, variables: dict, named: str) -> None:
    run = rig.scheduled_run(**variables)
    worker = rig.start()
    crashed(rig, run, named)
    assert not posts(rig)
    rig.submitted(rig.scheduled_run())
    assert worker.stop() == 0


def test_bad_template(rig: Rig) -> None:
    def spoil(manifest: dict) -> None:
        manifest["apiVersion"] = "batch/v2"

    rig.pool(job=spoil)
    run = rig.scheduled_run()
    worker = rig.start()
    crashed(rig, run, "/apiVersion")
    assert not posts(rig)
    assert worker.stop() == 0


def own_name(manifest: dict) -> None:
    manifest["metadata"]["name"] = "fixed"


def test_own_name_is_kept(rig: Rig) -> None:
    rig.pool(job=own_name)
    run = rig.scheduled_run()
    worker = rig.start()
    job = rig.submitted(run)
    assert job["metadata"]["name"] == "fixed"
    assert posts(rig)[0].body["metadata"]["generateName"]
    assert worker.stop() == 0


def test_own_name_is_taken(rig: Rig) -> None:
    rig.pool(job=own_name)
    old = {
        "metadata": {"name": "fixed", "creationTimestamp": stamp(1), "labels": {}},
        "spec": {"suspend": True, "template": {"spec": {"containers": []}}},
    }
    rig.kube.store.create("jobs", "default", old)
    run = rig.scheduled_run()
    worker = rig.start()
    crashed(rig, run, "fixed")
    assert len(posts(rig)) == 1
    assert worker.stop() == 0


def test_pid_can_not_be_reported(rig: Rig) -> None:
    """The Job is there; the worker says what is missing and goes on."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="PATCH", path=f"/flow_runs/{run['id']}\\?", status=422)
    worker = rig.start()
    rig.kube.wait_job()
    worker.wait_line("infrastructure_pid")
    assert "Crashed" not in rig.prefect.states(run)
    rig.submitted(rig.scheduled_run())
    assert worker.stop() == 0


def test_pid_is_reported_later(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="PATCH", path=f"/flow_runs/{run['id']}\\?", status=500, times=2)
    worker = rig.start()

    def stored() -> str | None:
        return rig.prefect.store.runs[run["id"]]["infrastructure_pid"]

    assert rig.prefect.journal.wait_for(stored, 30)
    assert worker.stop() == 0


def test_env_secret(rig: Rig) -> None:
    """With the setting, the environment travels in a Secret that the Job owns."""
    run = rig.scheduled_run(env={"TOKEN": "hidden-value"})
    worker = rig.start(env={"PREFECT_INTEGRATIONS_KUBERNETES_WORKER_STORE_ENV_AS_SECRET": "true"})
    job = rig.submitted(run)
    secrets = rig.kube.store.find("secrets")
    assert len(secrets) == 1
    assert "hidden-value" not in str(job)
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": secrets[0]["metadata"]["name"]}}]

    def owned() -> bool:
        owners = rig.kube.store.find("secrets")[0]["metadata"].get("ownerReferences", [])
        return [o["uid"] for o in owners] == [job["metadata"]["uid"]]

    assert rig.kube.journal.wait_for(owned, 5)
    settle(0.2)
    assert worker.stop() == 0


def test_api_key_secret(rig: Rig) -> None:
    rig.prefect.api.api_key = "pnu_key0123456789"
    run = rig.scheduled_run()
    env = {
        "PREFECT_API_KEY": "pnu_key0123456789",
        "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY": "true",
    }
    worker = rig.start(env=env)
    job = rig.submitted(run)
    entries = {e["name"]: e for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    reference = {"secretKeyRef": {"name": "prefect-w1-api-key", "key": "value"}}
    assert entries["PREFECT_API_KEY"] == {"name": "PREFECT_API_KEY", "valueFrom": reference}
    assert worker.stop() == 0
    kept = [s["metadata"]["name"] for s in rig.kube.store.find("secrets")]
    assert kept == ["prefect-w1-api-key"], "queued pods still need it"


def test_credential_in_the_manifest_is_warned_about(rig: Rig) -> None:
    rig.prefect.api.api_key = "pnu_key0123456789"
    runs = [rig.scheduled_run(), rig.scheduled_run()]
    worker = rig.start(env={"PREFECT_API_KEY": "pnu_key0123456789"})
    for run in runs:
        rig.submitted(run)
    assert worker.stop() == 0
    assert len(worker.matching("WORKER_CREATE_SECRET_FOR_API_KEY|API_KEY_SECRET_NAME")) == 1
