# SPDX-License-Identifier: Apache-2.0
"""The two watch streams: lists, bookmarks, 410, cuts, odd framing, oversized objects, access."""

from __future__ import annotations

import json
import time

import pytest
from harness import Rig, Worker, settle
from standin.kube_script import Plan
from standin.kube_watch import line

JOBS, PODS = r"/apis/batch/v1/(namespaces/\w+/)?jobs\?", r"/api/v1/(namespaces/\w+/)?pods\?"
WATCH = r".*watch=(true|1)"


def watching(rig: Rig, count: int = 2) -> Worker:
    """A worker whose streams are both open."""
    if "pool" not in rig.prefect.store.pools:
        rig.pool()
    worker = rig.start()
    rig.kube.journal.wait("GET", WATCH, count=count)
    settle(0.3)
    return worker


def observes(rig: Rig, timeout_s: float = 20) -> dict:
    """A run that goes through still gives its pod events, each once; the run."""
    run = rig.scheduled_run()
    rig.submitted(run, timeout_s=timeout_s)

    def seen() -> list[str] | None:
        with rig.prefect.store.lock:
            names = [e["event"] for e in rig.prefect.store.events if about(e, run)]
        return names if "prefect.kubernetes.pod.succeeded" in names else None

    names = rig.prefect.journal.wait_for(seen, timeout_s)
    assert names, [e["event"] for e in rig.prefect.store.events]
    return run


def about(event: dict, run: dict) -> bool:
    return any(r["prefect.resource.id"].endswith(run["id"]) for r in event["related"]) and event[
        "event"
    ].startswith("prefect.kubernetes.pod.")


def watches(rig: Rig, path: str) -> list:
    return rig.kube.journal.find("GET", path + WATCH)


def lists(rig: Rig, path: str) -> list:
    return [e for e in rig.kube.journal.find("GET", path) if not e.request.flag("watch")]


def test_two_streams_serve_all_runs(rig: Rig) -> None:
    worker = watching(rig)
    for _ in range(5):
        rig.scheduled_run()
    rig.kube.wait_job(5)
    settle(1)
    found = [e.request.query for e in rig.kube.journal.find("GET", WATCH)]
    assert len(found) == 2
    for query in found:
        assert query["labelSelector"] == "prefect.io/flow-run-id"
        assert query["allowWatchBookmarks"] in ("true", "1")
    assert len(watches(rig, JOBS)) == 1 and len(watches(rig, PODS)) == 1
    assert worker.stop() == 0


def test_streaming_list(rig: Rig) -> None:
    worker = watching(rig)
    for entry in rig.kube.journal.find("GET", WATCH):
        assert entry.request.query.get("sendInitialEvents") == "true"
        assert entry.request.query.get("resourceVersionMatch") == "NotOlderThan"
    assert not lists(rig, JOBS) and not lists(rig, PODS)
    observes(rig)
    assert worker.stop() == 0


def test_pages_where_there_is_no_streaming_list(rig: Rig) -> None:
    rig.kube.api.streaming_lists = False
    rig.kube.script.default = Plan("run")
    for _ in range(5):
        rig.scheduled_run()
    first = rig.start("--run-once")
    assert first.wait_exit() == 0, first.text
    rig.kube.api.page_limit = 2
    before = len(rig.kube.journal.find())
    worker = rig.start("--limit", "5")
    assert rig.kube.journal.wait_for(
        lambda: [e for e in watches(rig, JOBS) if e.number >= before and e.status == 200], 10
    )
    asked = [e for e in lists(rig, JOBS) if e.number >= before]
    pages = [e.request.query for e in asked]
    assert len(pages) == 3 and all("limit" in q for q in pages)
    assert [bool(q.get("continue")) for q in pages] == [False, True, True]
    live = [e for e in watches(rig, JOBS) if e.number >= before and e.status == 200]
    assert len(live) == 1 and live[0].request.query["resourceVersion"]
    rig.scheduled_run()
    settle(1)
    assert len(rig.kube.find_jobs()) == 5, "all five of three pages were counted"
    assert worker.stop() == 0


def test_page_token_expires(rig: Rig) -> None:
    """410 within a paged list: it begins anew."""
    rig.kube.api.streaming_lists = False
    for _ in range(3):
        rig.scheduled_run()
    first = rig.start("--run-once")
    assert first.wait_exit() == 0, first.text
    rig.kube.api.page_limit = 1
    body = {
        "kind": "Status",
        "status": "Failure",
        "code": 410,
        "reason": "Expired",
        "message": "old",
    }
    rig.kube.faults.add(method="GET", path=JOBS + ".*continue=", status=410, body=body)
    worker = rig.start()
    observes(rig)
    assert worker.stop() == 0


