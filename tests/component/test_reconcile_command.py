# SPDX-License-Identifier: Apache-2.0
"""`reconcile --dry-run`: what differs between Prefect's runs and the Jobs, and nothing is changed."""

from __future__ import annotations

from harness import Object, Rig, Worker, binary
from standin.kube_script import Plan


def reconcile(rig: Rig, *words: str, code: int = 0) -> Worker:
    before = len(rig.prefect.journal.find()), len(rig.kube.journal.find())
    asked = rig.run([str(binary()), "reconcile", *words])
    assert asked.wait_exit() == code, asked.text
    for entry in rig.kube.journal.find()[before[1] :]:
        assert entry.method == "GET", entry
    for entry in rig.prefect.journal.find()[before[0] :]:
        assert entry.method == "GET" or entry.path.endswith("/filter"), entry
    return asked


def row(asked: Worker, run: Object) -> str:
    rows = [line for line in asked.stdout if line.startswith(run["id"])]
    assert len(rows) == 1, asked.text
    return rows[0]


def made(rig: Rig, count: int = 1) -> list[Object]:
    """Runs whose Jobs live; no worker is there any more."""
    rig.kube.script.default = Plan("run")
    runs = [rig.scheduled_run() for _ in range(count)]
    worker = rig.start()
    for run in runs:
        rig.submitted(run)
    rig.prefect.journal.wait_for(
        lambda: all(p["status"]["phase"] == "Running" for p in rig.kube.store.find("pods")), 10
    )
    assert worker.stop() == 0
    for run in runs:
        rig.prefect.store.put_state(run["id"], "RUNNING", "Running")
    return runs


def job_of(rig: Rig, run: Object) -> str:
    (job,) = [j for j in rig.kube.find_jobs() if rig.run_of(j) == run["id"]]
    return job["metadata"]["name"]


def lose(rig: Rig, run: Object) -> str:
    name = job_of(rig, run)
    rig.kube.store.delete("jobs", "default", name)
    return name


def test_usage(rig: Rig) -> None:
    assert "--dry-run" in reconcile(rig, code=2).text
    assert "--dry-run" in reconcile(rig, "--no-dry-run", code=2).text
    assert "no work pool 'absent'" in reconcile(rig, "--dry-run", "--pool", "absent", code=1).text


def test_no_difference(rig: Rig) -> None:
    made(rig, 3)
    asked = reconcile(rig, "--dry-run", "--pool", "pool")
    assert asked.stdout == ["Work pool 'pool': 3 runs alive, 3 Jobs; no difference."]


def test_each_verdict(rig: Rig) -> None:
    fine, gone, mute, over = made(rig, 4)
    lost = lose(rig, gone)
    done = {"type": "Complete", "status": "True"}
    rig.kube.store.update(
        "jobs", "default", job_of(rig, mute), lambda o: o["status"].update(conditions=[done])
    )
    rig.prefect.store.put_state(over["id"], "FAILED", "Failed")
    unmade = rig.scheduled_run()
    claim = rig.prefect.store.states[fine["id"]][1]
    assert claim["name"] == "Pending"
    rig.prefect.store.put_state(unmade["id"], "PENDING", "Pending", message=claim["message"])
    asked = reconcile(rig, "--dry-run", "--pool", "pool")
    assert asked.stdout[0].split() == ["FLOW", "RUN", "NAME", "STATE", "FOR", "JOB", "VERDICT"]
    assert row(asked, gone).endswith("crash: its Job is gone") and lost in row(asked, gone)
    assert row(asked, mute).endswith("crash: ended without a report")
    assert row(asked, over).endswith("delete its Job")
    assert job_of(rig, over) in row(asked, over) and " Failed " in row(asked, over)
    assert row(asked, unmade).endswith("resume") and unmade["name"] in row(asked, unmade)
    assert "4 differences, of which 0" in asked.stdout[-1]
    assert fine["id"] not in asked.text
    assert len(rig.kube.find_jobs()) == 3


def test_left_alone(rig: Rig) -> None:
    """The bounds: other clusters' claims, other kinds of workers, a Job that exists after all."""
    elsewhere, unlabelled, variable = made(rig, 3)
    store = rig.prefect.store
    lose(rig, elsewhere)
    message = "Claimed by Kubernetes worker 'w1' for cluster 00000000"
    store.put_state(elsewhere["id"], "PENDING", "Pending", message=message)
    rig.kube.store.update(
        "jobs", "default", job_of(rig, unlabelled),
        lambda o: o["metadata"]["labels"].pop("prefect.io/work-pool-id"),
    )  # fmt: skip
    lose(rig, variable)
    variable["job_variables"] = {"cluster_config": {"config": {}}}
    python = rig.scheduled_run()
    store.put_state(python["id"], "PENDING", "Pending")
    asked = reconcile(rig, "--dry-run", "--pool", "pool")
    assert "left alone: claimed for another cluster" in row(asked, elsewhere)
    assert "left alone: its Job exists" in row(asked, unlabelled)
    assert "left alone: cluster_config" in row(asked, variable)
    assert "left alone: not claimed by a worker of this kind" in row(asked, python)
    assert "4 differences, of which 4" in asked.stdout[-1]


def test_all_kubernetes_pools(rig: Rig) -> None:
    (run,) = made(rig)
    lose(rig, run)
    rig.prefect.store.add_pool("other")
    rig.prefect.store.add_pool("local", type="process")
    asked = reconcile(rig, "--dry-run")
    assert row(asked, run)
    assert "Work pool 'other': 0 runs alive, 0 Jobs; no difference." in asked.stdout
    assert "local" not in asked.text


def test_one_namespace(rig: Rig) -> None:
    made(rig)
    rig.kube.access.namespaces = {"default"}
    asked = reconcile(rig, "--dry-run", "--pool", "pool")
    assert "1 Job (of namespace default" in asked.stdout[-1]


def test_pages(rig: Rig) -> None:
    """More Jobs than a page has."""
    rig.kube.api.page_limit = 2
    runs = made(rig, 5)
    lose(rig, runs[4])
    asked = reconcile(rig, "--dry-run", "--pool", "pool")
    assert row(asked, runs[4])
    assert "5 runs alive, 4 Jobs; 1 difference" in asked.stdout[-1]
    assert len(rig.kube.journal.find("GET", "continue=")) >= 1


def test_kubernetes_is_unreachable(rig: Rig) -> None:
    rig.pool()
    rig.kube.server.refuse()
    assert "can't be listed" in reconcile(rig, "--dry-run", "--pool", "pool", code=1).text


def test_prefect_is_unreachable(rig: Rig) -> None:
    rig.prefect.server.refuse()
    assert "can't be read" in reconcile(rig, "--dry-run", code=1).text
