# SPDX-License-Identifier: Apache-2.0
"""Bodies that the Prefect API takes from a worker: an unknown key or a wrong type is 422.

Written after the OpenAPI document of server 3.8.8. `!` marks what must be there; everything else
may be left out or null. Types: str, int, float, bool, uuid, time, obj, any; [T] a list, {T} a map.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime
from typing import Any

TYPES = """
StateDetails: flow_run_id uuid, task_run_id uuid, child_flow_run_id uuid, scheduled_time time, cache_key str, cache_expiration time,
  deferred bool, untrackable_result bool, pause_timeout time, pause_reschedule bool, pause_key str, run_input_keyset {str}, refresh_cache bool,
  retriable bool, transition_id uuid, task_parameters_id uuid, traceparent str, deployment_concurrency_lease_id uuid
StateCreate: type! StateType, name str, message str, data any, state_details StateDetails
SetState: state! StateCreate, force bool
WorkPoolCreate: name! str, description str, type str, base_job_template obj, is_paused bool, concurrency_limit int, storage_configuration obj
WorkPoolUpdate: description str, is_paused bool, base_job_template obj, concurrency_limit int, storage_configuration obj
Heartbeat: name! str, heartbeat_interval_seconds int
Scheduled: work_queue_names [str], scheduled_before time, scheduled_after time, limit int
FlowRunUpdate: name str, flow_version str, parameters obj, empirical_policy obj, tags [str], infrastructure_pid str, job_variables obj
FlowCreate: name! str, tags [str], labels obj
DeploymentCreate: name! str, flow_id! uuid, paused bool, schedules [obj], concurrency_limit int, concurrency_options obj,
  global_concurrency_limit_id uuid, enforce_parameter_schema bool, parameter_openapi_schema obj, parameters obj, tags [str], labels obj,
  pull_steps [obj], work_queue_name str, work_pool_name str, storage_document_id uuid, infrastructure_document_id uuid, description str, path str,
  version str, entrypoint str, job_variables obj, version_info obj
DeploymentFlowRunCreate: state StateCreate, name str, parameters obj, enforce_parameter_schema bool, context obj, infrastructure_document_id uuid,
  empirical_policy obj, tags [str], idempotency_key str, labels obj, parent_task_run_id uuid, work_queue_name str, job_variables obj
LogCreate: name! str, level! int, message! str, timestamp! time, flow_run_id uuid, task_run_id uuid
Event: occurred! time, event! str, resource! {str}, related [{str}], payload obj, id! uuid, follows uuid
EventsFilter: filter EventFilter, limit int
EventFilter: occurred Occurred, event EventName, resource EventResource, related any, any_resource any, id EventId, text any, order str
Occurred: since time, until time
EventName: prefix [str], exclude_prefix [str], name [str], exclude_name [str]
EventResource: id [str], id_prefix [str], labels obj, distinct bool
EventId: id [uuid]
FlowRunsFilter: flows FlowFilter, flow_runs FlowRunFilter, task_runs Unused, deployments DeploymentFilter, work_pools WorkPoolFilter,
  work_pool_queues QueueFilter, sort str, limit int, offset int
FlowFilter: operator str, id AnyIds, name AnyNames
FlowRunFilter: operator str, id Ids, name AnyNames, deployment_id AnyIds, state StateFilter, start_time Times, end_time Times,
  expected_start_time Times, next_scheduled_start_time Times, work_queue_name AnyNames
DeploymentFilter: operator str, id AnyIds, name AnyNames
WorkPoolFilter: operator str, id AnyIds, name AnyNames, type AnyNames
QueueFilter: operator str, id AnyIds, name AnyNames
StateFilter: operator str, type StateTypes, name StateNames
StateTypes: any_ [StateType], not_any_ [StateType]
StateNames: any_ [str], not_any_ [str]
Ids: any_ [uuid], not_any_ [uuid]
AnyIds: any_ [uuid], is_null_ bool
AnyNames: any_ [str], like_ str, is_null_ bool
Times: before_ time, after_ time, is_null_ bool
Unused: operator str
Queues: work_queues QueueFilter, limit int, offset int
LogsFilter: logs LogFilter, limit int, offset int, sort str
LogFilter: operator str, level Levels, name AnyOf, timestamp Times, flow_run_id AnyIds, task_run_id AnyIds
Levels: ge_ int, le_ int
AnyOf: any_ [str]
FlowRunsCount: flows FlowFilter, flow_runs FlowRunFilter, task_runs Unused, deployments DeploymentFilter, work_pools WorkPoolFilter,
  work_pool_queues QueueFilter
