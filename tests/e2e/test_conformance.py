# SPDX-License-Identifier: Apache-2.0
"""The stand-ins of the component tests are no more lenient than the real servers: what they accepted
from our worker is held against Prefect's OpenAPI document and sent to the real Kubernetes as a dry
run. Besides a scenario of its own, it takes what the component tests have recorded."""

import json
import re
import urllib.parse

import pytest
from rig import install, standins
from rig.api import Api
from rig.openapi import Document

RECORDS = install.BUILD / "recorded"
MODES = ["3.8", "2.20"]


@pytest.fixture(scope="module")
def accepted(cluster, work):
    """Accepted requests of every record, without repetitions."""
    entries = []
    for mode in MODES:
        entries += standins.record(mode, work / f"recorded-{mode}")
    for path in sorted(RECORDS.glob("*.jsonl")):
        entries += [json.loads(line) for line in path.read_text().splitlines()]
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


@pytest.mark.parametrize("mode", MODES)
def test_prefect_requests_are_as_documented(mode, accepted, servers):
    origin = servers[mode].url.removesuffix("/api")
    document = Document(Api(origin).get("/openapi.json"))
    mine = [e for e in accepted if e["server"] == "prefect" and e["mode"] == mode]
    assert len({(e["method"], e["path"]) for e in mine}) >= 10, "the record is too thin to tell"
    faults = set()
    for entry in mine:
        path = urllib.parse.unquote(entry["path"])
        prefixed = path if path.startswith("/api") else "/api" + path
        faults |= set(document.faults(entry["method"], prefixed, entry["query"], entry["body"]))
    assert not faults, "\n".join(sorted(faults))


def requests_of_kind(accepted, method, resource):
    pattern = re.compile(rf"^/api.*/namespaces/(?P<ns>[^/]+)/{resource}(/[^/]+)?$")
    for entry in accepted:
        if entry["server"] == "kubernetes" and entry["method"] == method:
            match = pattern.match(entry["path"])
            if match:
                yield match["ns"], entry


def dry_run(cluster, namespace, entry):
    """None if the real API server would accept the object, else its complaint."""
    if not cluster.kubectl("get", "namespace", namespace, "--ignore-not-found"):
        cluster.namespace(namespace)
    path = f"{entry['path']}?dryRun=All&{entry['query']}"
    try:
        cluster.kubectl("create", "--raw", path, "-f", "-", text=json.dumps(entry["body"]))
    except AssertionError as error:
        return str(error)
    return None


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
    for target in sorted(seen):
        cluster.kubectl("get", "--raw", target)
