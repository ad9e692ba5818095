# SPDX-License-Identifier: Apache-2.0
"""A Prefect server of version 2.20."""

from __future__ import annotations

from harness import Rig, settle


def test_run_reaches_its_job(legacy_rig: Rig) -> None:
    rig = legacy_rig
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    assert rig.prefect.states(run)[:2] == ["Scheduled", "Pending"]
    assert not {"Submitting", "Crashed"} & set(rig.prefect.states(run))
    assert worker.stop() == 0


def test_default_image(legacy_rig: Rig) -> None:
    """The server's generation decides."""
    rig = legacy_rig
    deployment = rig.deployment()
    deployment["job_variables"] = {}
    run = rig.prefect.store.add_run(deployment)
    worker = rig.start()
    job = rig.submitted(run)
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "prefecthq/prefect:2.20.25-python3.11"
    assert job["metadata"]["labels"]["prefect.io/version"] == "2.20.25"
    assert worker.stop() == 0


def test_default_image_of_the_newer(rig: Rig) -> None:
    deployment = rig.deployment()
    deployment["job_variables"] = {}
    run = rig.prefect.store.add_run(deployment)
    worker = rig.start()
    job = rig.submitted(run)
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "prefecthq/prefect:3.8.8-python3.11"
    assert job["metadata"]["labels"]["prefect.io/version"] == "3.8.8"
    assert worker.stop() == 0


def test_no_events_there(legacy_rig: Rig) -> None:
    """404: said once, and not asked for ever."""
    rig = legacy_rig
    worker = rig.start()
    for _ in range(3):
        rig.submitted(rig.scheduled_run())
        settle(0.4)
    worker.wait_line("event")
    assert len(worker.matching("events?.*(404|not take|drop|without)")) == 1, worker.text
    assert len(rig.prefect.journal.find("POST", r"/events\?")) <= 3
    assert worker.stop() == 0


def test_events_with_the_experimental_setting(legacy_rig: Rig) -> None:
    rig = legacy_rig
    rig.prefect.api.experimental_events = True
    worker = rig.start()
    rig.submitted(rig.scheduled_run())
    rig.prefect.wait_event("prefect.worker.executed-flow-run")
    assert worker.stop() == 0


def test_labels_are_not_there(legacy_rig: Rig) -> None:
    rig = legacy_rig
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    tried = rig.prefect.journal.find("PATCH", "/labels")
    assert len(tried) <= 1
    assert worker.stop() == 0