def test_bookmarks_are_kept(rig: Rig) -> None:
    """After a cut the stream goes on from the last bookmark, without another list."""
    rig.kube.streams.bookmark_s = 0.3
    worker = watching(rig)
    settle(1)
    latest = rig.kube.store.bump()
    settle(0.8)
    before = len(rig.kube.journal.find())
    rig.kube.streams.end("jobs", "cut")
    again = rig.kube.journal.wait_for(
        lambda: [e for e in watches(rig, JOBS) if e.number >= before], 10
    )
    assert again, "no new watch"
    assert int(again[0].request.query["resourceVersion"]) >= latest
    assert "sendInitialEvents" not in again[0].request.query
    observes(rig)
    assert worker.stop() == 0


@pytest.mark.parametrize("how", ["eof", "cut"])
@pytest.mark.parametrize("resource", ["jobs", "pods"])
def test_stream_ends(rig: Rig, how: str, resource: str) -> None:
    worker = watching(rig)
    for _ in range(3):
        rig.kube.streams.end(resource, how)
        settle(0.5)
    observes(rig)
    path = JOBS if resource == "jobs" else PODS
    assert len(watches(rig, path)) <= 6, "opened again, but not in a hurry"
    assert worker.stop() == 0


@pytest.mark.parametrize("resource", ["jobs", "pods"])
def test_gone(rig: Rig, resource: str) -> None:
    """410 in the stream: list anew; nothing is reported twice."""
    worker = watching(rig)
    run = observes(rig)
    assert rig.kube.streams.expire(resource) == 1
    settle(1)
    observes(rig)
    names = [e["event"] for e in rig.prefect.store.events if about(e, run)]
    assert len(names) == len(set(names)), names
    assert worker.stop() == 0


def test_watch_answers_410(rig: Rig) -> None:
    """410 as the reply's status, not in the stream."""
    worker = watching(rig)
    body = {
        "kind": "Status",
        "status": "Failure",
        "code": 410,
        "reason": "Expired",
        "message": "old",
    }
    rig.kube.faults.add(method="GET", path=PODS + WATCH, status=410, body=body, times=2)
    rig.kube.streams.end("pods")
    observes(rig)
    assert worker.stop() == 0


def test_error_event(rig: Rig) -> None:
    worker = watching(rig)
    error = line(
        "ERROR", {"kind": "Status", "status": "Failure", "code": 500, "message": "etcd away"}
    )
    rig.kube.streams.push("pods", error)
    rig.kube.streams.end("pods")
    worker.wait_line("etcd away")
    observes(rig)
    assert worker.stop() == 0


@pytest.mark.parametrize("code", [429, 500, 503])
def test_watch_is_refused_for_a_while(rig: Rig, code: int) -> None:
    rig.pool()
    rig.kube.faults.add(
        method="GET", path=WATCH, status=code, body="later", headers={"Retry-After": "1"}, times=4
    )
    worker = rig.start()
    observes(rig, 30)
    assert worker.stop() == 0


@pytest.mark.parametrize("split", [1, 3, 1000])
def test_lines_in_pieces(rig: Rig, split: int) -> None:
    rig.kube.faults.add(method="GET", path=WATCH, split=split, times=None)
    worker = watching(rig)
    observes(rig, 40)
    assert worker.stop() == 0


def test_lines_without_chunks(rig: Rig) -> None:
    rig.kube.faults.add(method="GET", path=WATCH, chunked=False, times=None)
    worker = watching(rig)
    observes(rig)
    assert worker.stop() == 0


