# SPDX-License-Identifier: Apache-2.0
"""Are two results the same? The name of the Job, and of the Secret beside it, are ours to choose."""

import base64
import copy
import json
import re

SUFFIX = re.compile(r"[a-z0-9]{12}\Z")
NAME_MAX = 63
INT64 = (-(2**63), 2**63 - 1)


def difference(ours, theirs):
    """None, or what differs, in one line."""
    if ("error" in ours) != ("error" in theirs):
        if "error" in ours:
            return f"only ours refuses: {ours['exception']}: {ours['error']}"
        return f"only theirs refuses: {theirs['exception']}: {theirs['error'][:300]}"
    if "error" in ours:
        return None
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    return (
        check_name(ours, theirs)
        or check_secrets(ours, theirs)
        or check_fields(ours, theirs)
        or first_difference(ours["manifest"], theirs["manifest"], "manifest")
    )


def class_difference(ours, theirs):
    """Both refuse, but say that another Python class was the cause."""
    if "error" in ours and "error" in theirs and ours["exception"] != theirs["exception"]:
        return (
            f"ours {ours['exception']}: {ours['error']}; theirs {theirs['exception']}: "
            + (theirs["error"][:200])
        )
    return None


def without_descriptions(template):
    """The rest of a schema is compared with its order; descriptions are everybody's own."""
    if isinstance(template, list):
        return [without_descriptions(item) for item in template]
    if not isinstance(template, dict):
        return template
    return {
        key: without_descriptions(value)
        for key, value in template.items()
        if not (key == "description" and isinstance(value, str))
    }


def check_name(ours, theirs):
    own, their = ours["manifest"]["metadata"], theirs["manifest"]["metadata"]
    if ours["own_name"]:
        return None  # compared with everything else
    prefix = their.pop("generateName", None)
    if their.get("name") not in (None, ""):
        return "theirs has a name of its own, ours does not keep it"
    their.pop("name", None)
    name = own.pop("name")
    kept = prefix.encode()[: NAME_MAX - 12].decode(errors="ignore")
    if not name.startswith(kept) or not SUFFIX.fullmatch(name[len(kept) :]):
        return f"name {name!r} does not come from generateName {prefix!r}"
    return None


def check_secrets(ours, theirs):
    secrets = {secret["metadata"]["name"]: secret for secret in theirs["secrets"]}
    key = secrets.pop(ours["api_key_secret"], None)
    if bool(key) != bool(ours["api_key_secret"]):
        return f"Secret for the API key: {ours['api_key_secret']!r}"
    if key and base64.b64decode(key["data"]["value"]).decode() != ours["api_key_value"]:
        return "another API key"
    if bool(secrets) != bool(ours["env_secret"]):
        return f"Secret for the environment: theirs {list(secrets)}"
    if not secrets:
        return None
    (their,) = secrets.values()
    own = ours["env_secret"]
    base = their["metadata"]["name"][:-8]
    if not own["metadata"]["name"].startswith(base) and len(base) <= NAME_MAX - 12:
        return f"Secret {own['metadata']['name']!r} against {their['metadata']['name']!r}"
    for result, secret in ((ours, own), (theirs, their)):
        rename(result["manifest"], secret["metadata"]["name"])
        secret["metadata"]["name"] = "env"
    return first_difference(own, their, "secret")


def rename(manifest, name, other="env"):
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    for source in container.get("envFrom", []):
        if isinstance(source, dict) and source.get("secretRef", {}).get("name") == name:
            source["secretRef"]["name"] = other


def bounded(value):
    return max(INT64[0], min(INT64[1], value))


def check_fields(ours, theirs):
    timeout = theirs["job_timeout"]
    pairs = {
        "namespace": (ours["namespace"], theirs["namespace"]),
        "job_timeout": (
            ours["job_timeout"],
            -1 if timeout is None or timeout < 0 else bounded(timeout),
        ),
        "pod_timeout": (ours["pod_timeout"], bounded(theirs["pod_timeout"])),
        "stream_output": (ours["stream_output"], theirs["stream_output"]),
    }
    for name, (own, their) in pairs.items():
        if own != their:
            return f"{name}: ours {own!r}, theirs {their!r}"
    own, their = ours["cluster_config"], theirs["cluster_config"]
    if own:
        own = {"config": own["config"], "context_name": own["context_name"]}
    return first_difference(own, their, "cluster_config")


def first_difference(own, their, path):
    if isinstance(own, dict) and isinstance(their, dict):
        for key in [*their, *(key for key in own if key not in their)]:
            if key not in own or key not in their:
                whose, value = ("theirs", their[key]) if key in their else ("ours", own[key])
                return f"{path}.{key}: only {whose}: {json.dumps(value)[:300]}"
            found = first_difference(own[key], their[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(own, list) and isinstance(their, list) and len(own) == len(their):
        pairs = enumerate(zip(own, their, strict=True))
        found = (first_difference(a, b, f"{path}[{i}]") for i, (a, b) in pairs)
        return next(filter(None, found), None)
    if type(own) is not type(their) or own != their:
        return f"{path}: ours {json.dumps(own)[:300]}, theirs {json.dumps(their)[:300]}"
    return None
