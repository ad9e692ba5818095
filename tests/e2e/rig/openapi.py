# SPDX-License-Identifier: Apache-2.0
"""Holds requests against a server's own OpenAPI document."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

# WebSockets, which OpenAPI can't describe.
SOCKETS = re.compile(r"/(events/(in|out)|work_pools/[^/]+/workers/connect)$")


class Document:
    def __init__(self, document: dict):
        self.document = document
        self.routes = [
            (re.compile(self.pattern(path)), path, methods)
            for path, methods in sorted(document["paths"].items(), key=lambda item: "{" in item[0])
        ]

    @staticmethod
    def pattern(path: str) -> str:
        pieces = re.split(r"\{[^}]*\}", path)
        return "[^/]+".join(re.escape(piece) for piece in pieces) + "$"

    def faults(self, method: str, path: str, query: str, body: Any) -> list[str]:
        """What the document has against the request; nothing if it is as described."""
        if SOCKETS.search(path):
            return []
        for pattern, route, methods in self.routes:
            if pattern.match(path) and method.lower() in methods:
                return [
                    f"{method} {route}: {fault}"
                    for fault in self.operation_faults(methods[method.lower()], query, body)
                ]
        return [f"{method} {path}: no such route"]

    def operation_faults(self, operation: dict, query: str, body: Any) -> list[str]:
        faults = []
        known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
        given = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        faults += [f"query parameter {name} is unknown" for name in given if name not in known]
        faults += [
            f"query parameter {name} is missing"
            for name, parameter in known.items()
            if parameter.get("required") and name not in given
        ]
        wanted = operation.get("requestBody")
        if wanted is None:
            return faults + (["a body, but none is described"] if body is not None else [])
        if body is None:
            return faults + (["no body, but one is required"] if wanted.get("required") else [])
        schema = wanted["content"]["application/json"]["schema"]
        validator = Draft202012Validator(
            {**schema, "components": self.document["components"]}, format_checker=FormatChecker()
        )
        return faults + [
            f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)
        ]
