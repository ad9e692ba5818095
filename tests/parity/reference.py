# SPDX-License-Identifier: Apache-2.0
"""Renders cases with the Python worker itself, in this process and without any server.

Reads one case a line and writes one result a line, as driver.c does, which describes both; for an
empty case the default base job template. It has to be started with the cases' environment, since Prefect reads its settings once.
"""

import asyncio
import json
import sys
import types

import httpx
import prefect.exceptions
import prefect_kubernetes.worker as kubernetes
from prefect.client.schemas.objects import Flow, FlowRun, WorkPool
from prefect.client.schemas.responses import DeploymentResponse

REQUEST = httpx.Request("GET", "http://127.0.0.1/")


class Client:
    """What the resolution asks the API for."""

    def __init__(self, case):
        self.case = case

    def _missing(self):
        reply = httpx.Response(404, request=REQUEST)
        error = httpx.HTTPStatusError("404", request=REQUEST, response=reply)
        return prefect.exceptions.ObjectNotFound(http_exc=error)

    async def read_deployment(self, _):
        return None

    async def read_flow(self, _):
        return Flow.model_validate(self.case["flow"]) if self.case.get("flow") else None

    async def read_block_document_by_name(self, name, block_type_slug):
        blocks = self.case.get("blocks") or {}
        if f"{block_type_slug}/{name}" not in blocks:
            raise self._missing()
        return types.SimpleNamespace(data=blocks[f"{block_type_slug}/{name}"])

    async def read_block_document(self, block_document_id):
        blocks = self.case.get("blocks_by_id") or {}
        if block_document_id not in blocks:
            raise self._missing()
        return types.SimpleNamespace(data=blocks[block_document_id])

    async def read_variable_by_name(self, name):
        variables = self.case.get("variables") or {}
        if name not in variables:
            return None
        return types.SimpleNamespace(value=variables[name])


class Cluster:
    """Stands for both Kubernetes clients of the worker and keeps what it was given."""

    def __init__(self):
        self.secrets = {}
        self.job = None

    def __call__(self, _):
        return self

    async def create_namespaced_job(self, namespace, manifest):
        self.job = (namespace, manifest)
        metadata = types.SimpleNamespace(name="job", namespace=namespace, uid="uid")
        return types.SimpleNamespace(metadata=metadata)

    async def create_namespaced_secret(self, namespace, body):
        self.secrets[body.metadata.name] = body
        return body

    async def patch_namespaced_secret(self, name, namespace, body):
        pass

    async def read_namespaced_secret(self, name, namespace):
        raise kubernetes.ApiException(status=404)


def plain(secret):
    """A Secret model as the body that is sent."""
    metadata = secret.metadata
    body = {
        "apiVersion": secret.api_version,
        "kind": secret.kind,
        "metadata": {"name": metadata.name, "namespace": metadata.namespace},
    }
    if metadata.labels is not None:
        body["metadata"]["labels"] = metadata.labels
    for key, value in (("data", secret.data), ("stringData", secret.string_data)):
        if value is not None:
            body[key] = value
    return body


def default_template():
    return kubernetes.KubernetesWorker.get_default_base_job_template()


async def render(case):
    deployment = case.get("deployment")
    configuration = await kubernetes.KubernetesWorkerJobConfiguration.resolve_for_flow_run(
        FlowRun.model_validate(case["flow_run"]),
        client=Client(case),
        work_pool=WorkPool.model_validate({"type": "kubernetes", **case["work_pool"]}),
        worker_name=case["worker_name"],
        worker_id=case.get("worker_id"),
        deployment=DeploymentResponse.model_validate(deployment) if deployment else None,
    )
    cluster = Cluster()
    kubernetes.BatchV1Api = kubernetes.CoreV1Api = cluster
    worker = kubernetes.KubernetesWorker(work_pool_name="parity", name=case["worker_name"])
    await worker._create_job(configuration, None)
    namespace, manifest = cluster.job
    cluster_config = configuration.cluster_config
    return {
        "manifest": manifest,
        "namespace": namespace,
        "cluster_config": {
            "config": cluster_config.config,
            "context_name": cluster_config.context_name,
        }
        if cluster_config
        else None,
        "job_timeout": configuration.job_watch_timeout_seconds,
        "pod_timeout": configuration.pod_watch_timeout_seconds,
        "stream_output": configuration.stream_output,
        "secrets": [plain(secret) for secret in cluster.secrets.values()],
    }


def main():
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        case = json.loads(line)
        try:
            result = loop.run_until_complete(render(case)) if case else default_template()
            result = json.dumps(result, default=str)
        except Exception as error:  # every one of them is what a run is crashed with
            result = json.dumps({"error": str(error), "exception": type(error).__name__})
        sys.stdout.write(result + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
