# SPDX-License-Identifier: Apache-2.0
"""The stand-ins of the component tests are no more lenient than the real servers: what they accepted
from our worker is held against Prefect's OpenAPI document and sent to the real Kubernetes as a dry
run."""

import re
import urllib.parse

import pytest
from rig import standins
from rig.api import Api
from rig.openapi import Document

MODES = ["3.8", "2.20"]


@pytest.fixture(scope="module")
def accepted(cluster, work):
    return standins.record(work / "recorded")


@pytest.fixture(scope="module")
def documents(servers):
    """What each generation says about its own API."""
    origins = {mode: servers[mode].url.removesuffix("/api") for mode in MODES}
    return {mode: Document(Api(origin).get("/openapi.json")) for mode, origin in origins.items()}


@pytest.mark.parametrize("mode", MODES)
def test_prefect_requests_are_as_documented(mode, accepted, documents):
    mine = [e for e in accepted if e["server"] == "prefect" and e["mode"] == mode]
    assert len({documents[mode].route(e["method"], e["path"]) for e in mine}) >= 10, (
        "the record is too thin to tell"
    )
    faults = set()
    for entry in mine:
        path = urllib.parse.unquote(entry["path"])
        faults |= documents[mode].faults(entry["method"], path, entry["query"], entry["body"])
    assert not faults, "\n".join(sorted(faults))


@pytest.mark.parametrize("mode", MODES)
def test_the_document_refuses_what_it_should(mode, documents):
    """Each check of it is one that can fail."""
    run = "/api/flow_runs/5e7f0ac0-0000-4000-8000-000000000000"
    wrong = [
        ("POST", "/api/no_such/", "", {}),
        ("PUT", "/api/work_pools/", "", {}),
        ("POST", "/api/work_pools/", "", {"type": "kubernetes"}),
        ("POST", "/api/work_pools/", "", {"name": "p", "type": "kubernetes", "is_paused": []}),
        ("POST", "/api/work_pools/", "", None),
        ("GET", "/api/flow_run_states/", "", None),
        ("GET", run, "limit=1", None),
        ("POST", f"{run}/set_state", "", {"state": {"type": "NO_SUCH"}}),
    ]
    passed = [request for request in wrong if not documents[mode].faults(*request)]
    assert not passed


def requests_of_kind(accepted, method, resource):
    pattern = re.compile(rf"^/api.*/namespaces/(?P<ns>[^/]+)/{resource}(/[^/]+)?$")
    for entry in accepted:
        if entry["server"] == "kubernetes" and entry["method"] == method:
            match = pattern.match(entry["path"])
            if match:
                yield match["ns"], entry


def dry_run(cluster, namespace, entry):
    """None if the real API server would accept the object, else its complaint."""
    if cluster.request("GET", f"/api/v1/namespaces/{namespace}")[0] == 404:
        cluster.namespace(namespace)
    target = f"{entry['path']}?dryRun=All&{entry['query']}"
    status, reply = cluster.request("POST", target, entry["body"])
    return None if status == 201 else f"{target}: {status} {reply}"


@pytest.mark.parametrize("resource", ["jobs", "secrets"])
def test_manifests_are_accepted_by_the_api_server(resource, accepted, cluster):
    found = list(requests_of_kind(accepted, "POST", resource))
    assert found, f"no {resource} in the record"
    complaints = [dry_run(cluster, namespace, entry) for namespace, entry in found]
    assert not any(complaints), "\n".join(filter(None, complaints))


def test_the_api_server_refuses_what_it_should(cluster):
    """The dry run is a check that can fail."""
    entry = {
        "path": "/apis/batch/v1/namespaces/default/jobs",
        "query": "",
        "body": {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "Not-Valid"}},
    }
    assert "Not-Valid" in dry_run(cluster, "default", entry)


def test_kubernetes_reads_are_answered(accepted, cluster):
    """Every list and watch, by its path and query, is one that the real server knows."""
    seen = set()
    for entry in accepted:
        if entry["server"] != "kubernetes" or entry["method"] != "GET":
            continue
        query = dict(urllib.parse.parse_qsl(entry["query"]))
        if not entry["path"].endswith(("/pods", "/jobs", "/events", "/version")):
            continue
        query.pop("resourceVersion", None)  # that of another server
        query.pop("continue", None)
        if query.pop("watch", None):
            query.update(watch="true", timeoutSeconds="1")
        if query.get("sendInitialEvents"):
            query["resourceVersionMatch"] = "NotOlderThan"
        seen.add(entry["path"] + "?" + urllib.parse.urlencode(sorted(query.items())))
    assert any("watch=true" in target for target in seen), seen
    answers = {target: cluster.request("GET", target) for target in sorted(seen)}
    refused = {target: reply for target, reply in answers.items() if reply[0] != 200}
    assert not refused
