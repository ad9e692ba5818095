# SPDX-License-Identifier: Apache-2.0
"""What the stand-in Prefect server knows: pools, queues, flows, deployments, runs, states, logs, events."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from .prefect_shapes import parse_time

Object = dict[str, Any]
DETAILS = (
    "flow_run_id", "task_run_id", "child_flow_run_id", "scheduled_time", "cache_key", "cache_expiration", "deferred",
    "untrackable_result", "pause_timeout", "pause_reschedule", "pause_key", "run_input_keyset", "refresh_cache",
    "retriable", "transition_id", "task_parameters_id", "traceparent", "deployment_concurrency_lease_id",
)  # fmt: skip
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


class NotFound(Exception):
    """HTTP 404 with this sentence."""


class Conflict(Exception):
    """HTTP 409."""


def moment(at: datetime | None = None) -> str:
    at = at or datetime.now(UTC)
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{at.microsecond:06d}Z" if at.microsecond else "Z")


def new_id() -> str:
    return str(uuid.uuid4())


def details(**known: Any) -> Object:
    made: Object = dict.fromkeys(DETAILS)
    made.update(deferred=False, untrackable_result=False, pause_reschedule=False)
    made.update(known)
    return made


class PrefectStore:
    """All methods are called under `lock` by the routes, or by a test through the Python API."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pools: dict[str, Object] = {}
        self.queues: dict[str, Object] = {}
        self.flows: dict[str, Object] = {}
        self.deployments: dict[str, Object] = {}
        self.runs: dict[str, Object] = {}
        self.states: dict[str, list[Object]] = {}
        self.run_labels: dict[str, Object] = {}
        self.variables: dict[str, Object] = {}
        self.blocks: dict[tuple[str, str], Object] = {}
        self.heartbeats: dict[tuple[str, str], list[float]] = {}
        self.events: list[Object] = []
        self.logs: list[Object] = []
        self.concurrency: dict[str, int] = {}

    def add_pool(
        self,
        name: str,
        type: str = "kubernetes",
        template: Object | None = None,
        paused: bool = False,
    ) -> Object:
        if name in self.pools:
            raise Conflict("A work pool with this name already exists.")
        now, pool_id = moment(), new_id()
        pool = {
            "id": pool_id, "created": now, "updated": now, "name": name, "description": None, "type": type,
            "base_job_template": template or {}, "is_paused": paused, "concurrency_limit": None, "status": "NOT_READY",
            "default_queue_id": None, "storage_configuration": {
                "bundle_upload_step": None, "bundle_execution_step": None, "default_result_storage_block_id": None},
            "active_slots": None,
        }  # fmt: skip
        self.pools[name] = pool
        pool["default_queue_id"] = self.add_queue(name, "default")["id"]
        return pool

    def add_queue(self, pool: str, name: str, paused: bool = False, priority: int = 1) -> Object:
        now, queue_id = moment(), new_id()
        queue = {
            "id": queue_id, "created": now, "updated": now, "name": name, "description": "", "is_paused": paused,
            "concurrency_limit": None, "priority": priority, "work_pool_id": self.pools[pool]["id"], "filter": None,
            "last_polled": None, "work_pool_name": pool, "status": "NOT_READY", "active_slots": None,
        }  # fmt: skip
        self.queues[queue_id] = queue
        return queue

    def queue(self, pool: str, name: str) -> Object:
        found = [
            q for q in self.queues.values() if (q["work_pool_name"], q["name"]) == (pool, name)
        ]
        if not found:
            raise NotFound(f"Work pool queue '{pool}/{name}' not found.")
        return found[0]

    def pool(self, name: str) -> Object:
        if name not in self.pools:
            raise NotFound(f'Work pool "{name}" not found.')
        return self.pools[name]

    def add_flow(self, name: str, tags: list[str] | None = None) -> Object:
        for flow in self.flows.values():
            if flow["name"] == name:
                return flow
        now = moment()
        flow = {
            "id": new_id(),
            "created": now,
            "updated": now,
            "name": name,
            "tags": tags or [],
            "labels": {},
        }
        self.flows[flow["id"]] = flow
        return flow

    def add_deployment(
        self, name: str, flow: str, pool: str, queue: str = "default", **more: Any
    ) -> Object:
        """`flow` is a flow's name; `more` are fields of the deployment."""
        flow_id, now = self.add_flow(flow)["id"], moment()
        deployment = {
            "id": new_id(), "created": now, "updated": now, "name": name, "version": None, "description": None,
            "flow_id": flow_id, "paused": False, "schedules": [], "concurrency_limit": None,
            "global_concurrency_limit": None, "concurrency_options": None, "job_variables": {}, "parameters": {},
            "tags": [], "labels": {"prefect.flow.id": flow_id}, "work_queue_name": queue,
            "work_queue_id": self.queue(pool, queue)["id"], "last_polled": None, "parameter_openapi_schema": {},
            "path": None, "pull_steps": [], "entrypoint": None, "storage_document_id": None,
            "infrastructure_document_id": None, "created_by": None, "updated_by": None, "work_pool_name": pool,
            "status": "NOT_READY", "enforce_parameter_schema": True, **more,
        }  # fmt: skip
        self.deployments[deployment["id"]] = deployment
        return deployment

    def add_run(
        self, deployment: Object, name: str | None = None, in_seconds: float = 0, **more: Any
    ) -> Object:
        """A scheduled run of the deployment; `in_seconds` from now."""
        run_id, now = new_id(), datetime.now(UTC)
        due = moment(now + timedelta(seconds=in_seconds))
        run = {
            "id": run_id, "created": moment(now), "updated": moment(now), "name": name or f"run-{run_id[:8]}",
            "flow_id": deployment["flow_id"], "state_id": None, "deployment_id": deployment["id"],
            "deployment_version": None, "work_queue_id": deployment["work_queue_id"],
            "work_queue_name": deployment["work_queue_name"], "flow_version": None, "parameters": {},
            "idempotency_key": None, "context": {}, "empirical_policy": {
                "max_retries": 0, "retry_delay_seconds": 0.0, "retries": None, "retry_delay": None, "pause_keys": [],
                "resuming": False, "retry_type": None},
            "tags": list(deployment["tags"]), "labels": {
                "prefect.flow.id": deployment["flow_id"], "prefect.deployment.id": deployment["id"]},
            "parent_task_run_id": None, "state_type": None, "state_name": None, "run_count": 0,
            "expected_start_time": due, "next_scheduled_start_time": due, "start_time": None, "end_time": None,
            "total_run_time": 0.0, "estimated_run_time": 0.0, "estimated_start_time_delta": 0.0, "auto_scheduled": False,
            "infrastructure_document_id": None, "infrastructure_pid": None, "created_by": None,
            "work_pool_id": self.pool(deployment["work_pool_name"])["id"],
            "work_pool_name": deployment["work_pool_name"], "state": None, "job_variables": {}, **more,
        }  # fmt: skip
        with self.lock:
            self.runs[run_id] = run
            self.states[run_id] = []
            self.put_state(run_id, "SCHEDULED", "Scheduled", scheduled_time=due)
        return run

    def put_state(
        self,
        run_id: str,
        type: str,
        name: str,
        message: str | None = None,
        data: Any = None,
        **known: Any,
    ) -> Object:
        """Makes this the run's state, without any rule."""
        now = datetime.now(UTC)
        state = {
            "id": new_id(), "type": type, "name": name, "timestamp": moment(now), "message": message, "data": data,
            "state_details": details(flow_run_id=run_id, **known),
        }  # fmt: skip
        with self.lock:
            run = self.runs[run_id]
            self.states[run_id].append(state)
            run.update(
                state=state,
                state_id=state["id"],
                state_type=type,
                state_name=name,
                updated=moment(now),
            )
            run["next_scheduled_start_time"] = (
                known.get("scheduled_time") if type == "SCHEDULED" else None
            )
            if type == "RUNNING":
                run["run_count"] += 1
                run["start_time"] = run["start_time"] or moment(now)
            run["end_time"] = moment(now) if type in FINAL else None
        return state

    def run(self, run_id: str) -> Object:
        if run_id not in self.runs:
            raise NotFound("Flow run not found")
        return self.runs[run_id]

    def due_runs(self, pool: str, queues: list[str], before: datetime, limit: int) -> list[Object]:
        """As the server: paused pools and queues give nothing, the earliest come first."""
        pool_object = self.pool(pool)
        chosen = [self.queue(pool, name) for name in queues] or [
            q for q in self.queues.values() if q["work_pool_name"] == pool
        ]
        if pool_object["is_paused"]:
            return []
        open_ids = {q["id"] for q in chosen if not q["is_paused"]}
        due = [
            r
            for r in self.runs.values()
            if r["work_queue_id"] in open_ids
            and r["state_type"] == "SCHEDULED"
            and r["next_scheduled_start_time"]
            and parse_time(r["next_scheduled_start_time"]) <= before
        ]
        due.sort(key=lambda r: (r["next_scheduled_start_time"], r["id"]))
        return [
            {"work_pool_id": pool_object["id"], "work_queue_id": r["work_queue_id"],
             "flow_run": {**r, "state": None, "work_queue_name": None}}
            for r in due[:limit]
        ]  # fmt: skip

    def beat(self, pool: str, worker: str) -> None:
        self.pool(pool)
        self.heartbeats.setdefault((pool, worker), []).append(time.time())

    def workers(self, pool: Object) -> list[Object]:
        """As the server: online while the last heartbeat is not older than three intervals."""
        with self.lock:
            beats = {w: b for (p, w), b in self.heartbeats.items() if p == pool["name"]}
        now = time.time()
        return [
            {
                "id": str(uuid.uuid5(uuid.UUID(pool["id"]), worker)),
                "created": moment(datetime.fromtimestamp(beat[0], UTC)),
                "updated": moment(datetime.fromtimestamp(beat[-1], UTC)),
                "name": worker,
                "work_pool_id": pool["id"],
                "last_heartbeat_time": moment(datetime.fromtimestamp(beat[-1], UTC)),
                "heartbeat_interval_seconds": 30,
                "status": "ONLINE" if now - beat[-1] <= 90 else "OFFLINE",
            }
            for worker, beat in beats.items()
        ]

    def add_events(self, events: list[Object]) -> None:
        """The server keeps one event an id."""
        with self.lock:
            known = {e["id"] for e in self.events}
            for event in events:
                if event["id"] not in known:
                    known.add(event["id"])
                    self.events.append(
                        {
                            "related": [],
                            "payload": {},
                            "follows": None,
                            **event,
                            "received": moment(),
                        }
                    )

    def add_variable(self, name: str, value: Any) -> None:
        now = moment()
        self.variables[name] = {
            "id": new_id(),
            "created": now,
            "updated": now,
            "name": name,
            "value": value,
            "tags": [],
        }

    def add_block(self, slug: str, name: str, data: Object) -> Object:
        now = moment()
        block = {
            "id": new_id(), "created": now, "updated": now, "name": name, "data": data, "block_schema_id": new_id(),
            "block_schema": None, "block_type_id": new_id(), "block_type_name": slug, "block_type": None,
            "block_document_references": {}, "is_anonymous": False,
        }  # fmt: skip
        self.blocks[(slug, name)] = block
        return block
