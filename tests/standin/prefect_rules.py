# SPDX-License-Identifier: Apache-2.0
"""Whether a proposed state becomes a run's state: the server's orchestration rules, in its order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .prefect_store import FINAL, Object, PrefectStore, moment

NAMES = {"PENDING": "Pending", "RUNNING": "Running", "CANCELLED": "Cancelled", "CRASHED": "Crashed"}


class Verdict(Exception):
    """Ends the evaluation: the proposal is not taken as it is."""

    def __init__(
        self, status: str, reason: str, state: Object | None = None, delay_s: int = 0
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.state, self.delay_s = status, reason, state, delay_s


class Rules:
    def __init__(self, store: PrefectStore, legacy: bool) -> None:
        self.store, self.legacy = store, legacy
        self.scripted: dict[str, list[Object]] = {}

    def script(self, run_id: str, *answers: Object) -> None:
        """The next answers to proposals for this run ("*": any), for example {"status": "WAIT", "delay_seconds": 1},
        {"status": "ABORT", "reason": "…"}, {"status": "REJECT", "state": {"type": …, "name": …}}."""
        self.scripted.setdefault(run_id, []).extend(answers)

    def propose(self, run_id: str, state: Object, force: bool) -> tuple[int, Object]:
        """The HTTP status and the body of the answer."""
        run = self.store.run(run_id)
        now = run["state"]
        kind = state["type"]
        name = state.get("name") or NAMES.get(kind, kind.capitalize())
        known = dict(state.get("state_details") or {})
        known.pop("flow_run_id", None)
        try:
            if not force:
                self.judge(run, now, kind, name, known)
            if kind == "PENDING" and now["type"] == "SCHEDULED":
                known["scheduled_time"] = now["state_details"]["scheduled_time"]
            if kind == "SCHEDULED":
                known["scheduled_time"] = known.get("scheduled_time") or moment()
            kept = {k: v for k, v in known.items() if k in now["state_details"]}
            made = self.store.put_state(
                run_id, kind, name, state.get("message"), state.get("data"), **kept
            )
            return 201, {"state": made, "status": "ACCEPT", "details": {"type": "accept_details"}}
        except Verdict as verdict:
            return self.refused(run_id, run, verdict)

    def refused(self, run_id: str, run: Object, verdict: Verdict) -> tuple[int, Object]:
        code = 200
        if verdict.state is not None:
            other = dict(verdict.state)
            self.store.put_state(run_id, other.pop("type"), other.pop("name"), **other)
            code = 201
        told: Object = {"type": f"{verdict.status.lower()}_details", "reason": verdict.reason}
        if verdict.status == "WAIT":
            told["delay_seconds"] = verdict.delay_s
        shown = None if verdict.status == "WAIT" else run["state"]
        return code, {"state": shown, "status": verdict.status, "details": told}

    def judge(self, run: Object, now: Object, kind: str, name: str, known: Object) -> None:
        mine = known.get("transition_id")
        if mine is not None and mine == now["state_details"].get("transition_id"):
            raise Verdict("REJECT", "This run has already made this state transition.")
        if now["type"] in FINAL and kind in ("CANCELLING", "PAUSED", "CRASHED"):
            raise Verdict("ABORT", f"Run is already in terminal state {now['type']}.")
        if now["type"] == "CANCELLING" and kind != "CANCELLED":
            raise Verdict(
                "REJECT",
                "Cannot transition flows that are cancelling to a state other than Cancelled.",
            )
        if kind == "CANCELLING" and now["type"] == "SCHEDULED" and not run["infrastructure_pid"]:
            raise Verdict("REJECT", "Scheduled flow run has no infrastructure to terminate.",
                          {"type": "CANCELLED", "name": "Cancelled"})  # fmt: skip
        self.judge_pending(now, kind, name)
        self.answer_script(run["id"])
        if kind == "PENDING" and now["type"] not in ("PENDING", "RUNNING", "CANCELLING"):
            self.judge_slot(run)

    def judge_pending(self, now: Object, kind: str, name: str) -> None:
        if kind != "PENDING" or now["type"] not in (
            "PENDING",
            "CANCELLING",
            "RUNNING",
            "CANCELLED",
        ):
            return
        substate = now["type"] == "PENDING" and now["name"] != name and name != "Pending"
        if not substate or self.legacy:
            raise Verdict(
                "ABORT",
                f"This run is in a {now['type']} state and cannot transition to a PENDING state.",
            )

    def answer_script(self, run_id: str) -> None:
        for key in (run_id, "*"):
            queue = self.scripted.get(key)
            if queue:
                answer = queue.pop(0)
                raise Verdict(answer["status"], answer.get("reason", "scripted"), answer.get("state"),
                              answer.get("delay_seconds", 0))  # fmt: skip

    def judge_slot(self, run: Object) -> None:
        """A deployment's concurrency limit, where the test set one."""
        limit = self.store.concurrency.get(run["deployment_id"])
        if limit is None:
            return
        busy = [r for r in self.store.runs.values() if r["deployment_id"] == run["deployment_id"]
                and r["state_type"] in ("PENDING", "RUNNING", "CANCELLING")]  # fmt: skip
        if len(busy) >= limit:
            due = moment(datetime.now(UTC) + timedelta(seconds=30))
            state: dict[str, Any] = {
                "type": "SCHEDULED",
                "name": "AwaitingConcurrencySlot",
                "scheduled_time": due,
            }
            raise Verdict("REJECT", "Deployment concurrency limit reached.", state)
