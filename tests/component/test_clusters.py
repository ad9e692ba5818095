# SPDX-License-Identifier: Apache-2.0
"""cluster_config: a run that names another cluster is made there and followed there."""

from __future__ import annotations

from harness import Rig, settle
from standin.kube import Kube, kubeconfig
from standin.kube_script import Plan


def elsewhere(other: Kube) -> dict:
    config = kubeconfig(other.url)
    return {"config": config, "context_name": config["current-context"]}


def test_made_and_followed_there(rig: Rig) -> None:
    with Kube() as other:
        run = rig.scheduled_run(cluster_config=elsewhere(other))
        other.script.default = Plan(outcome="exit", code=3, run_s=1.5)
        worker = rig.start()
        other.wait_job()
        rig.prefect.store.put_state(run["id"], "RUNNING", "Running")  # judged without a wait
        state = rig.prefect.wait_state(run, "Crashed", timeout_s=30)
        assert "code 3" in state["message"]
        assert len(other.find_jobs()) == 1
        assert not rig.kube.find_jobs()
        rig.prefect.wait_event("prefect.kubernetes.pod.failed")
        assert worker.stop() == 0


def test_unusable_configuration_crashes_the_run(rig: Rig) -> None:
    config = {"config": {"apiVersion": "v1", "contexts": []}, "context_name": "nope"}
    run = rig.scheduled_run(cluster_config=config)
    worker = rig.start()
    state = rig.prefect.wait_state(run, "Crashed")
    assert "cluster_config" in state["message"]
    settle(0.5)
    assert not rig.kube.find_jobs()
    assert worker.stop() == 0


def test_trouble_there_stops_nothing_here(rig: Rig) -> None:
    with Kube() as other:
        first = rig.scheduled_run(cluster_config=elsewhere(other))
        worker = rig.start()
        other.wait_job()
        rig.prefect.wait_state(first, "Submitting")
    settle(1)  # the other cluster is gone now
    second = rig.scheduled_run()
    rig.submitted(second)
    assert worker.stop() == 0
