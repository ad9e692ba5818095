# SPDX-License-Identifier: Apache-2.0
"""Validation and defaulting of a decoded Job, with the API server's sentences (HTTP 422)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
ENV_NAME = re.compile(r"[ -<>-~]+")  # printable ASCII but "="
MULTIPLES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
             "E": 1e18, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}  # fmt: skip
Causes = Iterator[tuple[str, str]]
SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def random_suffix() -> str:
    return "".join(random.choices(SUFFIX_LETTERS, k=5))


def amount(quantity: str) -> float:
    found = re.fullmatch(r"([+-]?[\d.]+)([a-zA-Z]*)", quantity)
    if not found or found[2] not in MULTIPLES:
        return float(quantity)
    return float(found[1]) * MULTIPLES[found[2]]


def check_name(name: str, field: str) -> Causes:
    if len(name) > 253:
        yield field, f'Invalid value: "{name}": must be no more than 253 bytes'
    if not SUBDOMAIN.fullmatch(name):
        yield (
            field,
            (
                f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case '
                "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
            ),
        )


def check_key(key: str, field: str) -> Causes:
    prefix, slash, name = key.rpartition("/")
    bad_prefix = slash and (len(prefix) > 253 or not SUBDOMAIN.fullmatch(prefix))
    if bad_prefix or "/" in prefix or len(name) > 63 or not QUALIFIED.fullmatch(name):
        yield (
            field,
            (
                f'Invalid value: "{key}": name part must consist of alphanumeric characters, '
                "'-', '_' or '.', and must start and end with an alphanumeric character"
            ),
        )


def check_labels(labels: dict[str, str], field: str) -> Causes:
    for key, value in labels.items():
        yield from check_key(key, field)
        if len(value) > 63:
            yield field, f'Invalid value: "{value}": must be no more than 63 bytes'
        elif not LABEL_VALUE.fullmatch(value):
            yield (
                field,
                (
                    f'Invalid value: "{value}": a valid label must be an empty string or consist of '
                    "alphanumeric characters, '-', '_' or '.'"
                ),
            )


def check_metadata(meta: dict[str, Any]) -> Causes:
    if not meta.get("name"):
        yield "metadata.name", "Required value: name or generateName is required"
    else:
        yield from check_name(meta["name"], "metadata.name")
    yield from check_labels(meta.get("labels") or {}, "metadata.labels")
    for key in meta.get("annotations") or {}:
        yield from check_key(key.lower(), "metadata.annotations")
    total = sum(len(k) + len(v) for k, v in (meta.get("annotations") or {}).items())
    if total > 256 * 1024:
        yield "metadata.annotations", "Too long: may not be more than 262144 bytes"


def check_env(env: list[dict[str, Any]], field: str) -> Causes:
    for i, entry in enumerate(env):
        name = entry.get("name") or ""
        if not name:
            yield f"{field}[{i}].name", "Required value"
        elif not ENV_NAME.fullmatch(name):
            yield (
                f"{field}[{i}].name",
                f'Invalid value: "{name}": a valid environment variable name',
            )
        source = entry.get("valueFrom")
        if source is not None:
            if entry.get("value"):
                yield (
                    f"{field}[{i}].valueFrom",
                    'Invalid value: "": may not be specified when `value` is not empty',
                )
            if len(source) != 1:
                yield (
                    f"{field}[{i}].valueFrom",
                    'Invalid value: "": must specify one of: `fieldRef`, `secretKeyRef`',
                )


def check_resources(resources: dict[str, Any], field: str) -> Causes:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, value in requests.items():
        if amount(value) < 0:
            yield (
                f"{field}.requests[{name}]",
                f'Invalid value: "{value}": must be greater than or equal to 0',
            )
        if name in limits and amount(value) > amount(limits[name]):
            yield (
                f"{field}.requests",
                (
                    f'Invalid value: "{value}": must be less than or equal to {name} limit of {limits[name]}'
                ),
            )


def check_container(container: dict[str, Any], field: str, volumes: set[str]) -> Causes:
    name = container.get("name") or ""
    if not name:
        yield f"{field}.name", "Required value"
    elif len(name) > 63 or not LABEL.fullmatch(name):
        yield (
            f"{field}.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 label must consist of',
        )
    image = container.get("image") or ""
    if not image:
        yield f"{field}.image", "Required value"
    elif image != image.strip():
        yield (
            f"{field}.image",
            f'Invalid value: "{image}": must not have leading or trailing whitespace',
        )
    policy = container.get("imagePullPolicy")
    if policy not in (None, "", "Always", "IfNotPresent", "Never"):
        yield (
            f"{field}.imagePullPolicy",
            (f'Unsupported value: "{policy}": supported values: "Always", "IfNotPresent", "Never"'),
        )
    yield from check_env(container.get("env") or [], f"{field}.env")
    yield from check_resources(container.get("resources") or {}, f"{field}.resources")
    for i, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            yield f"{field}.volumeMounts[{i}].name", f'Not found: "{mount.get("name")}"'
        if not mount.get("mountPath"):
            yield f"{field}.volumeMounts[{i}].mountPath", "Required value"


def check_pod(spec: dict[str, Any], field: str) -> Causes:
    if not spec.get("containers"):
        yield f"{field}.containers", "Required value"
    volumes = {v.get("name") for v in spec.get("volumes") or []}
    seen: set[str] = set()
    for kind in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(kind) or []):
            yield from check_container(container, f"{field}.{kind}[{i}]", volumes)
            if container.get("name") in seen:
                yield f"{field}.{kind}[{i}].name", f'Duplicate value: "{container["name"]}"'
            seen.add(container.get("name") or "")
    policy = spec.get("restartPolicy")
    if policy not in ("Never", "OnFailure"):
        yield (
            f"{field}.restartPolicy",
            (
                'Required value: valid values: "OnFailure", "Never"'
                if not policy
                else f'Unsupported value: "{policy}": supported values: "OnFailure", "Never"'
            ),
        )
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        yield (
            f"{field}.terminationGracePeriodSeconds",
            "Invalid value: must be greater than or equal to 0",
        )
    yield from check_labels(spec.get("nodeSelector") or {}, f"{field}.nodeSelector")


def check_job(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Every fault as (field, message); an empty list is a valid Job."""
    return list(job_causes(job))


