# SPDX-License-Identifier: Apache-2.0
"""A Prefect API that is away, slow, wrong or hostile: the worker says so, lives on, loses nothing."""

from __future__ import annotations

import copy

import pytest
from harness import SLOW, Rig, settle

POLL = "get_scheduled_flow_runs"
FEW = {"PREFECT_CLIENT_MAX_RETRIES": "1"}


def recovers(rig: Rig, worker, timeout_s: float = 20) -> None:
    """After whatever happened, a run is submitted, and a stop is clean."""
    assert worker.alive, worker.text
    rig.submitted(rig.scheduled_run(), timeout_s=timeout_s)
    assert worker.stop() == 0


def test_away_at_the_start(rig: Rig) -> None:
    rig.pool()
    rig.prefect.server.refuse()
    worker = rig.start(env=FEW)
    worker.wait_line("refused|connect", count=2, timeout_s=20)
    assert worker.alive
    rig.prefect.server.start()
    recovers(rig, worker, 30)


def test_away_later(rig: Rig) -> None:
    rig.pool()
    worker = rig.start(env=FEW)
    rig.prefect.journal.wait("POST", POLL)
    rig.prefect.server.refuse()
    worker.wait_line("refused|connect", timeout_s=20)
    settle(2)
    assert len(worker.matching("refused|connect")) < 25, "one line a back-off, no flood"
    rig.prefect.server.start()
    recovers(rig, worker, 30)


def test_unauthorized_at_the_start(rig: Rig) -> None:
    rig.prefect.api.auth_string = "user:pass"
    worker = rig.start()
    assert worker.wait_exit() == 1
    assert worker.matching("401|PREFECT_API_(KEY|AUTH)")


def test_forbidden_at_the_start(rig: Rig) -> None:
    rig.prefect.faults.add(path="/work_pools/", status=403, body={"detail": "no"}, times=None)
    worker = rig.start()
    assert worker.wait_exit() == 1
    assert worker.matching("403")


def test_unauthorized_later(rig: Rig) -> None:
    rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", POLL)
    rig.prefect.api.auth_string = "user:pass"
    worker.wait_line("401|unauthorized")
    settle(1)
    rig.prefect.api.auth_string = None
    recovers(rig, worker)


@pytest.mark.parametrize("code", [400, 404, 409, 422, 500, 502, 503, 504])
def test_storm_of_errors(rig: Rig, code: int) -> None:
    """Any status, a dozen times and more: the process never ends by it."""
    rig.pool()
    rig.prefect.faults.add(method="POST", path=POLL, status=code, body="storm", times=14)
    env = {"PREFECT_CLIENT_MAX_RETRIES": "0", "PREFECT_WORKER_QUERY_SECONDS": "0.05"}
    worker = rig.start(env=env)
    rig.prefect.journal.wait("POST", POLL, count=15, timeout_s=40)
    recovers(rig, worker)


def test_storm_on_everything(rig: Rig) -> None:
    run = rig.scheduled_run()
    rig.prefect.faults.add(status=500, times=25)
    env = {"PREFECT_CLIENT_MAX_RETRIES": "0", "PREFECT_WORKER_QUERY_SECONDS": "0.05"}
    worker = rig.start(env=env)
    rig.submitted(run, timeout_s=60)
    assert worker.stop() == 0


@pytest.mark.parametrize("code", [408, 429, 503])
def test_retry_after(rig: Rig, code: int) -> None:
    rig.pool()
    rig.prefect.faults.add(
        method="POST", path=POLL, status=code, headers={"Retry-After": "2"}, times=1
    )
    worker = rig.start()
    first, second = rig.prefect.journal.wait("POST", POLL, count=2)[:2]
    assert 1.99 <= second.request.at - first.request.at < 4 * SLOW
    recovers(rig, worker)


def test_maintenance_does_not_count(rig: Rig) -> None:
    """A server under maintenance is waited for, however long."""
    rig.pool()
    headers = {"Prefect-Maintenance": "true", "Retry-After": "0"}
    rig.prefect.faults.add(method="POST", path=POLL, status=503, headers=headers, times=8)
    worker = rig.start(env=FEW)
    rig.prefect.journal.wait("POST", POLL, count=9)
    recovers(rig, worker)


@pytest.mark.parametrize("chunked", [True, False])
def test_endless_reply_to_a_poll(rig: Rig, chunked: bool) -> None:
    """2 GB of nonsense: one exchange fails, memory does not grow."""
    rig.pool()
    rig.prefect.faults.add(method="POST", path=POLL, status=200, huge=2 << 30, chunked=chunked)
    worker = rig.start(env=FEW)
    rig.prefect.journal.wait("POST", POLL, count=2, timeout_s=60)
    if SLOW == 1:
        assert worker.rss_kib() < 32 * 1024
    recovers(rig, worker)


@pytest.mark.parametrize("path", [r"/work_pools/pool\?", "/deployments/", "/flows/", "set_state"])
def test_endless_reply_to_others(rig: Rig, path: str) -> None:
    run = rig.scheduled_run()
    rig.prefect.faults.add(path=path, status=200, huge=2 << 30)
    worker = rig.start(env=FEW)
    assert rig.prefect.journal.wait_for(lambda: rig.prefect.journal.find(path=path), 10)
    recovers(rig, worker, 40)
    assert len([j for j in rig.kube.find_jobs() if rig.run_of(j) == run["id"]]) <= 1


