# SPDX-License-Identifier: Apache-2.0
"""The binary alone in an empty image, deployed by the manifests in k8s/."""

import json
import shutil
import uuid

import pytest
from rig import install
from rig.wait import until

IMAGE = "localhost/prefect-k8s-worker:e2e"


@pytest.fixture(scope="module")
def image(cluster, work):
    root = work / "scratch-image"
    root.mkdir()
    assert install.BINARY.exists(), f"{install.BINARY} is missing: `make` builds it"
    shutil.copy(install.BINARY, root / "prefect-k8s-worker")
    return cluster.image(IMAGE, root, "/prefect-k8s-worker")


def worker_log(cluster, namespace) -> str:
    return cluster.kubectl("logs", "-n", namespace, "deploy/prefect-worker", check=False)


@pytest.fixture
def namespace(cluster, work):
    """A namespace that warns of every pod beyond the strictest standard that Kubernetes has."""
    name = cluster.namespace(f"prefect-{uuid.uuid4().hex[:6]}")
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/warn=restricted")
    yield name
    (work / f"worker-in-{name}.log").write_text(worker_log(cluster, name))
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def overlay(folder, namespace, url, pool):
    """What a user writes to deploy: the namespace, the image, the API's address, the pool."""
    shutil.copytree(install.REPOSITORY / "k8s", folder / "base")
    name, tag = IMAGE.split(":")
    (folder / "kustomization.yaml").write_text(
        json.dumps(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": namespace,
                "resources": ["base"],
                "images": [{"name": "prefect-k8s-worker", "newName": name, "newTag": tag}],
                "patches": [{"patch": json.dumps(environment(url, pool))}],
            }
        )
    )
    return folder


def jobs_in(namespace):
    def change(template):
        template["variables"]["properties"]["namespace"]["default"] = namespace

    return change


def environment(url, pool):
    env = [{"name": "PREFECT_API_URL", "value": url}, {"name": "PREFECT_POOL", "value": pool}]
    env.append({"name": "PREFECT_WORKER_QUERY_SECONDS", "value": "1"})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "prefect-worker"},
        "spec": {"template": {"spec": {"containers": [{"name": "worker", "env": env}]}}},
    }


def test_deployment_in_a_scratch_image_completes_a_run(
    server, cluster, pool, work, image, namespace
):
    api = server.api
    name = pool(server, change=jobs_in(namespace))
    folder = overlay(work / "overlay", namespace, server.url, name)
    rendered = cluster.kubectl("kustomize", str(folder))
    cluster.kubectl("apply", "-f", "-", "--warnings-as-errors", text=rendered)

    def tell() -> str:
        return cluster.kubectl(
            "describe", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=prefect-worker"
        ) + worker_log(cluster, namespace)

    def available() -> bool:
        status = cluster.get("deployment", "-n", namespace, "prefect-worker").get("status", {})
        return status.get("availableReplicas") == 1

    until("the Deployment is available", available, 60, tell)

    deployment = api.deployment(name, "in-cluster", "hello.py:hello")
    run = api.run(deployment, parameters={"text": "said in the cluster"})
    ended = api.wait_final(run["id"], "COMPLETED", context=tell)
    api.wait_log(run["id"], "said in the cluster")
    assert ended["infrastructure_pid"].startswith(f"{namespace}:{run['name']}-")
    (job,) = cluster.jobs(run["id"], namespace)

    # One process, which is the pod's first; it ends cleanly when asked.
    (pod,) = cluster.get("pods", "-n", namespace, "-l", "app.kubernetes.io/name=prefect-worker")[
        "items"
    ]
    (status,) = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 0, tell()
    workers = api.post(f"/work_pools/{name}/workers/filter", {})
    assert [w["name"] for w in workers] == [pod["metadata"]["name"]]
    assert job["metadata"]["labels"]["prefect.io/worker-name"] == pod["metadata"]["name"]

    cluster.kubectl("scale", "-n", namespace, "deploy/prefect-worker", "--replicas=0")
    until(
        "the event of its stop",
        lambda: [
            event
            for event in api.events(name_prefix="prefect.worker.stopped")
            if event["resource"]["prefect.resource.name"] == pod["metadata"]["name"]
        ],
        60,
        tell,
    )


def test_without_namespaces_it_narrows_to_its_own(server, cluster, pool, work, image, namespace):
    """A Role doesn't allow to watch all namespaces: said once, and those of the Jobs are watched."""

    api = server.api
    name = pool(server, change=jobs_in(namespace))
    folder = overlay(work / "overlay-narrowed", namespace, server.url, name)
    deployed = folder / "base/deployment.yaml"
    named = deployed.read_text()
    deployed.write_text(named.replace("_KUBERNETES_OBSERVER_NAMESPACES", "_NOTHING_THAT_IS_READ"))
    assert deployed.read_text() != named
    cluster.kubectl("apply", "-k", str(folder))

    def tell() -> str:
        return worker_log(cluster, namespace)

    variables = {"command": "sh -c 'exit 3'"}
    run = api.run(api.deployment(name, "narrowed", "hello.py:hello", job_variables=variables))
    ended = api.wait_final(run["id"], "CRASHED", context=tell)
    assert "3" in ended["state"]["message"].split()
    lines = tell().splitlines()
    told = [line for line in lines if "all namespaces" in line]
    assert len(told) == 1, tell()
    assert namespace in told[0], told
    assert not [line for line in lines if "WARNING" in line and "forbidden" in line], tell()


def test_missing_verb_is_named(server, cluster, pool, work, image, namespace):
    """Without the right to make Jobs, the run says which rule the Role lacks; the worker lives on."""

    api = server.api
    name = pool(server, change=jobs_in(namespace))
    folder = overlay(work / "overlay-forbidden", namespace, server.url, name)
    role = folder / "base/role.yaml"
    allowed = role.read_text()
    role.write_text(
        allowed.replace("verbs: [get, list, watch, create, delete]", "verbs: [get, list, watch]")
    )
    assert role.read_text() != allowed
    cluster.kubectl("apply", "-k", str(folder))

    def tell() -> str:
        return worker_log(cluster, namespace)

    run = api.run(api.deployment(name, "forbidden", "hello.py:hello"))
    ended = api.wait_final(run["id"], "CRASHED", 90, context=tell)
    message = ended["state"]["message"]
    for word in ("create", "jobs", namespace):
        assert word in message, message

    # With the rule, the next run completes: no restart is needed.
    role.write_text(allowed)
    cluster.kubectl("apply", "-k", str(folder))
    run = api.run(api.deployment(name, "allowed", "hello.py:hello"))
    api.wait_final(run["id"], "COMPLETED", context=tell)
