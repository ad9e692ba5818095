# SPDX-License-Identifier: Apache-2.0
"""The routes of the Prefect REST API that a worker uses."""

from __future__ import annotations

import base64
import re
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from . import prefect_filters as filters
from .message import Request, Response, json_reply
from .prefect_rules import Rules
from .prefect_shapes import Invalid, check, check_template, parse_time
from .prefect_store import Conflict, NotFound, Object, PrefectStore, moment

Found = re.Match[str]
ROUTES: list[tuple[str, re.Pattern[str], str]] = []
ACTIVE = ("PENDING", "RUNNING", "CANCELLING")
UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


def route(method: str, path: str) -> Callable[[Any], Any]:
    """`{name}` is one path part, `{id}` a UUID."""
    pattern = re.escape(path).replace(r"\{id\}", f"(?P<id>{UUID})")
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)

    def note(function: Any) -> Any:
        ROUTES.append((method, re.compile(pattern), function.__name__))
        return function

    return note


def empty() -> Response:
    return Response(204)


class PrefectApi:
    """`mode` "3.8" or "2.20"; `prefix` is what stands before the routes in the API URL."""

    def __init__(self, store: PrefectStore, rules: Rules, mode: str, prefix: str) -> None:
        self.store, self.rules, self.mode, self.prefix = store, rules, mode, prefix.rstrip("/")
        self.version = {"3.8": "3.8.8", "2.20": "2.20.25"}[mode]
        self.auth_string: str | None = None
        self.api_key: str | None = None
        self.csrf = "off"  # "off": 422 as a default server; "on"; "absent": 404
        self.csrf_s = 3600.0
        self.tokens: dict[str, tuple[str, float]] = {}
        self.sockets: Callable[[Request, str], Response | None] = lambda request, path: None
        self.experimental_events = False

    def handle(self, request: Request) -> Response:
        try:
            with self.store.lock:
                return self.answer(request)
        except Invalid as error:
            return json_reply({"exception_message": "Invalid request received.", "exception_detail": error.faults,
                               "request_body": error.body}, 422)  # fmt: skip
        except NotFound as error:
            return json_reply({"detail": str(error)}, 404)
        except Conflict as error:
            return json_reply({"detail": str(error)}, 409)
        except filters.Unsupported as error:
            return json_reply({"detail": f"the stand-in does not apply the filter {error}"}, 501)

    def answer(self, request: Request) -> Response:
        if not request.path.startswith(self.prefix + "/"):
            raise NotFound("Not Found")
        path = request.path[len(self.prefix) :]
        if (request.header("Upgrade") or "").lower() == "websocket":
            return self.sockets(request, path) or Response(403)
        if path not in ("/health", "/ready"):
            refused = self.refuse(request) or self.refuse_csrf(request)
            if refused:
                return refused
        methods = set()
        for method, pattern, name in ROUTES:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                return getattr(self, name)(request, found)
            if found:
                methods.add(method)
        if methods:
            return json_reply(
                {"detail": "Method Not Allowed"}, 405, Allow=", ".join(sorted(methods))
            )
        raise NotFound("Not Found")

    def refuse(self, request: Request) -> Response | None:
        sent = request.header("Authorization")
        if self.auth_string is not None:
            wanted = "Basic " + base64.b64encode(self.auth_string.encode()).decode()
        elif self.api_key is not None:
            wanted = "Bearer " + self.api_key
        else:
            return None
        return None if sent == wanted else json_reply({"exception_message": "Unauthorized"}, 401)

    def refuse_csrf(self, request: Request) -> Response | None:
        if self.csrf != "on" or request.method not in ("POST", "PUT", "PATCH", "DELETE"):
            return None
        token, client = request.header("Prefect-Csrf-Token"), request.header("Prefect-Csrf-Client")
        if token is None:
            return json_reply({"detail": "Missing CSRF token."}, 403)
        if client is None:
            return json_reply({"detail": "Missing client identifier."}, 403)
        kept = self.tokens.get(client)
        if kept is None or kept[0] != token or kept[1] < time.time():
            return json_reply({"detail": "Invalid CSRF token or client identifier."}, 403)
        return None

    def body(self, request: Request, kind: str) -> Any:
        content = (request.header("Content-Type") or "").split(";")[0].strip()
        if content != "application/json":
            raise Invalid(
                [
                    {
                        "type": "content_type",
                        "loc": ["header"],
                        "msg": "JSON expected",
                        "input": content,
                    }
                ],
                None,
            )
        try:
            value = request.json()
        except ValueError as error:
            raise Invalid(
                [{"type": "json_invalid", "loc": ["body"], "msg": str(error), "input": {}}], None
            ) from None
        return check(value, kind)

    @staticmethod
    def limit(body: Object) -> int:
        limit = 200 if body.get("limit") is None else body["limit"]
        if not 0 <= limit <= 200:
            raise Invalid([{"type": "value_error", "loc": ["body", "limit"],
                            "msg": "Invalid limit: must be less than or equal to 200.", "input": limit}], body)  # fmt: skip
        return limit

    @route("GET", "/health")
    def health(self, request: Request, found: Found) -> Response:
        return json_reply(True)

    @route("GET", "/ready")
    def ready(self, request: Request, found: Found) -> Response:
        return json_reply({"message": "OK"})

    @route("GET", "/admin/version")
    def admin_version(self, request: Request, found: Found) -> Response:
        return json_reply(self.version)

    @route("GET", "/csrf-token")
    def csrf_token(self, request: Request, found: Found) -> Response:
        if self.csrf == "absent":
            raise NotFound("Not Found")
        if self.csrf == "off":
            return json_reply({"detail": "CSRF protection is disabled."}, 422)
        client = request.query.get("client")
        if not client:
            raise Invalid(
                [
                    {
                        "type": "missing",
                        "loc": ["query", "client"],
                        "msg": "Field required",
                        "input": None,
                    }
                ],
                None,
            )
        token, now = secrets.token_hex(32), moment()
        self.tokens[client] = (token, time.time() + self.csrf_s)
        ends = moment(datetime.now(UTC) + timedelta(seconds=self.csrf_s))
        return json_reply(
            {
                "id": str(uuid.uuid4()),
                "created": now,
                "updated": now,
                "token": token,
                "client": client,
                "expiration": ends,
            }
        )

    @route("POST", "/work_pools/")
    def create_pool(self, request: Request, found: Found) -> Response:
        body = self.body(request, "WorkPoolCreate")
        self.refuse_template(body.get("base_job_template"), body)
        if body["name"].lower().startswith("prefect"):
            return json_reply(
                {"detail": "Worker pools starting with 'Prefect' are reserved for internal use."},
                403,
            )
        pool = self.store.add_pool(
            body["name"], body.get("type") or "prefect-agent", body.get("base_job_template")
        )
        return json_reply(pool, 201)

    @staticmethod
    def refuse_template(template: Object | None, body: Object) -> None:
        fault = check_template(template or {})
        if fault:
            where = ["body", "base_job_template"]
            raise Invalid(
                [
                    {
                        "type": "value_error",
                        "loc": where,
                        "msg": f"Value error, {fault}",
                        "input": template,
                    }
                ],
                body,
            )

    @route("GET", "/work_pools/{name}")
    def read_pool(self, request: Request, found: Found) -> Response:
        return json_reply(self.with_slots(self.store.pool(found["name"]), "work_pool_name", "name"))

    def with_slots(self, thing: Object, key: str, own: str) -> Object:
        """A pool or queue; the newer server says how many of its slots are taken."""
        if self.mode == "2.20":
            return {k: v for k, v in thing.items() if k != "active_slots"}
        if thing["concurrency_limit"] is None:
            return thing
        active = [
            r
            for r in self.store.runs.values()
            if r[key] == thing[own] and r["state_type"] in ACTIVE
        ]
        return {**thing, "active_slots": len(active)}

    @route("POST", "/work_pools/filter")
    def filter_pools(self, request: Request, found: Found) -> Response:
        body = self.body(request, "WorkPoolsFilter")
        limit, rule = self.limit(body), body.get("work_pools") or {}
        pools = [p for p in self.store.pools.values()
                 if all(filters.any_of(rule.get(k), p[k]) for k in ("id", "name", "type"))]  # fmt: skip
        return json_reply(pools[body.get("offset") or 0 :][:limit])

    @route("GET", "/work_pools/{name}/queues/{queue}")
    def read_queue(self, request: Request, found: Found) -> Response:
        queue = self.store.queue(found["name"], found["queue"])
        return json_reply(self.with_slots(queue, "work_queue_id", "id"))

    @route("POST", "/work_pools/{name}/workers/filter")
    def filter_workers(self, request: Request, found: Found) -> Response:
        body = self.body(request, "WorkersFilter")
        pool = self.store.pool(found["name"])
        return json_reply(self.store.workers(pool)[: self.limit(body)])

    @route("PATCH", "/work_pools/{name}")
    def update_pool(self, request: Request, found: Found) -> Response:
        body = self.body(request, "WorkPoolUpdate")
        pool = self.store.pool(found["name"])
        self.refuse_template(body.get("base_job_template"), body)
        pool.update(body, updated=moment())
        return empty()

    @route("POST", "/work_pools/{name}/queues/filter")
    def read_queues(self, request: Request, found: Found) -> Response:
        body = self.body(request, "Queues")
        self.store.pool(found["name"])
        limit, rule = self.limit(body), (body.get("work_queues") or {}).get("name")
        queues = [q for q in self.store.queues.values()
                  if q["work_pool_name"] == found["name"] and filters.any_of(rule, q["name"])]  # fmt: skip
        return json_reply(queues[:limit])

    @route("POST", "/work_pools/{name}/workers/heartbeat")
    def heartbeat(self, request: Request, found: Found) -> Response:
        body = self.body(request, "Heartbeat")
        self.store.beat(found["name"], body["name"])
        return empty()

    @route("POST", "/work_pools/{name}/get_scheduled_flow_runs")
    def scheduled(self, request: Request, found: Found) -> Response:
        body = self.body(request, "Scheduled")
        before = body.get("scheduled_before")
        at = parse_time(before) if before else datetime.now(UTC) + timedelta(days=365)
        limit = self.limit(body)
        return json_reply(
            self.store.due_runs(found["name"], body.get("work_queue_names") or [], at, limit)
        )

    @route("POST", "/flows/")
    def create_flow(self, request: Request, found: Found) -> Response:
        body = self.body(request, "FlowCreate")
        return json_reply(self.store.add_flow(body["name"], body.get("tags")), 201)

    @route("GET", "/flows/{id}")
    def read_flow(self, request: Request, found: Found) -> Response:
        return json_reply(self.known(self.store.flows, found["id"], "Flow not found"))

    @staticmethod
    def known(table: dict[str, Object], key: str, complaint: str) -> Object:
        if key not in table:
            raise NotFound(complaint)
        return table[key]

    @route("GET", "/deployments/{id}")
    def read_deployment(self, request: Request, found: Found) -> Response:
        deployment = self.known(self.store.deployments, found["id"], "Deployment not found")
        if self.mode == "2.20":  # its replies have the former name alone
            deployment = {**deployment, "infra_overrides": deployment["job_variables"]}
            del deployment["job_variables"]
        return json_reply(deployment)

    @route("POST", "/deployments/")
    def create_deployment(self, request: Request, found: Found) -> Response:
        body = {k: v for k, v in self.body(request, "DeploymentCreate").items() if v is not None}
        flow = self.known(self.store.flows, body.pop("flow_id"), "Flow not found")
        body.pop("version_info", None)
        pool, queue = body.pop("work_pool_name"), body.pop("work_queue_name", "default")
        return json_reply(
            self.store.add_deployment(body.pop("name"), flow["name"], pool, queue, **body), 201
        )

    @route("POST", "/deployments/{id}/create_flow_run")
    def create_run(self, request: Request, found: Found) -> Response:
        body = self.body(request, "DeploymentFlowRunCreate")
        deployment = self.known(self.store.deployments, found["id"], "Deployment not found")
        more = {
            k: body[k] for k in ("parameters", "job_variables", "tags") if body.get(k) is not None
        }
        return json_reply(self.store.add_run(deployment, body.get("name"), **more), 201)

    @route("GET", "/flow_runs/{id}")
    def read_run(self, request: Request, found: Found) -> Response:
        return json_reply(self.store.run(found["id"]))

    @route("DELETE", "/flow_runs/{id}")
    def delete_run(self, request: Request, found: Found) -> Response:
        self.store.run(found["id"])
        del self.store.runs[found["id"]], self.store.states[found["id"]]
        return empty()

    @route("POST", "/flow_runs/{id}/set_state")
    def set_state(self, request: Request, found: Found) -> Response:
        body = self.body(request, "SetState")
        code, answer = self.rules.propose(found["id"], body["state"], bool(body.get("force")))
        return json_reply(answer, code)

    @route("PATCH", "/flow_runs/{id}")
    def update_run(self, request: Request, found: Found) -> Response:
        body = self.body(request, "FlowRunUpdate")
        self.store.run(found["id"]).update(body, updated=moment())
        return empty()

    @route("PATCH", "/flow_runs/{id}/labels")
    def label_run(self, request: Request, found: Found) -> Response:
        if self.mode == "2.20":
            raise NotFound("Not Found")
        labels = request.json()
        self.store.run(found["id"])["labels"].update(labels)
        self.store.run_labels.setdefault(found["id"], {}).update(labels)
        return empty()

    @route("POST", "/flow_runs/filter")
    def filter_runs(self, request: Request, found: Found) -> Response:
        body = self.body(request, "FlowRunsFilter")
        self.limit(body)
        return json_reply(filters.flow_runs(self.store, body))

    @route("POST", "/flow_runs/count")
    def count_runs(self, request: Request, found: Found) -> Response:
        body = self.body(request, "FlowRunsCount")
        return json_reply(len(filters.flow_runs(self.store, {**body, "limit": None}, cap=None)))

    @route("GET", "/flow_run_states/")
    def run_states(self, request: Request, found: Found) -> Response:
        return json_reply(self.store.states.get(request.query.get("flow_run_id", ""), []))

    @route("GET", "/block_types/slug/{slug}/block_documents/name/{name}")
    def read_block(self, request: Request, found: Found) -> Response:
        block = self.store.blocks.get((found["slug"], found["name"]))
        if block is None:
            raise NotFound("Block document not found")
        return json_reply(self.shown(block, request))

    @route("GET", "/block_documents/{id}")
    def read_block_by_id(self, request: Request, found: Found) -> Response:
        blocks = {b["id"]: b for b in self.store.blocks.values()}
        return json_reply(
            self.shown(self.known(blocks, found["id"], "Block document not found"), request)
        )

    @staticmethod
    def shown(block: Object, request: Request) -> Object:
        """Secrets are masked unless they are asked for."""
        if request.query.get("include_secrets") == "true":
            return block
        return {**block, "data": dict.fromkeys(block["data"], "********")}

    @route("GET", "/variables/name/{name}")
    def read_variable(self, request: Request, found: Found) -> Response:
        return json_reply(self.known(self.store.variables, found["name"], "Variable not found."))

    @route("POST", "/logs/")
    def create_logs(self, request: Request, found: Found) -> Response:
        self.store.logs += self.body(request, "[LogCreate]")
        return json_reply(None, 201)

    @route("POST", "/logs/filter")
    def filter_logs(self, request: Request, found: Found) -> Response:
        body = self.body(request, "LogsFilter")
        return json_reply(filters.logs(self.store, body)[: self.limit(body)])

    @route("POST", "/events")
    def create_events(self, request: Request, found: Found) -> Response:
        if self.mode == "2.20" and not self.experimental_events:
            raise NotFound("Not Found")
        self.store.add_events(self.body(request, "[Event]"))
        return empty()

    @route("POST", "/events/filter")
    def filter_events(self, request: Request, found: Found) -> Response:
        if self.mode == "2.20" and not self.experimental_events:
            raise NotFound("Not Found")
        return json_reply(filters.events(self.store, self.body(request, "EventsFilter")))