@pytest.mark.parametrize(
    "fault",
    [
        {"truncate": 20},
        {"garbage": "SSH-2.0-OpenSSH_9.2\r\n"},
        {"status": 200, "body": "{not json"},
        {"status": 200, "body": '[{"flow_run": 5}]'},
        {"status": 200, "body": '{"detail": "an object"}'},
        {"status": 200, "body": "[" * 5000},
        {"close": "before"},
        {"close": "before", "reset": True},
        {"close": "after"},
        {"status": 302, "redirect": "http://127.0.0.1:1/elsewhere"},
    ],
    ids=lambda f: "-".join(f"{k}={str(v)[:12]}" for k, v in f.items()),
)
def test_broken_reply_to_a_poll(rig: Rig, fault: dict) -> None:
    rig.pool()
    rig.prefect.faults.add(method="POST", path=POLL, times=2, **fault)
    worker = rig.start(env=FEW)
    rig.prefect.journal.wait("POST", POLL, count=3, timeout_s=30)
    recovers(rig, worker)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("split", [1, 7])
def test_reply_in_pieces(rig: Rig, chunked: bool, split: int) -> None:
    rig.prefect.faults.add(split=split, chunked=chunked, times=None)
    runs = [rig.scheduled_run() for _ in range(2)]
    worker = rig.start()
    for run in runs:
        rig.submitted(run, timeout_s=30)
    assert worker.stop() == 0


def test_slow_reply(rig: Rig) -> None:
    run = rig.scheduled_run()
    drip = {"bytes": 300, "interval_s": 0.1}
    rig.prefect.faults.add(method="POST", path=POLL, drip=drip)
    worker = rig.start()
    rig.submitted(run, timeout_s=20)
    assert worker.stop() == 0


@pytest.mark.parametrize("stall", [-1, 0, 10])
def test_half_open(rig: Rig, stall: int) -> None:
    """Nothing comes any more: the request times out."""
    run = rig.scheduled_run()
    rig.prefect.faults.add(method="POST", path=POLL, stall=stall)
    worker = rig.start(env={**FEW, "PREFECT_API_REQUEST_TIMEOUT": "1"})
    rig.submitted(run, timeout_s=20)
    assert worker.stop() == 0


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirect_is_followed(rig: Rig, code: int) -> None:
    rig.pool()
    there = rig.prefect.url.removesuffix("/api") + "/moved/work_pools/pool"
    rig.prefect.faults.add(
        method="GET", path=r"^/api/work_pools/pool\?", status=code, redirect=there
    )
    body = copy.deepcopy(rig.prefect.store.pools["pool"])
    rig.prefect.faults.add(method="GET", path="^/moved/", status=200, body=body)
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0, worker.text
    assert rig.prefect.journal.find("GET", "^/moved/")


def test_redirect_to_another_host_gets_no_credentials(rig: Rig) -> None:
    rig.pool()
    other = f"https://127.0.0.1:{rig.kube.server.port}/stolen"
    rig.prefect.api.api_key = "pnu_key0123456789"
    rig.prefect.faults.add(method="POST", path=POLL, redirect=other, times=2)
    worker = rig.start(env={**FEW, "PREFECT_API_KEY": "pnu_key0123456789"})
    rig.prefect.journal.wait("POST", POLL, count=3, timeout_s=30)
    for entry in rig.kube.journal.find(path="/stolen"):
        assert "pnu_key" not in str(entry.request.headers)
    recovers(rig, worker)


def test_one_run_is_too_large(rig: Rig) -> None:
    """It is skipped with a line that names it; the others are submitted."""
    deployment = rig.deployment()
    first = rig.prefect.store.add_run(deployment)
    big = rig.prefect.store.add_run(deployment, parameters={"x": "y" * (3 << 20)})
    last = rig.prefect.store.add_run(deployment)
    worker = rig.start()
    rig.submitted(first, timeout_s=20)
    rig.submitted(last, timeout_s=20)
    worker.wait_line("too large|larger|cap|limit|exceed|longer")
    assert rig.prefect.states(big) == ["Scheduled"]
    assert worker.stop() == 0


def test_large_runs(rig: Rig) -> None:
    """Parameters of half a megabyte each, a poll of 20 MB: decoded as it arrives."""
    deployment = rig.deployment()
    make = rig.prefect.store.add_run
    runs = [make(deployment, parameters={"x": "y" * 500_000}) for _ in range(40)]
    worker = rig.start()
    for run in runs:
        rig.submitted(run, timeout_s=60)
    assert worker.stop() == 0


def test_events_wait_for_the_server(rig: Rig) -> None:
    """Not acknowledged is not delivered: they come again, and each arrives once."""
    rig.prefect.faults.add(method="POST", path=r"/events\?", status=503, times=3)
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    wanted = ("started", "submitted-flow-run", "executed-flow-run")
    for name in wanted:
        rig.prefect.wait_event(f"prefect.worker.{name}", timeout_s=30)
    names = [
        e["event"] for e in rig.prefect.store.events if e["event"].startswith("prefect.worker")
    ]
    assert len(names) == len(set(names))
    assert worker.stop() == 0


def test_lost_acknowledgement_of_events(rig: Rig) -> None:
    """Sent again with the same ids, so that the server keeps one of each."""
    rig.prefect.faults.add(method="POST", path=r"/events\?", close="after")
    worker = rig.start()
    rig.prefect.journal.wait("POST", r"/events\?", count=2, timeout_s=20)
    batches = rig.prefect.journal.find("POST", r"/events\?")
    first = {e["id"] for e in batches[0].body}
    again = {e["id"] for batch in batches[1:] for e in batch.body}
    assert first <= again
    recovers(rig, worker)


def test_refused_events_do_not_block(rig: Rig) -> None:
    """A batch that the server finds invalid is dropped with a line."""
    rig.prefect.faults.add(method="POST", path=r"/events\?", status=422, body={"detail": "no"})
    worker = rig.start()
    worker.wait_line("event")
    recovers(rig, worker)
    rig.prefect.wait_event("prefect.worker.executed-flow-run")
