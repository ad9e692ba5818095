# SPDX-License-Identifier: Apache-2.0
"""The stand-ins themselves: as strict as the real servers, and failing in the ways they are told to."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from standin.kube import Kube
from standin.prefect import Prefect

JOBS = "/apis/batch/v1/namespaces/default/jobs"


@pytest.fixture
def plain() -> Iterator[Kube]:
    with Kube() as server:
        yield server


def ask(
    server: Any, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, dict]:
    """Status, decoded body (or text), headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server.port, timeout=10)
    sent = {"Authorization": "Bearer standin-token", **headers}
    data = None if body is None else json.dumps(body)
    if data is not None:
        sent.setdefault("Content-Type", "application/json")
    connection.request(method, path, data, sent)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    try:
        return reply.status, json.loads(text), dict(reply.getheaders())
    except ValueError:
        return reply.status, text, dict(reply.getheaders())


def job(name: str = "one", **changes: Any) -> dict:
    container = {"name": "c", "image": "b", **changes.pop("container", {})}
    pod = {"restartPolicy": "Never", "containers": [container], **changes.pop("pod", {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {"team": "x"}, **changes.pop("metadata", {})},
        "spec": {"template": {"spec": pod}, **changes},
    }


def lines(server: Kube, query: str, count: int) -> list[dict]:
    """The first lines of a watch."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server.port, timeout=10)
    connection.request("GET", query, headers={"Authorization": "Bearer standin-token"})
    reply = connection.getresponse()
    found = [json.loads(reply.readline()) for _ in range(count)]
    connection.sock.close() if connection.sock else None
    return found


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (job(container={"image": 5}), 400, "image of type string"),
        (job(backoffLimit="0"), 400, "backoffLimit of type int32"),
        (job(container={"env": [{"name": "A", "value": 1}]}), 400, "env.value"),
        (job(metadata={"labels": {"a": 1}}), 400, "labels"),
        (job(container={"resources": {"limits": {"cpu": "much"}}}), 400, "quantities"),
        (job(metadata={"namespace": "other"}), 400, "does not match the namespace"),
        (job(container={"image": None}), 422, "image: Required value"),
        (job(pod={"restartPolicy": "Always"}), 422, "restartPolicy"),
        (job("Not-Valid"), 422, "RFC 1123"),
        (job("x" * 64), 422, "no more than 63"),
        (job(metadata={"labels": {"a": "no spaces"}}), 422, "valid label"),
        (job(pod={"containers": []}), 422, "containers: Required"),
    ],
)
def test_kube_refuses(plain: Kube, body: dict, status: int, words: str) -> None:
    got, reply, _ = ask(plain, "POST", JOBS, body)
    assert (got, reply["kind"], reply["code"]) == (status, "Status", status), reply
    assert words in reply["message"]


def test_kube_warns_about_unknown_fields(plain: Kube) -> None:
    status, made, headers = ask(plain, "POST", JOBS, job(pod={"completions": 1}))
    assert status == 201
    assert headers["Warning"] == '299 - "unknown field \\"spec.template.spec.completions\\""'
    assert "completions" not in made["spec"]["template"]["spec"]
    assert made["spec"]["backoffLimit"] == 6 and made["metadata"]["uid"]


def test_kube_conflict_and_access(plain: Kube) -> None:
    assert ask(plain, "POST", JOBS, job())[0] == 201
    status, reply, _ = ask(plain, "POST", JOBS, job())
    assert (status, reply["reason"]) == (409, "AlreadyExists")
    plain.access.deny("create", "jobs")
    status, reply, _ = ask(plain, "POST", JOBS, job("two"))
    assert status == 403 and reply["message"] == (
        'jobs.batch is forbidden: User "system:serviceaccount:default:prefect-worker" cannot create '
        'resource "jobs" in API group "batch" in the namespace "default"'
    )
    assert ask(plain, "GET", JOBS, Authorization="Bearer wrong")[0] == 401
    assert ask(plain, "POST", "/apis/batch/v1/namespaces/none/jobs", job())[0] in (403, 404)


def test_kube_selection_of_a_watch(plain: Kube) -> None:
    """What enters a selection is ADDED, what leaves it DELETED."""
    ask(plain, "POST", JOBS, job(suspend=True))
    version = plain.store.version

    def label(value: str) -> None:
        plain.store.update(
            "jobs", "default", "one", lambda o: o["metadata"].update(labels={"team": value})
        )

    label("y"), label("z"), label("y")
    found = lines(plain, f"{JOBS}?watch=1&labelSelector=team%3Dy&resourceVersion={version}", 3)
    assert [e["type"] for e in found] == ["ADDED", "DELETED", "ADDED"]


def test_kube_pages_and_expiry(plain: Kube) -> None:
    for name in ("a", "b", "c"):
        ask(plain, "POST", JOBS, job(name, suspend=True))
    _, first, _ = ask(plain, "GET", f"{JOBS}?limit=2")
    assert len(first["items"]) == 2
    token = first["metadata"]["continue"]
    _, rest, _ = ask(plain, "GET", f"{JOBS}?limit=2&continue={token}")
    assert [o["metadata"]["name"] for o in rest["items"]] == ["c"]
    plain.store.bump()
    plain.store.compact()
    assert ask(plain, "GET", f"{JOBS}?limit=2&continue={token}")[0] == 410
    gone = lines(plain, f"{JOBS}?watch=1&resourceVersion=101", 1)[0]
    assert (gone["type"], gone["object"]["code"]) == ("ERROR", 410)


def test_kube_streaming_list(plain: Kube) -> None:
    ask(plain, "POST", JOBS, job(suspend=True))
    query = f"{JOBS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
    assert ask(plain, "GET", query)[0] == 422
    added, mark = lines(plain, query + "&resourceVersionMatch=NotOlderThan", 2)
    assert (added["type"], mark["type"]) == ("ADDED", "BOOKMARK")
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    plain.api.streaming_lists = False
    assert ask(plain, "GET", query + "&resourceVersionMatch=NotOlderThan")[0] == 422


def test_kube_deletion(plain: Kube) -> None:
    ask(plain, "POST", JOBS, job())
    plain.wait_pod("Running")
    status, _, headers = ask(plain, "DELETE", f"{JOBS}/one")
    assert status == 200 and "preserved by default" in headers["Warning"]
    assert plain.store.find("pods")
    ask(plain, "POST", JOBS, job("two"))
    plain.wait_job()
    _, marked, _ = ask(plain, "DELETE", f"{JOBS}/two?propagationPolicy=Foreground")
    assert marked["kind"] in ("Job", "Status")
    assert plain.journal.wait_for(lambda: not plain.find_jobs(), 5, alone=True)


def state(kind: str, name: str, transition: str | None = None, **more: Any) -> dict:
    details = {"transition_id": transition or str(uuid.uuid4())}
    return {"state": {"type": kind, "name": name, "state_details": details, **more}, "force": False}


def test_prefect_rules(prefect: Prefect) -> None:
    run = prefect.store.add_run(prefect.deployment())
    path, mine = f"/api/flow_runs/{run['id']}/set_state", str(uuid.uuid4())

    def propose(body: dict) -> tuple[int, str, str]:
        status, reply, _ = ask(prefect, "POST", path, body)
        return status, reply["status"], reply["state"]["name"]

    assert propose(state("PENDING", "Pending", mine)) == (201, "ACCEPT", "Pending")
    assert propose(state("PENDING", "Pending", mine)) == (200, "REJECT", "Pending")
    assert propose(state("PENDING", "Pending")) == (200, "ABORT", "Pending")
    assert propose(state("PENDING", "Submitting")) == (201, "ACCEPT", "Submitting")
    assert propose(state("COMPLETED", "Completed")) == (201, "ACCEPT", "Completed")
    assert propose(state("CRASHED", "Crashed")) == (200, "ABORT", "Completed")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flow_runs/{run}/set_state", {**state("PENDING", "Pending"), "extra": 1}),
        ("/flow_runs/{run}/set_state", state("PENDING", "Pending", timestamp="2026-01-01T00:00:00Z")),
        ("/flow_runs/{run}/set_state", state("WAITING", "Waiting")),
        ("/logs/", [{"name": "a", "level": 20, "message": "m", "timestamp": "now"}]),
        ("/events", [{"event": "e", "occurred": "2026-01-01T00:00:00Z", "id": str(uuid.uuid4()), "resource": {}}]),
        ("/work_pools/pool/workers/heartbeat", {"name": "w", "interval": 3}),
        ("/work_pools/", {"name": "p", "base_job_template": {"job_configuration": {"a": "{{ b }}"}}}),
        ("/flow_runs/filter", {"limit": 201}),
    ],
)  # fmt: skip
def test_prefect_refuses(prefect: Prefect, path: str, body: Any) -> None:
    run = prefect.store.add_run(prefect.deployment())
    status, reply, _ = ask(prefect, "POST", "/api" + path.replace("{run}", run["id"]), body)
    assert status == 422, reply


def test_older_prefect() -> None:
    with Prefect(mode="2.20") as server:
        run = server.store.add_run(server.deployment())
        path = f"/api/flow_runs/{run['id']}"
        assert ask(server, "GET", "/api/admin/version")[1] == "2.20.25"
        assert ask(server, "PATCH", path + "/labels", {})[0] == 404
        assert ask(server, "POST", "/api/events", [])[0] == 404
        ask(server, "POST", path + "/set_state", state("PENDING", "Pending"))
        reply = ask(server, "POST", path + "/set_state", state("PENDING", "Submitting"))[1]
        assert reply["status"] == "ABORT"


def test_record(tmp_path: Any) -> None:
    """Only what was accepted is written, without credentials."""
    with Prefect(record=str(tmp_path / "record")) as server:
        ask(server, "POST", "/api/work_pools/", {"name": "p", "type": "kubernetes"})
        ask(server, "POST", "/api/work_pools/", {"name": "p", "type": "kubernetes"})
        server.faults.add(path="/health", status=200)
        ask(server, "GET", "/api/health")
    kept = [json.loads(text) for text in (tmp_path / "record").read_text().splitlines()]
    assert [(k["method"], k["path"], k["status"]) for k in kept] == [
        ("POST", "/api/work_pools/", 201)
    ]
    assert "standin-token" not in str(kept)


def test_faults(plain: Kube) -> None:
    plain.faults.add(path="/version", status=503, headers={"Retry-After": "7"}, skip=1)
    assert [ask(plain, "GET", "/version")[0] for _ in range(3)] == [200, 503, 200]
    plain.faults.add(method="POST", path=JOBS, close="after")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(plain, "POST", JOBS, job())
    assert plain.find_jobs(), "the reply was lost, not the request"
    plain.faults.add(path="/readyz", truncate=1)
    with pytest.raises(http.client.IncompleteRead):
        ask(plain, "GET", "/readyz")
    with pytest.raises(ValueError):
        plain.faults.add(path="/", unknown=1)