def job_causes(job: dict[str, Any]) -> Causes:
    yield from check_metadata(job.get("metadata") or {})
    spec = job.get("spec") or {}
    for field in (
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    ):
        if spec.get(field, 0) < 0:
            yield (
                f"spec.{field}",
                f"Invalid value: {spec[field]}: must be greater than or equal to 0",
            )
    if spec.get("completionMode") not in (None, "NonIndexed", "Indexed"):
        yield "spec.completionMode", f'Unsupported value: "{spec["completionMode"]}"'
    if spec.get("selector") and not spec.get("manualSelector"):
        yield "spec.selector", "Invalid value: `selector` will be auto-generated"
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    yield from check_labels(labels, "spec.template.metadata.labels")
    name = (job.get("metadata") or {}).get("name") or ""
    if len(name) > 63:  # the controller's job-name label takes the name as its value
        yield "spec.template.labels", f'Invalid value: "{name}": must be no more than 63 bytes'
    pod = template.get("spec") or {}
    yield from check_pod(pod, "spec.template.spec")
    if spec.get("podFailurePolicy") and pod.get("restartPolicy") != "Never":
        yield (
            "spec.template.spec.restartPolicy",
            (
                f'Invalid value: "{pod.get("restartPolicy")}": only "Never" is supported when podFailurePolicy is specified'
            ),
        )


def default_job(job: dict[str, Any]) -> None:
    """What the server adds to a valid Job before it is stored."""
    meta, spec = job["metadata"], job["spec"]
    for key, value in (
        ("parallelism", 1), ("completions", 1), ("backoffLimit", 6), ("completionMode", "NonIndexed"),
        ("suspend", False), ("manualSelector", None), ("podReplacementPolicy", "TerminatingOrFailed"),
    ):  # fmt: skip
        if value is not None:
            spec.setdefault(key, value)
    generated = {
        "batch.kubernetes.io/controller-uid": meta["uid"], "batch.kubernetes.io/job-name": meta["name"],
        "controller-uid": meta["uid"], "job-name": meta["name"],
    }  # fmt: skip
    template = spec["template"]
    template.setdefault("metadata", {}).setdefault("labels", {}).update(generated)
    template["metadata"].setdefault("creationTimestamp", None)
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}}
    meta["generation"] = 1
    # as the real thing, each object carries a record of who set which field: a reader must skip it
    meta["managedFields"] = [{
        "manager": "standin", "operation": "Update", "apiVersion": "batch/v1",
        "time": meta["creationTimestamp"], "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}},
    }]  # fmt: skip
    default_pod(template["spec"])
    job["status"] = {}


def default_pod(spec: dict[str, Any]) -> None:
    for key, value in (
        ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler"), ("securityContext", {}),
        ("terminationGracePeriodSeconds", 30),
    ):  # fmt: skip
        spec.setdefault(key, value)
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        tagged = re.search(r":[^/]+$", container["image"])
        latest = not tagged or tagged[0] == ":latest"
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
