# SPDX-License-Identifier: Apache-2.0
"""Holds requests against a server's own OpenAPI document."""

from __future__ import annotations

import datetime
import json
import re
import urllib.parse
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

# WebSockets, which OpenAPI can't describe.
SOCKETS = re.compile(r"/(events/(in|out)|work_pools/[^/]+/workers/connect)$")
FORMATS = FormatChecker(("uuid", "date", "ipv4", "ipv6", "regex"))


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value: Any) -> bool:
    """As the servers read it: also with a space for the T, as the Python worker writes it."""
    return not isinstance(value, str) or datetime.datetime.fromisoformat(value).tzinfo is not None


def nullable(schema: Any) -> Any:
    """The schema with null allowed for what an object may also leave out."""
    if isinstance(schema, list):
        return [nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return optional_null({key: nullable(value) for key, value in schema.items()})


def optional_null(schema: dict) -> dict:
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return schema
    made = {
        name: value if name in required else {"anyOf": [value, {"type": "null"}]}
        for name, value in properties.items()
    }
    return {**schema, "properties": made}


class Document:
    def __init__(self, document: dict):
        # The older generation's document doesn't say which optional fields take null.
        says = '"null"' in json.dumps(document["components"])
        self.document = document if says else nullable(document)
        # Where several arguments make up a body, null is to the servers what is left out.
        schemas = self.document["components"]["schemas"]
        for name in [name for name in schemas if name.startswith("Body_")]:
            schemas[name] = optional_null(schemas[name])
        self.routes = [
            (re.compile(self.pattern(path)), path, methods)
            for path, methods in sorted(document["paths"].items(), key=lambda item: "{" in item[0])
        ]

    @staticmethod
    def pattern(path: str) -> str:
        # The newer generation's document names paths without the prefix of the API.
        pieces = re.split(r"\{[^}]*\}", path.removeprefix("/api"))
        return "[^/]+".join(re.escape(piece) for piece in pieces) + "$"

    def route(self, method: str, path: str) -> str | None:
        """The path of the document that serves such a request."""
        path = path.removeprefix("/api")
        for pattern, route, methods in self.routes:
            if pattern.match(path) and method.lower() in methods:
                return route
        return None

    def faults(self, method: str, path: str, query: str, body: Any) -> set[str]:
        """What the document has against the request; nothing if it is as described."""
        if SOCKETS.search(path):
            return set()
        route = self.route(method, path)
        if route is None:
            return {f"{method} {path}: no such route"}
        operation = self.document["paths"][route][method.lower()]
        return {
            f"{method} {route}: {fault}" for fault in self.operation_faults(operation, query, body)
        }

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
            {**schema, "components": self.document["components"]}, format_checker=FORMATS
        )
        return faults + [
            f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)
        ]
