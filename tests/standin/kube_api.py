# SPDX-License-Identifier: Apache-2.0
"""The routes of the Kubernetes API that a worker uses."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from .kube_access import PUBLIC, Access, Ask
from .kube_logs import Logs
from .kube_schema import WrongType, decode
from .kube_selector import BadSelector, Match, field_selector, label_selector
from .kube_store import CLUSTER_SCOPED, KINDS, Object, Store, StoreError, copy, stamp
from .kube_validate import check_job, check_metadata, default_job, random_suffix
from .kube_watch import Streams
from .message import Request, Response, json_reply, text_reply

PATH = re.compile(
    r"/(?:api/v1|apis/batch/v1)(?:/namespaces/(?P<ns>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[a-z]+))?)?"
)
MAX_BODY = 3 * 1024 * 1024
PATCHES = {"application/merge-patch+json", "application/strategic-merge-patch+json"}
ORPHANED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
    "them or set propagationPolicy=Orphan to suppress this warning"
)


def failure(error: StoreError) -> Response:
    details = {k: v for k, v in error.details.items() if v}
    body: dict[str, Any] = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": error.message, "reason": error.reason, "code": error.code,
    }  # fmt: skip
    if details:
        body["details"] = details
    headers = {"Retry-After": "1"} if error.code == 429 else {}
    return json_reply(body, error.code, **headers)


class KubeApi:
    def __init__(self, store: Store, access: Access, streams: Streams, logs: Logs) -> None:
        self.store, self.access, self.streams, self.logs = store, access, streams, logs
        self.streaming_lists = True
        self.git_version = "v1.34.4"
        self.page_limit: int | None = None  # a smaller page than was asked for
        self.delete_job: Callable[[str, str, str], Object | None] = self._delete_plainly
        self.delete_pod: Callable[[str, str, int], Object | None] = self._delete_pod_plainly

    def handle(self, request: Request) -> Response:
        try:
            response = self.route(request)
        except StoreError as error:
            response = failure(error)
        except WrongType as error:
            response = failure(StoreError(400, "BadRequest", str(error)))
        except BadSelector as error:
            response = failure(StoreError(400, "BadRequest", str(error)))
        response.headers.setdefault("Audit-Id", str(uuid.uuid4()))
        response.headers.setdefault("Cache-Control", "no-cache, private")
        return response

    def route(self, request: Request) -> Response:
        user = self.access.identify(request)
        path = request.path
        if path in PUBLIC:
            return self.public(path)
        if (
            path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            and request.method == "POST"
        ):
            body = self.body(request)
            status = self.access.review(body)
            return json_reply(
                {**body, "metadata": {"creationTimestamp": None}, "status": status}, 201
            )
        if path in DISCOVERY:
            return json_reply(DISCOVERY[path])
        found = PATH.fullmatch(path)
        if (
            not found
            or found["resource"] not in KINDS
            or not self.right_group(path, found["resource"])
        ):
            raise StoreError(404, "NotFound", "the server could not find the requested resource")
        namespace, resource, name, sub = found["ns"], found["resource"], found["name"], found["sub"]
        if (resource in CLUSTER_SCOPED) == bool(namespace):
            if resource in CLUSTER_SCOPED or name or request.method != "GET":
                raise StoreError(
                    404, "NotFound", "the server could not find the requested resource"
                )
        return self.resource(request, user, Ask("", resource, namespace, name or "", sub or ""))

    @staticmethod
    def right_group(path: str, resource: str) -> bool:
        return path.startswith("/apis/batch/v1/") == (resource == "jobs")

    def public(self, path: str) -> Response:
        if path != "/version":
            return text_reply("ok")
        major, minor = self.git_version.lstrip("v").split(".")[:2]
        return json_reply({
            "major": major, "minor": minor, "gitVersion": self.git_version, "gitCommit": "0" * 40,
            "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24.0",
            "compiler": "gc", "platform": "linux/amd64",
        })  # fmt: skip

    def resource(self, request: Request, user: str, ask: Ask) -> Response:
        watch = request.flag("watch")
        verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
        verb = verbs.get(request.method) or ("get" if ask.name else "watch" if watch else "list")
        ask = Ask(verb, ask.resource, ask.namespace, ask.name, ask.subresource)
        self.access.check(user, ask)
        if ask.subresource:
            if (ask.resource, ask.subresource, verb) != ("pods", "log", "get"):
                raise StoreError(
                    404, "NotFound", "the server could not find the requested resource"
                )
            return self.logs.serve(request, ask.namespace or "", ask.name)
        if bool(ask.name) == (verb in ("create", "list", "watch")):
            raise StoreError(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            )
        acts = {
            "get": self.get, "list": self.list, "watch": self.watch, "create": self.create,
            "update": self.replace, "patch": self.patch, "delete": self.delete,
        }  # fmt: skip
        return acts[verb](request, ask)

    def body(self, request: Request, kinds: set[str] | None = None) -> Any:
        kind = (request.header("Content-Type") or "application/json").split(";")[0].strip()
        accepted = kinds or {"application/json"}
        if kind not in accepted:
            raise StoreError(
                415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                + ", ".join(sorted(accepted)),
            )  # fmt: skip
        if len(request.body) > MAX_BODY:
            message = f"Request entity too large: limit is {MAX_BODY}"
            raise StoreError(413, "RequestEntityTooLarge", message)
        try:
            return json.loads(request.body)
        except ValueError as error:
            raise StoreError(
                400, "BadRequest", f"the object provided is unrecognized: {error}"
            ) from None

    def selection(self, request: Request, resource: str) -> Match:
        labels = label_selector(request.query.get("labelSelector", ""))
        fields = field_selector(request.query.get("fieldSelector", ""), resource)
        return lambda o: labels(o["metadata"].get("labels") or {}) and fields(o)

    def get(self, request: Request, ask: Ask) -> Response:
        return json_reply(self.store.get(ask.resource, ask.namespace or "", ask.name))

    def list(self, request: Request, ask: Ask) -> Response:
        query = request.query
        match = self.selection(request, ask.resource)
        version, items = self.store.snapshot(ask.resource, ask.namespace)
        if query.get("continue"):
            version, after = self.read_token(query["continue"])
            items = [o for o in items if self.place(o) > after]
        items = [o for o in items if match(o)]
        limit = int(query.get("limit") or 0)
        if self.page_limit is not None:
            limit = min(limit or self.page_limit, self.page_limit)
        api, kind = KINDS[ask.resource]
        meta: dict[str, Any] = {"resourceVersion": str(version)}
        if limit and len(items) > limit:
            items = items[:limit]
            token = json.dumps({"rv": version, "after": self.place(items[-1])})
            meta["continue"] = base64.urlsafe_b64encode(token.encode()).decode()
        for item in items:  # as in real lists, elements carry no kind of their own
            item.pop("kind", None), item.pop("apiVersion", None)
        return json_reply(
            {"kind": kind + "List", "apiVersion": api, "metadata": meta, "items": items}
        )

    @staticmethod
    def place(item: Object) -> list[str]:
        return [item["metadata"].get("namespace", ""), item["metadata"]["name"]]

    def read_token(self, text: str) -> tuple[int, list[str]]:
        try:
            token = json.loads(base64.urlsafe_b64decode(text))
        except ValueError:
            raise StoreError(400, "BadRequest", f"continue key is not valid: {text}") from None
        if token["rv"] < self.store.oldest:
            raise StoreError(
                410,
                "Expired",
                "The provided continue parameter is too old to display a consistent list result.",
            )
        return token["rv"], token["after"]

    def watch(self, request: Request, ask: Ask) -> Response:
        query = request.query
        match = self.selection(request, ask.resource)
        initial = query.get("sendInitialEvents")
        if initial is not None:
            self.check_initial(query)
        given = query.get("resourceVersion") or ""
        if given and not given.isdigit():
            raise StoreError(400, "BadRequest", f"invalid resource version: {given}")
        version = int(given) if given not in ("", "0") else None
        stream = self.streams.open(
            request, ask.resource, ask.namespace, match, version, request.flag("sendInitialEvents")
        )
        return Response(200, b"", {"Content-Type": "application/json"}, stream=stream)

    def check_initial(self, query: dict[str, str]) -> None:
        reason = None
        if not self.streaming_lists:
            reason = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        elif query.get("resourceVersionMatch") != "NotOlderThan":
            reason = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        if reason:
            raise StoreError(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {reason}')

    def create(self, request: Request, ask: Ask) -> Response:
        namespace = ask.namespace or ""
        value = self.body(request)
        made, warnings = self.accept(request, ask, value)
        if namespace and not self.store.objects["namespaces"].get(("", namespace)):
            raise StoreError(
                404,
                "NotFound",
                f'namespaces "{namespace}" not found',
                name=namespace,
                kind="namespaces",
            )
        if request.query.get("dryRun") != "All":
            made = self.store.create(ask.resource, namespace, made)
        return Response(
            201, json_reply(made).body, {"Content-Type": "application/json"}, warnings=warnings
        )

    def accept(self, request: Request, ask: Ask, value: Any) -> tuple[Object, list[str]]:
        """Decodes, names, validates and completes what is to be created."""
        api, kind = KINDS[ask.resource]
        if isinstance(value, dict) and (value.get("kind", kind), value.get("apiVersion", api)) != (
            kind,
            api,
        ):
            message = f'no kind "{value.get("kind")}" is registered for version "{value.get("apiVersion")}"'
            raise StoreError(400, "BadRequest", message)
        made, warnings = decode(kind, value) if kind in ("Job", "Secret") else (value, [])
        if warnings and request.query.get("fieldValidation") == "Strict":
            raise StoreError(400, "BadRequest", "strict decoding error: " + ", ".join(warnings))
        meta = made.setdefault("metadata", {})
        if ask.namespace and meta.get("namespace") not in (None, "", ask.namespace):
            raise StoreError(
                400, "BadRequest",
                f"the namespace of the provided object does not match the namespace sent on the request ({meta['namespace']} vs {ask.namespace})",
            )  # fmt: skip
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            if meta.pop(key, None) and key == "resourceVersion":
                raise StoreError(
                    400, "BadRequest", "resourceVersion should not be set on objects to be created"
                )
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"][:58] + random_suffix()
        self.validate(kind, made)
        meta.update(uid=str(uuid.uuid4()), creationTimestamp=stamp(), namespace=ask.namespace)
        if kind == "Job":
            default_job(made)
        elif kind == "Secret":
            self.complete_secret(made)
        return made, warnings

    @staticmethod
    def validate(kind: str, made: Object) -> None:
        causes = check_job(made) if kind == "Job" else list(check_metadata(made["metadata"]))
        if not causes:
            return
        texts = [f"{field}: {text}" for field, text in causes]
        name = made["metadata"].get("name", "")
        subject = f'{"Job.batch" if kind == "Job" else kind} "{name}" is invalid: '
        message = subject + (texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]")
        raise StoreError(422, "Invalid", message, name=name, kind=kind,
                         causes=[{"field": f, "message": t} for f, t in causes])  # fmt: skip

    @staticmethod
    def complete_secret(made: Object) -> None:
        for key, text in (made.pop("stringData", None) or {}).items():
            made.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
        made.setdefault("type", "Opaque")

    def replace(self, request: Request, ask: Ask) -> Response:
        value = self.body(request)
        if ask.resource != "secrets":
            raise StoreError(405, "MethodNotAllowed", "only secrets can be replaced here")
        made, warnings = decode("Secret", value)
        self.complete_secret(made)
        self.validate("Secret", made)
        sent = made.get("metadata", {}).get("resourceVersion")

        def change(old: Object) -> None:
            if sent and sent != old["metadata"]["resourceVersion"]:
                message = f'Operation cannot be fulfilled on secrets "{ask.name}": the object has been modified'
                raise StoreError(409, "Conflict", message, name=ask.name, kind="secrets")
            kept = {
                k: old["metadata"][k]
                for k in ("uid", "creationTimestamp", "resourceVersion", "namespace")
            }
            old.update(made, metadata={**made["metadata"], **kept})

        self.store.get("secrets", ask.namespace or "", ask.name)
        after = self.store.update("secrets", ask.namespace or "", ask.name, change)
        return Response(
            200, json_reply(after).body, {"Content-Type": "application/json"}, warnings=warnings
        )

    def patch(self, request: Request, ask: Ask) -> Response:
        value = self.body(request, PATCHES)
        strategic = "strategic" in (request.header("Content-Type") or "")
        self.store.get(ask.resource, ask.namespace or "", ask.name)
        after = self.store.update(
            ask.resource, ask.namespace or "", ask.name, lambda o: merge(o, copy(value), strategic)
        )
        return json_reply(after)

    def delete(self, request: Request, ask: Ask) -> Response:
        """Options come in the query or in a body; `uid` there is preconditions.uid here."""
        namespace, body = ask.namespace or "", self.body(request) if request.body else {}
        options = {**request.query, **body}
        before = self.store.get(ask.resource, namespace, ask.name)
        wanted = (body.get("preconditions") or {}).get("uid") or request.query.get("uid")
        if wanted and wanted != before["metadata"]["uid"]:
            message = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {before['metadata']['uid']}"
            raise StoreError(409, "Conflict", message)
        warnings = []
        if ask.resource == "jobs":
            policy = options.get("propagationPolicy", "")
            if policy not in ("", "Foreground", "Background", "Orphan"):
                raise StoreError(
                    422,
                    "Invalid",
                    f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "{policy}"',
                )
            warnings = [] if policy else [ORPHANED]
            left = self.delete_job(namespace, ask.name, policy or "Orphan")
        elif ask.resource == "pods":
            left = self.delete_pod(namespace, ask.name, int(options.get("gracePeriodSeconds", 30)))
        else:
            left = self.store.delete(ask.resource, namespace, ask.name) and None
        uid = before["metadata"]["uid"]
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": {"name": ask.name, "kind": ask.resource, "uid": uid}}  # fmt: skip
        return Response(
            200,
            json_reply(left or done).body,
            {"Content-Type": "application/json"},
            warnings=warnings,
        )

    def _delete_plainly(self, namespace: str, name: str, policy: str) -> Object | None:
        self.store.delete("jobs", namespace, name)
        return None

    def _delete_pod_plainly(self, namespace: str, name: str, grace_s: int) -> Object | None:
        return self.store.delete("pods", namespace, name)


def merge(into: Any, patch: Any, strategic: bool) -> None:
    """JSON merge patch; strategic adds that ownerReferences merge by uid and finalizers add up."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value, strategic)
        elif strategic and key == "ownerReferences":
            fresh = {r["uid"]: r for r in [*into.get(key, []), *value]}
            into[key] = list(fresh.values())
        elif strategic and key == "finalizers":
            into[key] = list(dict.fromkeys([*into.get(key, []), *value]))
        else:
            into[key] = value


VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def describe(group: str, kinds: list[str]) -> dict[str, Any]:
    """The resource list of one group, for clients that discover before they ask."""
    rows = [
        {"name": n, "singularName": KINDS[n][1].lower(), "namespaced": n not in CLUSTER_SCOPED,
         "kind": KINDS[n][1], "verbs": VERBS}
        for n in kinds
    ]  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": rows}


BATCH = {"groupVersion": "batch/v1", "version": "v1"}
DISCOVERY: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": describe("v1", [k for k in KINDS if k != "jobs"]),
    "/apis": {
        "kind": "APIGroupList", "apiVersion": "v1",
        "groups": [{"name": "batch", "versions": [BATCH], "preferredVersion": BATCH}],
    },
    "/apis/batch/v1": describe("batch/v1", ["jobs"]),
}  # fmt: skip
