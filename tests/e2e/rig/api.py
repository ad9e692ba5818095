# SPDX-License-Identifier: Apache-2.0
"""Prefect's REST API, as far as the tests use it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from .wait import until

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
BUSY = 503  # SQLite is locked: the server asks to come again


class ApiError(AssertionError):
    def __init__(self, method: str, url: str, status: int, body: str):
        super().__init__(f"{method} {url}: {status} {body[:2000]}")
        self.status = status


class Api:
    def __init__(self, url: str):
        self.url = url

    def call(self, method: str, path: str, body: Any = None, timeout: float = 30) -> Any:
        """The decoded reply, or None if it is empty. Busy is waited for, other errors are raised."""
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + timeout
        while True:
            request = urllib.request.Request(self.url + path, data, method=method)
            request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=timeout) as reply:
                    text = reply.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code != BUSY or time.monotonic() > deadline:
                    raise ApiError(
                        method, path, error.code, error.read().decode(errors="replace")
                    ) from None
            time.sleep(0.5)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def pool(self, name: str, template: dict, **fields: Any) -> dict:
        body = {"name": name, "type": "kubernetes", "base_job_template": template, **fields}
        return self.post("/work_pools/", body)

    def deployment(self, pool: str, name: str, entrypoint: str, **fields: Any) -> dict:
        """A deployment whose flow lies in the node's folder of flows."""
        flow = self.post("/flows/", {"name": entrypoint.rpartition(":")[2]})
        step = {"prefect.deployments.steps.set_working_directory": {"directory": "/flows"}}
        body = {
            "name": name,
            "flow_id": flow["id"],
            "work_pool_name": pool,
            "entrypoint": entrypoint,
            "path": "/flows",
            "pull_steps": [step],
            "enforce_parameter_schema": False,
            **fields,
        }
        return self.post("/deployments/", body)

    def run(self, deployment: dict, **fields: Any) -> dict:
        """A flow run that is due now."""
        body = {"state": {"type": "SCHEDULED"}, **fields}
        return self.post(f"/deployments/{deployment['id']}/create_flow_run", body)

    def flow_run(self, run_id: str) -> dict:
        return self.get(f"/flow_runs/{run_id}")

    def states(self, run_id: str) -> list[dict]:
        return self.get(f"/flow_run_states/?flow_run_id={run_id}")

    def logs(self, run_id: str) -> list[dict]:
        query = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        return self.post("/logs/filter", query)

    def wait_log(self, run_id: str, words: str, seconds: float = 30) -> dict:
        """The first of the run's log entries that contains WORDS; logs come some seconds late."""

        def found() -> dict | None:
            return next((entry for entry in self.logs(run_id) if words in entry["message"]), None)

        def seen() -> str:
            return "\n".join(f"{entry['name']}: {entry['message']}" for entry in self.logs(run_id))

        return until(f"{words!r} in the logs of {run_id}", found, seconds, seen)

    def events(self, resource_id: str | None = None, name_prefix: str = "prefect.") -> list[dict]:
        """Events about the resource, or related to it, oldest first."""
        filters: dict = {"event": {"prefix": [name_prefix]}, "order": "ASC"}
        if resource_id:
            filters["any_resource"] = {"id": [resource_id]}
        return self.post("/events/filter", {"filter": filters, "limit": 50})["events"]

    def wait_event(self, run_id: str, names: set[str], seconds: float = 60) -> dict:
        """The first event of one of the NAMES that is about the run or related to it."""

        def found() -> dict | None:
            events = self.events(f"prefect.flow-run.{run_id}")
            return next((event for event in events if event["event"] in names), None)

        return until(f"an event {' or '.join(sorted(names))} for {run_id}", found, seconds)

    def wait_pool(self, name: str, seconds: float = 60) -> dict:
        """The work pool once it exists and has a base job template."""

        def found() -> dict | None:
            pools = self.post("/work_pools/filter", {"work_pools": {"name": {"any_": [name]}}})
            return next((pool for pool in pools if pool["base_job_template"]), None)

        return until(f"work pool {name} with a template", found, seconds)

    def history(self, run_id: str) -> str:
        """What there is to know about a run, for the message of a failed test."""
        states = [f"{s['type']}/{s['name']}: {s['message']}" for s in self.states(run_id)]
        logs = [f"{entry['name']}: {entry['message']}" for entry in self.logs(run_id)]
        return "states:\n  {}\nlogs:\n  {}\n".format("\n  ".join(states), "\n  ".join(logs))

    def wait_final(self, run_id: str, want: str, seconds: float = 120, context=str) -> dict:
        """The run once it has ended, which must be in a state of the type WANT."""

        def ended() -> dict | None:
            run = self.flow_run(run_id)
            return run if run["state_type"] in FINAL else None

        def told() -> str:
            return self.history(run_id) + context()

        run = until(f"flow run {run_id} ends", ended, seconds, told)
        assert run["state_type"] == want, f"the run ended {run['state_type']}, not {want}\n{told()}"
        return run