def test_stream_is_cut_within_a_line(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.kube.faults.add(method="GET", path=PODS + WATCH, truncate=900, times=2)
    worker = rig.start()
    rig.submitted(run)
    observes(rig, 30)
    assert worker.stop() == 0


def big_pod(size: int) -> dict:
    return {
        "metadata": {
            "name": "huge-pod",
            "labels": {"prefect.io/flow-run-id": "6f1fbc3c-7a5b-4b8e-9d0c-111111111111"},
            "annotations": {"filler": "x" * size},
        },
        "spec": {"containers": [{"name": "c", "image": "b"}]},
        "status": {"phase": "Running"},
    }


def test_large_object(rig: Rig) -> None:
    """1.5 MB on a watch, as much as Kubernetes can hold: observed like any other."""
    worker = watching(rig)
    rig.kube.store.create("pods", "default", big_pod(1_500_000))
    rig.prefect.wait_event("prefect.kubernetes.pod.running", timeout_s=20)
    observes(rig, 30)
    assert worker.stop() == 0


def test_oversized_object(rig: Rig) -> None:
    """More than any object can have: one line, and the others are observed."""
    worker = watching(rig)
    rig.kube.store.create("pods", "default", big_pod(6_000_000))
    worker.wait_line("larger than")
    observes(rig, 30)
    assert len(worker.matching("larger than")) == 1, worker.text
    assert worker.stop() == 0


@pytest.mark.parametrize(
    "noise",
    [b"not json\n", b"{}\n", b'{"type":"ADDED"}\n', b"[]\n", b'{"type":"NEW","object":{}}\n'],
)
def test_nonsense_in_the_stream(rig: Rig, noise: bytes) -> None:
    worker = watching(rig)
    rig.kube.streams.push("pods", noise)
    rig.kube.streams.push("jobs", noise)
    observes(rig, 30)
    assert worker.stop() == 0


def test_strange_pods(rig: Rig) -> None:
    """Nulls and absent members everywhere, as the API allows."""
    worker = watching(rig)
    label = {"prefect.io/flow-run-id": "no uuid"}
    for i, status in enumerate(
        ({}, None, {"phase": "Running", "containerStatuses": None}, {"phase": "Odd"})
    ):
        pod = {"metadata": {"name": f"odd-{i}", "labels": label}, "spec": {}, "status": status}
        rig.kube.store.create("pods", "default", pod)
    observes(rig)
    assert worker.stop() == 0


def test_foreign_objects_are_not_asked_for(rig: Rig) -> None:
    worker = watching(rig)
    pod = {
        "metadata": {"name": "foreign"},
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    }
    rig.kube.store.create("pods", "default", pod)
    observes(rig)
    text = json.dumps(rig.prefect.store.events)
    assert "foreign" not in text
    assert worker.stop() == 0


@pytest.mark.parametrize("resource", ["pods", "jobs"])
@pytest.mark.parametrize("verb", ["watch", "list"])
def test_verb_is_missing(rig: Rig, verb: str, resource: str) -> None:
    """The line names verb, resource and the Role's rule; submission goes on."""
    rig.kube.access.deny(verb, resource)
    if verb == "list":
        rig.kube.api.streaming_lists = False
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    worker.wait_line(f"{verb}.*{resource}|{resource}.*{verb}")
    assert worker.stop() == 0


def test_role_of_one_namespace(rig: Rig) -> None:
    """No right at cluster scope: the template's namespace is watched."""
    rig.kube.access.namespaces = {"default"}
    rig.pool()
    worker = rig.start()
    observes(rig, 30)
    live = [e for e in rig.kube.journal.find("GET", WATCH) if e.status == 200]
    assert {e.path for e in live} == {
        "/api/v1/namespaces/default/pods",
        "/apis/batch/v1/namespaces/default/jobs",
    }
    assert worker.stop() == 0


def test_namespaces_of_the_setting(rig: Rig) -> None:
    rig.kube.add_namespace("a")
    rig.kube.add_namespace("b")
    rig.pool()
    worker = rig.start(env={"PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES": "a,b"})
    rig.kube.journal.wait("GET", WATCH, count=4)
    paths = {e.path for e in rig.kube.journal.find("GET", WATCH)}
    assert {f"/api/v1/namespaces/{n}/pods" for n in "ab"} <= paths
    assert worker.stop() == 0


def test_additional_label_filters(rig: Rig) -> None:
    rig.pool()
    name = "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS"
    worker = rig.start(env={name: "team=data, app=x"})
    entry = rig.kube.journal.wait("GET", WATCH)[0]
    terms = entry.request.query["labelSelector"].split(",")
    assert sorted(terms) == ["app=x", "prefect.io/flow-run-id", "team=data"]
    assert worker.stop() == 0


def test_observer_switched_off(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start(env={"PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ENABLED": "false"})
    rig.submitted(run)
    settle(0.5)
    assert not rig.kube.journal.find("GET", WATCH)
    assert worker.stop() == 0


def test_burst(rig: Rig) -> None:
    """Many changes at once: no end of a pod is missed, memory stays."""
    worker = watching(rig)
    labels = {"prefect.io/flow-run-id": "6f1fbc3c-7a5b-4b8e-9d0c-222222222222"}
    began = time.monotonic()
    for i in range(150):
        pod = {
            "metadata": {"name": f"p{i}", "labels": labels, "annotations": {"f": "x" * 4000}},
            "spec": {"containers": [{"name": "c", "image": "b"}]},
            "status": {"phase": "Pending"},
        }
        rig.kube.store.create("pods", "default", pod)
    for phase in ("Running", "Succeeded"):
        for i in range(150):
            status = {"phase": phase, "containerStatuses": []}
            rig.kube.store.update(
                "pods", "default", f"p{i}", lambda o, s=status: o.update(status=s)
            )
    rig.prefect.wait_event("prefect.kubernetes.pod.succeeded", 150, timeout_s=40)
    assert time.monotonic() - began < 40
    assert worker.stop() == 0