WorkersFilter: workers Unused, limit int, offset int
WorkPoolsFilter: work_pools WorkPoolFilter, limit int, offset int
VariableCreate: name! str, value any, tags [str]
"""
STATE_TYPES = (
    "SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING",
)  # fmt: skip
IGNORES_UNKNOWN = {"StateDetails", "Event"}  # as the server's models do


def parse_types(text: str) -> dict[str, dict[str, tuple[str, bool]]]:
    types: dict[str, dict[str, tuple[str, bool]]] = {}
    for line in re.sub(r"\n {2,}", " ", text.strip()).splitlines():
        name, _, fields = line.partition(": ")
        types[name] = {}
        for pair in fields.split(", "):
            key, kind = pair.split()
            types[name][key.rstrip("!")] = (kind, key.endswith("!"))
    return types


STRUCTS = parse_types(TYPES)


class Invalid(Exception):
    """HTTP 422 with the list of faults."""

    def __init__(self, faults: list[dict[str, Any]], body: Any) -> None:
        super().__init__(json.dumps(faults))
        self.faults, self.body = faults, body


def parse_time(text: str) -> datetime:
    """ISO 8601 with T or a space between; a time without a zone is UTC."""
    made = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return made if made.tzinfo else datetime.fromisoformat(text + "+00:00")


class Checker:
    def __init__(self) -> None:
        self.faults: list[dict[str, Any]] = []

    def fault(self, kind: str, where: list[Any], message: str, value: Any) -> None:
        self.faults.append({"type": kind, "loc": where, "msg": message, "input": value})

    def check(self, value: Any, kind: str, where: list[Any]) -> None:
        if kind.startswith("["):
            if not isinstance(value, list):
                return self.fault("list_type", where, "Input should be a valid list", value)
            for i, item in enumerate(value):
                self.check(item, kind[1:-1], [*where, i])
        elif kind.startswith("{"):
            if not isinstance(value, dict):
                return self.fault("dict_type", where, "Input should be a valid dictionary", value)
            for key, item in value.items():
                self.check(item, kind[1:-1], [*where, key])
        elif kind in STRUCTS:
            self.struct(value, kind, where)
        else:
            self.scalar(value, kind, where)

    def struct(self, value: Any, kind: str, where: list[Any]) -> None:
        if not isinstance(value, dict):
            return self.fault(
                "model_type",
                where,
                f"Input should be a valid dictionary or instance of {kind}",
                value,
            )
        fields = STRUCTS[kind]
        for key, item in value.items():
            if key not in fields:
                if kind not in IGNORES_UNKNOWN:
                    self.fault(
                        "extra_forbidden", [*where, key], "Extra inputs are not permitted", item
                    )
            elif item is not None or fields[key][1]:
                self.check(item, fields[key][0], [*where, key])
        for key, (_, needed) in fields.items():
            if needed and key not in value:
                self.fault("missing", [*where, key], "Field required", value)
        if kind == "Event":
            self.event(value, where)

    def event(self, value: dict[str, Any], where: list[Any]) -> None:
        """Resources carry an id, related ones a role too; both bounded."""
        resource, related = value.get("resource"), value.get("related") or []
        if isinstance(resource, dict) and not resource.get("prefect.resource.id"):
            self.fault(
                "value_error",
                [*where, "resource"],
                "Resources must include the prefect.resource.id label",
                resource,
            )
        if isinstance(related, list):
            if len(related) > 100:
                self.fault(
                    "value_error",
                    [*where, "related"],
                    "The maximum number of related resources is 100",
                    len(related),
                )
            for i, one in enumerate(related):
                for label in ("prefect.resource.id", "prefect.resource.role"):
                    if isinstance(one, dict) and not one.get(label):
                        self.fault(
                            "value_error",
                            [*where, "related", i],
                            f"Related Resources must include the {label} label",
                            one,
                        )

    def scalar(self, value: Any, kind: str, where: list[Any]) -> None:
        plain = {"str": str, "bool": bool, "obj": dict}
        if kind == "any":
            return
        if kind in plain:
            if not isinstance(value, plain[kind]):
                self.fault(f"{kind}_type", where, f"Input should be a valid {kind}", value)
        elif kind in ("int", "float"):
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or (kind == "int" and value != int(value))
            ):
                self.fault(f"{kind}_type", where, f"Input should be a valid {kind}", value)
        elif kind == "StateType":
            if value not in STATE_TYPES:
                self.fault("enum", where, "Input should be one of " + ", ".join(STATE_TYPES), value)
        else:
            try:
                uuid.UUID(value) if kind == "uuid" else parse_time(value)
            except (ValueError, AttributeError, TypeError):
                self.fault(f"{kind}_parsing", where, f"Input should be a valid {kind}", value)


def check(value: Any, kind: str) -> Any:
    """The value itself, or Invalid."""
    checker = Checker()
    checker.check(value, kind, ["body"])
    if checker.faults:
        raise Invalid(checker.faults, value)
    return value


def check_template(template: dict[str, Any]) -> str | None:
    """The server's own rule for base job templates; a sentence when it is broken."""
    if not template:
        return None
    job, variables = template.get("job_configuration"), template.get("variables")
    if not job or not variables:
        return "The `base_job_template` must contain both a `job_configuration` key and a `variables` key."
    used = set(re.findall(r"{{\s*([\w.\-\[\]$]+)\s*}}", json.dumps(job)))
    used = {u for u in used if not u.startswith(("prefect.blocks.", "prefect.variables.", "$"))}
    missing = used - set(variables.get("properties", {}))
    if missing:
        return f"Your job configuration uses the following undeclared variable(s): {' ,'.join(sorted(missing))}."
    return None
