# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the cluster is told on the run."""

from rig.wait import until


def test_exit_code_is_in_the_crashed_state(server, pool, start_worker):
    name = pool(server)
    deployment = server.api.deployment(
        name, "exits", "hello.py:hello", job_variables={"command": "sh -c 'echo goodbye; exit 3'"}
    )
    run = server.api.run(deployment)
    worker = start_worker(server, name)
    ended = server.api.wait_final(run["id"], "CRASHED", context=worker.tail)
    assert ended["state_name"] == "Crashed"
    message = ended["state"]["message"]
    assert "exit" in message and "3" in message.split(), message
    # One Crashed state, and what the container said last is on the run.
    assert [s["type"] for s in server.api.states(run["id"])].count("CRASHED") == 1
    server.api.wait_log(run["id"], "goodbye")


def test_failed_flow_stays_failed(server, cluster, pool, start_worker):
    """A run that reported its own end is not crashed because its container exits with an error."""
    name = pool(server)
    deployment = server.api.deployment(name, "fails", "hello.py:fails")
    run = server.api.run(deployment)
    worker = start_worker(server, name)
    server.api.wait_final(run["id"], "FAILED", context=worker.tail)
    until(
        "the Job's end",
        lambda: cluster.jobs(run["id"])[0].get("status", {}).get("conditions"),
    )
    # The worker has seen that end when the event about the pod's has come.
    server.api.wait_event(
        run["id"], {"prefect.kubernetes.pod.succeeded", "prefect.kubernetes.pod.failed"}
    )
    assert server.api.flow_run(run["id"])["state_type"] == "FAILED"


def test_image_that_cannot_be_pulled_is_diagnosed(server, cluster, pool, start_worker):
    name = pool(server)
    image = "registry.invalid/no/such:image"
    deployment = server.api.deployment(
        name, "unpullable", "hello.py:hello", job_variables={"image": image}
    )
    run = server.api.run(deployment)
    worker = start_worker(server, name)
    # On the run: Kubernetes' own words, so with the image's name.
    entry = server.api.wait_log(run["id"], image, 60)
    assert entry["level"] == 40

    # On the pod's event: the category that automations match.
    def diagnosed():
        return [
            event
            for event in server.api.events(f"prefect.flow-run.{run['id']}")
            if event["resource"].get("kubernetes.diagnosis") == "ImagePullError"
        ]

    (event, *_) = until("an event with the diagnosis", diagnosed, 60, worker.tail)
    (pod,) = cluster.pods(run["id"])
    assert event["event"] == "prefect.kubernetes.pod.pending"
    assert event["resource"]["prefect.resource.id"] == (
        f"prefect.kubernetes.pod.{pod['metadata']['uid']}"
    )
    # Said once for a cause, not once for each time that Kubernetes tries again.
    told = [e for e in server.api.logs(run["id"]) if image in e["message"] and e["level"] == 40]
    assert len(told) <= 2, [e["message"] for e in told]  # ErrImagePull, then ImagePullBackOff
    cluster.kubectl("delete", "job", "-l", f"prefect.io/flow-run-id={run['id']}")


def test_a_manifest_that_kubernetes_refuses_crashes_the_run(server, pool, start_worker):
    """One run's bad variable is that run's matter: it is told why, and the next run completes."""
    name = pool(server)
    api = server.api
    bad = api.deployment(
        name, "bad", "hello.py:hello", job_variables={"memory_limit": "much", "name": "bad"}
    )
    good = api.deployment(name, "good", "hello.py:hello")
    refused, welcome = api.run(bad), api.run(good)
    worker = start_worker(server, name)
    ended = api.wait_final(refused["id"], "CRASHED", context=worker.tail)
    assert "much" in ended["state"]["message"] or "quantities" in ended["state"]["message"]
    api.wait_final(welcome["id"], "COMPLETED", context=worker.tail)
