# SPDX-License-Identifier: Apache-2.0
"""Event parity: whoever watches Prefect's events can't tell our worker from the Python one."""

import pytest
from rig.wait import until

WORKER_EVENTS = {
    "prefect.worker.started",
    "prefect.worker.submitted-flow-run",
    "prefect.worker.executed-flow-run",
    "prefect.worker.stopped",
}
POD_EVENTS = {
    "prefect.kubernetes.pod.pending",
    "prefect.kubernetes.pod.running",
    "prefect.kubernetes.pod.succeeded",
}


def events_of_a_run(kind, server, cluster, pool, start_worker):
    """One completed run under a worker of the KIND, and the events by name, after the worker's end.
    Of each name the first: the Python worker sends some again, with the same id."""
    api = server.api
    name = pool(server)
    deployment = api.deployment(name, "seen", "hello.py:hello", tags=["on-deployment"])
    run = api.run(deployment, tags=["on-run"])
    worker = start_worker(server, name, "--name", f"Worker of {kind}", kind=kind)
    api.wait_final(run["id"], "COMPLETED", context=worker.tail)
    api.wait_event(run["id"], {"prefect.kubernetes.pod.succeeded"})
    worker.stop()
    pool_id = api.get(f"/work_pools/{name}")["id"]

    def complete():
        found = api.events(f"prefect.flow-run.{run['id']}") + api.events(
            f"prefect.work-pool.{pool_id}", "prefect.worker."
        )
        by_name = {}
        for event in found:
            if event["event"].startswith(("prefect.worker.", "prefect.kubernetes.")):
                by_name.setdefault(event["event"], event)
        return by_name if by_name.keys() >= WORKER_EVENTS | POD_EVENTS else None

    (pod,) = cluster.pods(run["id"])
    known = {
        "flow run": run["id"],
        "deployment": deployment["id"],
        "flow": deployment["flow_id"],
        "pool id": pool_id,
        "pool": name,
        "run name": run["name"],
        "pod": pod["metadata"]["name"],
        "pod uid": pod["metadata"]["uid"],
        "job": pod["metadata"]["labels"]["job-name"],
        "worker": f"Worker of {kind}",
        "worker slug": f"worker-of-{kind}",
        "worker label": f"Worker-of-{kind}",
    }
    return until("all events", complete, 30, worker.tail), known


def shape(event, known):
    """The event with what differs between two runs replaced by what it stands for."""
    substitutes = sorted(known.items(), key=lambda item: -len(item[1]))

    def general(value):
        if isinstance(value, str):
            for word, text in substitutes:
                value = value.replace(text, f"<{word}>")
            return value
        if isinstance(value, dict):
            return {general(key): general(item) for key, item in value.items()}
        if isinstance(value, list):
            return [general(item) for item in value]
        return value

    return general({key: event[key] for key in ("event", "resource", "related", "payload")})


observed: dict[str, tuple | BaseException] = {}


@pytest.fixture
def both(server, cluster, pool, start_worker):
    """Events of the same run under each worker, {kind: (events, known)}; made once."""
    for kind in ("python", "ours"):
        if kind not in observed:
            try:
                observed[kind] = events_of_a_run(kind, server, cluster, pool, start_worker)
            except BaseException as error:
                observed[kind] = error  # each test fails by it, without trying for minutes again
        if isinstance(observed[kind], BaseException):
            raise observed[kind]
    return observed


@pytest.mark.parametrize("name", sorted(WORKER_EVENTS | POD_EVENTS))
def test_event_is_the_python_workers(name, both):
    theirs, ours = (shape(both[kind][0][name], both[kind][1]) for kind in ("python", "ours"))
    assert ours == theirs


def test_no_other_events(both):
    assert both["ours"][0].keys() == both["python"][0].keys()


def test_events_follow_each_other(both):
    """`follows` links what happened to what happened before, in both alike."""

    def links(kind):
        events = both[kind][0]
        names = {event["id"]: name for name, event in events.items()}
        return {name: names.get(event["follows"]) for name, event in events.items()}

    assert links("ours") == links("python")
