# SPDX-License-Identifier: Apache-2.0
"""The work pool: found, made, completed, paused, changed."""

from __future__ import annotations

import json

from harness import TEMPLATE, Rig


def test_created_when_missing(rig: Rig) -> None:
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0, worker.text
    made = rig.prefect.journal.find("POST", "/work_pools/\\?")
    assert [e.body for e in made] == [{"name": "pool", "type": "kubernetes"}]
    assert rig.prefect.store.pools["pool"]["type"] == "kubernetes"
    assert worker.matching("pool.*created|created.*pool")


def test_created_with_the_given_template(rig: Rig) -> None:
    (rig.folder / "template.json").write_text(json.dumps(TEMPLATE))
    worker = rig.start("--run-once", "--base-job-template", "template.json")
    assert worker.wait_exit() == 0, worker.text
    made = rig.prefect.journal.find("POST", "/work_pools/\\?")
    wanted = {"name": "pool", "type": "kubernetes", "base_job_template": TEMPLATE}
    assert [e.body for e in made] == [wanted]
    assert not rig.prefect.journal.find("PATCH", "/work_pools/")


def test_given_template_does_not_touch_a_pool(rig: Rig) -> None:
    rig.pool()
    (rig.folder / "template.json").write_text(json.dumps({**TEMPLATE, "note": 1}))
    worker = rig.start("--run-once", "--base-job-template", "template.json")
    assert worker.wait_exit() == 0, worker.text
    assert rig.prefect.store.pools["pool"]["base_job_template"] == TEMPLATE
    assert not rig.prefect.journal.find("PATCH", "/work_pools/")
    assert worker.matching("base-job-template")


def test_two_workers_create_it(rig: Rig) -> None:
    """409: another one was faster; the pool is read again."""
    missing = {"detail": 'Work pool "pool" not found.'}
    rig.pool()
    rig.prefect.faults.add(method="GET", path="/work_pools/pool\\?", status=404, body=missing)
    worker = rig.start()
    worker.wait_started()
    rig.prefect.journal.wait("POST", "get_scheduled")
    made = rig.prefect.journal.find("POST", "/work_pools/\\?")
    assert [e.status for e in made] == [409]
    assert worker.stop() == 0


def test_conflict_on_creation(rig: Rig) -> None:
    """The pool appears between the read and the creation."""
    rig.prefect.faults.add(
        method="POST", path="/work_pools/\\?", close=None, status=409, process=True,
        body={"detail": "A work pool with this name already exists."},
    )  # fmt: skip
    worker = rig.start()
    rig.prefect.journal.wait("POST", "get_scheduled")
    assert len(rig.prefect.journal.find("POST", "/work_pools/\\?")) == 1
    assert worker.stop() == 0


def test_empty_template_is_filled(rig: Rig) -> None:
    rig.prefect.store.add_pool("pool")
    worker = rig.start("--run-once")
    assert worker.wait_exit() == 0, worker.text
    filled = rig.prefect.journal.find("PATCH", "/work_pools/pool")
    assert len(filled) == 1 and set(filled[0].body) == {"base_job_template"}
    template = filled[0].body["base_job_template"]
    assert set(template) == {"job_configuration", "variables"}
    assert template["job_configuration"]["job_manifest"]["kind"] == "Job"
    assert template["variables"]["properties"]["namespace"]["default"] == "default"


def test_missing_and_not_to_be_created(rig: Rig) -> None:
    worker = rig.start("--no-create-pool-if-not-found")
    worker.wait_line("pool.*(not|no|missing|exist)")
    assert not rig.prefect.journal.find("POST", "/work_pools/\\?")
    run = rig.scheduled_run()
    rig.submitted(run, timeout_s=20)
    assert worker.stop() == 0


def test_missing_with_run_once(rig: Rig) -> None:
    worker = rig.start("--no-create-pool-if-not-found", "--run-once")
    assert worker.wait_exit() == 1, worker.text
    assert worker.matching("'?pool'?")


def test_paused_pool_is_told(rig: Rig) -> None:
    rig.pool(paused=True)
    worker = rig.start()
    worker.wait_line("paused")
    worker.wait_started()
    rig.prefect.store.pools["pool"]["is_paused"] = False
    run = rig.scheduled_run()
    rig.submitted(run)
    assert worker.stop() == 0


def test_paused_queues_are_told(rig: Rig) -> None:
    rig.pool()
    for queue in rig.prefect.store.queues.values():
        queue["is_paused"] = True
    worker = rig.start()
    worker.wait_line("queue.*paused")
    asked = rig.prefect.journal.find("POST", "/queues/filter")
    assert [e.body for e in asked] == [{"work_queues": None, "limit": None, "offset": None}]
    assert worker.stop() == 0


def test_type_changes_later(rig: Rig) -> None:
    rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", "/heartbeat")
    rig.prefect.store.pools["pool"]["type"] = "process"
    worker.wait_line("process")
    assert worker.alive
    assert worker.stop() == 0


def test_template_changes_later(rig: Rig) -> None:
    """A new base job template counts for the next run."""
    pool = rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", "/heartbeat")
    changed = json.loads(json.dumps(pool["base_job_template"]))
    manifest = changed["job_configuration"]["job_manifest"]
    manifest["metadata"]["annotations"] = {"generation": "two"}
    pool["base_job_template"] = changed
    reads = len(rig.prefect.journal.find("GET", "/work_pools/pool\\?"))
    rig.prefect.journal.wait("GET", "/work_pools/pool\\?", count=reads + 2)
    job = rig.submitted(rig.scheduled_run())
    assert job["metadata"]["annotations"] == {"generation": "two"}
    assert worker.stop() == 0
