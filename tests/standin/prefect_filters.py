# SPDX-License-Identifier: Apache-2.0
"""The filters of POST /flow_runs/filter and POST /events/filter, as far as a worker uses them."""

from __future__ import annotations

from typing import Any

from .prefect_shapes import parse_time
from .prefect_store import Object, PrefectStore


class Unsupported(Exception):
    """A filter that this stand-in does not apply: HTTP 501, never a silent match."""


def any_of(rule: Object | None, value: Any) -> bool:
    if not rule:
        return True
    if rule.get("like_"):
        raise Unsupported("like_")
    if rule.get("is_null_") is not None and (value is None) != rule["is_null_"]:
        return False
    if rule.get("any_") is not None and value not in rule["any_"]:
        return False
    return rule.get("not_any_") is None or value not in rule["not_any_"]


def in_time(rule: Object | None, value: str | None) -> bool:
    if not rule:
        return True
    if rule.get("is_null_") is not None and (value is None) != rule["is_null_"]:
        return False
    if value is None:
        return not rule.get("before_") and not rule.get("after_")
    at = parse_time(value)
    if rule.get("before_") and at > parse_time(rule["before_"]):
        return False
    return not rule.get("after_") or at >= parse_time(rule["after_"])


def match_run(run: Object, rule: Object) -> bool:
    if rule.get("operator") not in (None, "and_"):
        raise Unsupported("operator or_")
    state = rule.get("state") or {}
    return all((
        any_of(rule.get("id"), run["id"]),
        any_of(rule.get("name"), run["name"]),
        any_of(rule.get("deployment_id"), run["deployment_id"]),
        any_of(rule.get("work_queue_name"), run["work_queue_name"]),
        any_of(state.get("type"), run["state_type"]),
        any_of(state.get("name"), run["state_name"]),
        *(in_time(rule.get(key), run[key]) for key in (
            "start_time", "end_time", "expected_start_time", "next_scheduled_start_time")),
    ))  # fmt: skip


def logs(store: PrefectStore, body: Object) -> list[Object]:
    rule = body.get("logs") or {}
    low = (rule.get("level") or {}).get("ge_")
    for unknown in ("timestamp", "task_run_id"):
        if rule.get(unknown):
            raise Unsupported(unknown)
    found = [
        log
        for log in store.logs
        if any_of(rule.get("flow_run_id"), log.get("flow_run_id"))
        and any_of(rule.get("name"), log["name"])
        and (low is None or log["level"] >= low)
    ]
    found.sort(key=lambda log: parse_time(log["timestamp"]))
    return found[::-1] if body.get("sort") == "TIMESTAMP_DESC" else found


def flow_runs(store: PrefectStore, body: Object, cap: int | None = 200) -> list[Object]:
    """Newest id last; `sort` may name EXPECTED_START_TIME_ASC or _DESC, else order of creation."""
    kept = []
    for run in store.runs.values():
        deployment = store.deployments.get(run["deployment_id"], {})
        pool = store.pools.get(run["work_pool_name"], {})
        flow = store.flows.get(run["flow_id"], {})
        rules = (
            (body.get("work_pools"), pool),
            (body.get("deployments"), deployment),
            (body.get("flows"), flow),
        )
        related = all(
            any_of(r.get("id"), o.get("id")) and any_of(r.get("name"), o.get("name"))
            for r, o in rules
            if r
        )
        if body.get("work_pool_queues"):
            queue = store.queues.get(run["work_queue_id"], {})
            related = related and any_of(body["work_pool_queues"].get("name"), queue.get("name"))
        if related and match_run(run, body.get("flow_runs") or {}):
            kept.append(run)
    if str(body.get("sort")).startswith("EXPECTED_START_TIME"):
        kept.sort(key=lambda r: r["expected_start_time"], reverse=body["sort"].endswith("DESC"))
    offset = body.get("offset") or 0
    limit = cap if body.get("limit") is None else body["limit"]
    return kept[offset:] if limit is None else kept[offset : offset + limit]


def match_event(event: Object, rule: Object) -> bool:
    occurred, name, resource = (rule.get(k) or {} for k in ("occurred", "event", "resource"))
    for unknown in ("related", "any_resource", "text"):
        if rule.get(unknown):
            raise Unsupported(unknown)
    at = parse_time(event["occurred"])
    if occurred.get("since") and at < parse_time(occurred["since"]):
        return False
    if occurred.get("until") and at > parse_time(occurred["until"]):
        return False
    if name.get("name") is not None and event["event"] not in name["name"]:
        return False
    if name.get("prefix") and not event["event"].startswith(tuple(name["prefix"])):
        return False
    subject = event["resource"]["prefect.resource.id"]
    if resource.get("id") is not None and subject not in resource["id"]:
        return False
    if resource.get("id_prefix") and not subject.startswith(tuple(resource["id_prefix"])):
        return False
    wanted = (rule.get("id") or {}).get("id")
    return not wanted or event["id"] in wanted


def events(store: PrefectStore, body: Object) -> Object:
    rule = body.get("filter") or {}
    found = [e for e in store.events if match_event(e, rule)]
    found.sort(key=lambda e: e["occurred"], reverse=rule.get("order", "DESC") != "ASC")
    limit = 50 if body.get("limit") is None else body["limit"]
    return {"events": found[:limit], "total": len(found), "next_page": None}
