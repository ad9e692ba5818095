# SPDX-License-Identifier: Apache-2.0
"""Who asks (bearer token or client certificate), and what they may do (401, 403)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .kube_store import StoreError
from .message import Request

PUBLIC = {"/version", "/readyz", "/healthz", "/livez"}
ANONYMOUS = "system:anonymous"
WORKER = "system:serviceaccount:default:prefect-worker"


@dataclass(frozen=True)
class Ask:
    verb: str
    resource: str
    namespace: str | None
    name: str = ""
    subresource: str = ""

    @property
    def group(self) -> str:
        return "batch" if self.resource == "jobs" else ""

    @property
    def target(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Access:
    """`tokens` maps accepted bearer tokens to users; `open` lets everybody in."""

    def __init__(self, tokens: dict[str, str] | None = None) -> None:
        self.tokens = {"standin-token": WORKER} if tokens is None else tokens
        self.open = False
        self.denied: list[
            tuple[str, str, str]
        ] = []  # verb, resource[/subresource], namespace; "*" any
        self.namespaces: set[str] | None = None  # a namespaced Role only: nothing at cluster scope

    def deny(self, verb: str, resource: str, namespace: str = "*") -> None:
        self.denied.append((verb, resource, namespace))

    def identify(self, request: Request) -> str:
        authorization = request.header("Authorization")
        if authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() == "bearer" and token in self.tokens:
                return self.tokens[token]
            raise StoreError(401, "Unauthorized", "Unauthorized")
        for field in (request.peer or {}).get("subject", ()):
            for key, value in field:
                if key == "commonName":
                    return value
        return ANONYMOUS

    def allows(self, ask: Ask) -> bool:
        for verb, target, namespace in self.denied:
            if (
                verb in ("*", ask.verb)
                and target in ("*", ask.target)
                and namespace in ("*", ask.namespace)
            ):
                return False
        if self.namespaces is not None:
            return ask.namespace in self.namespaces
        return True

    def check(self, user: str, ask: Ask) -> None:
        if self.open or (user != ANONYMOUS and self.allows(ask)):
            return
        subject = "jobs.batch" if ask.resource == "jobs" else ask.resource
        if ask.name:
            subject += f' "{ask.name}"'
        scope = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
        raise StoreError(
            403, "Forbidden",
            f'{subject} is forbidden: User "{user}" cannot {ask.verb} resource "{ask.target}" '
            f'in API group "{ask.group}" {scope}',
            name=ask.name, kind=ask.resource,
        )  # fmt: skip

    def review(self, body: dict[str, Any]) -> dict[str, Any]:
        """The status of a SelfSubjectAccessReview."""
        asked = body.get("spec", {}).get("resourceAttributes") or {}
        ask = Ask(
            asked.get("verb", ""), asked.get("resource", ""), asked.get("namespace") or None,
            asked.get("name", ""), asked.get("subresource", ""),
        )  # fmt: skip
        if asked.get("group", "") != ask.group:
            return {"allowed": False, "reason": "no such resource in that group"}
        return {"allowed": True} if self.open or self.allows(ask) else {"allowed": False}
