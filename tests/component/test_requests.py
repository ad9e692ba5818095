# SPDX-License-Identifier: Apache-2.0
"""What goes to the Prefect API on the way of a run to its Job: order, bodies, headers."""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest
from harness import Rig, settle
from standin.journal import Entry
from standin.prefect import Prefect

BACKGROUND = r"get_scheduled|heartbeat|/events|/logs/|/work_pools/|csrf|/version|/filter"


def on_the_way(rig: Rig, run: dict) -> list[str]:
    """The requests of one submission, both APIs, in order of arrival."""
    entries: list[Entry] = [
        e for e in rig.prefect.journal.find() if not re.search(BACKGROUND, e.path)
    ]
    entries += rig.kube.journal.find("POST", "/jobs")
    entries.sort(key=lambda e: e.request.at)
    names = {run["id"]: "RUN", run["deployment_id"]: "DEPLOYMENT", run["flow_id"]: "FLOW"}
    told = []
    for entry in entries:
        path = entry.path
        for real, name in names.items():
            path = path.replace(real, name)
        state = entry.body["state"]["name"] if path.endswith("/set_state") else ""
        told.append(f"{entry.method} {path} {state}".strip())
    return told


def test_order(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    told = on_the_way(rig, run)
    wanted = [
        "GET /api/deployments/DEPLOYMENT",
        "POST /api/flow_runs/RUN/set_state Pending",
        "GET /api/flows/FLOW",
        "PATCH /api/flow_runs/RUN/labels",
        "POST /api/flow_runs/RUN/set_state Submitting",
        "POST /apis/batch/v1/namespaces/default/jobs",
        "PATCH /api/flow_runs/RUN",
    ]
    places = [told.index(step) for step in wanted]
    assert places == sorted(places), told
    assert all(told.count(step) == 1 for step in wanted), told
    assert worker.stop() == 0


def test_bodies(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    job = rig.submitted(run)
    journal = rig.prefect.journal
    pool = rig.prefect.store.pools["pool"]
    labels = journal.find("PATCH", "/labels")[0].body
    assert labels == {
        "prefect.worker.name": "w1",
        "prefect.worker.type": "kubernetes",
        "prefect.work-pool.name": "pool",
        "prefect.work-pool.id": pool["id"],
    }
    pid = journal.find("PATCH", f"/flow_runs/{run['id']}\\?")[0].body
    assert pid == {"infrastructure_pid": f"default:{job['metadata']['name']}"}
    beat = journal.wait("POST", "/heartbeat")[0].body
    assert beat == {"name": "w1", "heartbeat_interval_seconds": 1}
    queues = journal.find("POST", "/queues/filter")
    assert len(queues) <= 1
    assert worker.stop() == 0


def test_poll_body(rig: Rig) -> None:
    rig.pool()
    worker = rig.start()
    first = rig.prefect.journal.wait("POST", "get_scheduled_flow_runs")[0].body
    assert set(first) == {"work_queue_names", "scheduled_before"}
    assert first["work_queue_names"] == []
    form = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?\+00:00"
    assert re.fullmatch(form, first["scheduled_before"])
    assert worker.stop() == 0


def test_state_bodies(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    proposals = [e.body for e in rig.prefect.journal.find("POST", f"{run['id']}/set_state")]
    transitions = []
    for body in proposals:
        assert set(body) == {"state", "force"} and body["force"] is False
        state = body["state"]
        assert state["type"] == "PENDING"
        assert "timestamp" not in state
        assert state["state_details"]["flow_run_id"] == run["id"]
        transitions.append(str(uuid.UUID(state["state_details"]["transition_id"])))
    assert len(set(transitions)) == len(transitions), "a transition_id names one proposal"
    assert "w1" in proposals[0]["state"]["message"], "the claim names its worker"
    assert worker.stop() == 0


def test_headers(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    assert worker.stop() == 0
    for entry in rig.prefect.journal.find():
        header = entry.request.header
        assert header("User-Agent") == "prefect/3.8.8 (API 0.8.4)", entry
        assert header("X-PREFECT-API-VERSION") == "0.8.4", entry
        assert header("Accept-Encoding") in (None, "identity"), entry
        assert header("Authorization") is None, entry
        if entry.request.body:
            assert header("Content-Type") == "application/json", entry
    late = rig.prefect.journal.find("POST", "get_scheduled|set_state|heartbeat|labels")
    assert {e.request.header("X-Prefect-Worker-Name") for e in late} == {"w1"}
    for entry in rig.kube.journal.find():
        assert entry.request.header("Authorization") == "Bearer standin-token", entry
        assert entry.request.header("Accept-Encoding") in (None, "identity"), entry


@pytest.mark.parametrize("slash", ["", "/"])
def test_path_prefix(rig: Rig, slash: str) -> None:
    with Prefect(prefix="/deep/down/api") as server:
        rig.prefect = server
        run = rig.scheduled_run()
        worker = rig.start(env={"PREFECT_API_URL": server.url + slash})
        rig.submitted(run)
        assert worker.stop() == 0
        assert all(e.path.startswith("/deep/down/api/") for e in server.journal.find())
        assert not [e for e in server.journal.find() if "//" in e.path]


def test_names_are_encoded(rig: Rig) -> None:
    rig.prefect.store.add_pool("my pool ü")
    worker = rig.start("--run-once", pool="my pool ü")
    assert worker.wait_exit() == 0, worker.text
    polls = rig.prefect.journal.find("POST", "get_scheduled")
    assert polls[0].request.raw_path == "/api/work_pools/my%20pool%20%C3%BC/get_scheduled_flow_runs"


def test_api_key(rig: Rig) -> None:
    rig.prefect.api.api_key = "pnu_key0123456789"
    run = rig.scheduled_run()
    env = {"PREFECT_API_KEY": "pnu_key0123456789", "PREFECT_LOGGING_LEVEL": "DEBUG"}
    worker = rig.start(env=env)
    rig.submitted(run)
    assert worker.stop() == 0
    assert "pnu_key0123456789" not in worker.text, "the key is in the output"


def test_auth_string_goes_before_the_key(rig: Rig) -> None:
    rig.prefect.api.auth_string = "user:pass-word"
    rig.pool()
    env = {"PREFECT_API_AUTH_STRING": "user:pass-word", "PREFECT_API_KEY": "pnu_other"}
    worker = rig.start("--run-once", env=env)
    assert worker.wait_exit() == 0, worker.text
    wanted = "Basic " + base64.b64encode(b"user:pass-word").decode()
    assert {e.request.header("Authorization") for e in rig.prefect.journal.find()} == {wanted}
    assert "pass-word" not in worker.text


def test_custom_headers(rig: Rig) -> None:
    rig.pool()
    headers = {
        "X-Team": "data",
        "Authorization": "Token 42",
        "x-prefect-api-version": "0.8.1",
        "user-agent": "mine",
        "Prefect-Csrf-Client": "mine",
    }
    env = {
        "PREFECT_CLIENT_CUSTOM_HEADERS": json.dumps(headers),
        "PREFECT_API_KEY": "pnu_key0123456789",
    }
    worker = rig.start("--run-once", env=env)
    assert worker.wait_exit() == 0, worker.text
    for entry in rig.prefect.journal.find():
        header = entry.request.header
        assert header("X-Team") == "data"
        assert header("Authorization") == "Token 42"
        assert header("X-PREFECT-API-VERSION") == "0.8.1"
        assert header("User-Agent") == "prefect/3.8.8 (API 0.8.4)"
        assert header("Prefect-Csrf-Client") != "mine"
    assert worker.matching("user-agent"), "an ignored header is warned about"


def test_csrf_on(rig: Rig) -> None:
    rig.prefect.api.csrf = "on"
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    assert worker.stop() == 0
    tokens = rig.prefect.journal.find("GET", "/csrf-token")
    assert len(tokens) == 1, "one token serves them all"
    client = tokens[0].request.query["client"]
    assert str(uuid.UUID(client)) == client
    for entry in rig.prefect.journal.find():
        sent = entry.request.header("Prefect-Csrf-Client")
        assert sent == (None if entry.method == "GET" else client), entry
    assert not [e for e in rig.prefect.journal.find() if e.status == 403]


def test_csrf_token_expires(rig: Rig) -> None:
    rig.prefect.api.csrf = "on"
    rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", "get_scheduled")
    rig.prefect.api.tokens.clear()
    run = rig.scheduled_run()
    rig.submitted(run, timeout_s=20)
    clients = {e.request.query["client"] for e in rig.prefect.journal.find("GET", "/csrf-token")}
    assert len(clients) == 1, "the client's id stays"
    assert worker.stop() == 0


@pytest.mark.parametrize("mode", ["off", "absent"])
def test_csrf_off(rig: Rig, mode: str) -> None:
    rig.prefect.api.csrf = mode
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    assert worker.stop() == 0
    assert len(rig.prefect.journal.find("GET", "/csrf-token")) == 1, "asked once, then left"
    assert not [e for e in rig.prefect.journal.find() if e.request.header("Prefect-Csrf-Token")]


def test_csrf_switched_off_by_setting(rig: Rig) -> None:
    rig.pool()
    worker = rig.start("--run-once", env={"PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false"})
    assert worker.wait_exit() == 0, worker.text
    assert not rig.prefect.journal.find("GET", "/csrf-token")


def test_an_idle_worker_asks_little(rig: Rig) -> None:
    """Per interval one poll; a heartbeat and a pool read a second; nothing else."""
    rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", "/heartbeat")
    before = len(rig.prefect.journal.find())
    settle(3)
    later = rig.prefect.journal.find()[before:]
    assert len([e for e in later if "get_scheduled" in e.path]) <= 14
    rest = [e for e in later if "get_scheduled" not in e.path]
    assert len(rest) <= 12, [str(e) for e in rest]
    assert len(rig.kube.journal.find()) <= 12
    assert rig.prefect.server.accepted <= 6, "connections are kept alive"
    assert worker.stop() == 0
