# SPDX-License-Identifier: Apache-2.0
"""`make demo`: one real flow run, from a schedule on a real Prefect server to its end, by our worker."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from places import PLACES, Failed, Place  # noqa: E402
from rig.api import FINAL, ApiError  # noqa: E402
from rig.process import Process  # noqa: E402
from screen import note, paint, say, step  # noqa: E402

LIMIT_S = 240
FLOW = HERE / "demo_flow.py"
# The flow's text travels in the Job's environment, so no place needs the file.
WRITE = "import os, pathlib; pathlib.Path('/tmp/prefect-demo-{mark}').mkdir(exist_ok=True); " \
    "pathlib.Path('/tmp/prefect-demo-{mark}/demo_flow.py').write_text(os.environ['DEMO_FLOW'])"  # fmt: skip


class Follower(threading.Thread):
    """Shows a worker's output as it comes."""

    def __init__(self, process: Process) -> None:
        super().__init__(daemon=True)
        self.process, self.over = process, threading.Event()
        self.start()

    def run(self) -> None:
        with open(self.process.output, "rb") as log:
            while True:
                ended = self.over.is_set()
                for raw in log:
                    text = raw.decode("utf-8", "replace").rstrip()
                    if text:
                        say("worker", text, "32")
                if ended:
                    return
                time.sleep(0.1)

    def finish(self) -> None:
        self.over.set()
        self.join(5)


class Demo:
    def __init__(self, place: Place, worker: Path, folder: Path) -> None:
        self.place, self.binary, self.folder = place, worker, folder
        self.mark = uuid.uuid4().hex[:8]
        self.pool = f"demo-{self.mark}"
        self.process: Process | None = None
        self.follower: Follower | None = None
        self.deployment: dict | None = None
        self.seen: set[str] = set()

    def start_worker(self) -> None:
        size = self.binary.stat().st_size / 1024
        say("step", f"our worker: {self.binary.name}, one static file of {size:.0f} KiB", "1")
        env = {
            "PREFECT_API_URL": self.place.url,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "KUBECONFIG": self.place.kubeconfig or "",
            **self.place.worker_env,
        }
        if self.place.template is not None:
            self.place.api.pool(self.pool, self.place.template)
        words = [self.binary, "worker", "start", "--pool", self.pool, "--name", "demo-worker"]
        self.process = Process(words, env, self.folder, "worker")
        self.follower = Follower(self.process)

    def create(self) -> dict:
        """The deployment, once the worker has made the pool; then one run, due now."""
        api = self.place.api
        self.wait_pool()
        shell = "prefect.deployments.steps.run_shell_script"
        change = "prefect.deployments.steps.set_working_directory"
        write = f'python -c "{WRITE.format(mark=self.mark)}"'
        flow = api.post("/flows/", {"name": "demo"})
        self.deployment = api.post(
            "/deployments/",
            {
                "name": self.pool,
                "flow_id": flow["id"],
                "work_pool_name": self.pool,
                "entrypoint": "demo_flow.py:demo",
                "pull_steps": [
                    {shell: {"script": write, "stream_output": False}},
                    {change: {"directory": f"/tmp/prefect-demo-{self.mark}"}},
                ],
                "enforce_parameter_schema": False,
                "job_variables": {
                    "env": {**self.inherited_env(), "DEMO_FLOW": FLOW.read_text()},
                    **self.place.job_variables,
                },
            },
        )
        say(
            "step",
            f"deployment demo/{self.pool} of the flow in {FLOW.name}, and one run of it",
            "1",
        )
        return api.run(self.deployment)

    def inherited_env(self) -> dict:
        """A deployment's env goes over the pool's default key by key; named here to be kept."""
        if self.place.template is None:
            return {}
        return self.place.template["variables"]["properties"]["env"].get("default", {})

    def wait_pool(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.check_worker()
            try:
                if self.place.api.get(f"/work_pools/{self.pool}")["base_job_template"]:
                    return
            except ApiError as error:
                if error.status != 404:
                    raise
            time.sleep(0.1)
        raise Failed("the worker did not create the work pool within 30 s")

    def check_worker(self) -> None:
        if not self.process.running():
            raise Failed(f"the worker ended with {self.process.popen.returncode}")

    def follow(self, run: dict) -> str:
        """Shows states and log lines as they come; the final state's type."""
        api, deadline, last = self.place.api, time.monotonic() + LIMIT_S, None
        say("run", f"{run['name']} ({run['id']})", "35")
        while time.monotonic() < deadline:
            self.check_worker()
            for state in api.states(run["id"]):
                self.once(state["id"], "state", f"{state['name']}{told(state['message'])}", "33")
                last = state["type"]
            self.show_logs(run)
            if last in FINAL:
                self.late_logs(run)
                return last
            time.sleep(0.3)
        raise Failed(f"the run did not end within {LIMIT_S} s; its last state is {last}")

    def show_logs(self, run: dict) -> bool:
        """Whether the flow's own line is there."""
        entries = self.place.api.logs(run["id"])
        for entry in entries:
            self.once(entry["id"], "log", f"{entry['name']}: {entry['message']}", "34")
        return any("squares add up" in entry["message"] for entry in entries)

    def late_logs(self, run: dict) -> None:
        """Logs reach the server some seconds after the state."""
        deadline = time.monotonic() + 10
        while not self.show_logs(run) and time.monotonic() < deadline:
            time.sleep(0.3)

    def once(self, key: str, kind: str, text: str, code: str) -> None:
        if key not in self.seen:
            self.seen.add(key)
            say(kind, text, code)

    def sum_up(self, run: dict, end: str) -> None:
        flow_lines = [e for e in self.place.api.logs(run["id"]) if "squares add up" in e["message"]]
        if end != "COMPLETED":
            raise Failed(f"the run ended {end}; the lines above tell why")
        if not flow_lines:
            raise Failed("the run is Completed, but the flow's own line did not reach Prefect")
        status = Path(f"/proc/{self.process.popen.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        say("done", paint(f"{run['name']} is Completed", "1;32"), "32")
        note(f"and printed: {flow_lines[0]['message']}")
        note(f"the worker's memory (VmRSS) at the end: {memory / 1024:.1f} MiB")

    def clean(self) -> None:
        """The worker first, so that it reports its stop; then what was made on a shared server."""
        if self.process and self.process.running():
            self.process.signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except AssertionError:
                self.process.kill()
        if self.follower:
            self.follower.finish()
        if self.place.url and self.deployment:
            for path in (f"/deployments/{self.deployment['id']}", f"/work_pools/{self.pool}"):
                try:
                    self.place.api.call("DELETE", path)
                except (ApiError, OSError) as error:
                    note(f"could not be removed: {path}: {error}")
        shutil.rmtree(f"/tmp/prefect-demo-{self.mark}", ignore_errors=True)


def told(message: str | None) -> str:
    return f": {message}" if message else ""


def ended(number: int, _frame: object) -> None:
    raise Failed(f"stopped by {signal.Signals(number).name}")


def run_demo(place: Place, worker: Path, folder: Path) -> None:
    demo = Demo(place, worker, folder)
    try:
        place.start()
        demo.start_worker()
        run = demo.create()
        demo.sum_up(run, demo.follow(run))
    finally:
        with step("cleaning up"):
            demo.clean()
            place.stop()
    note("")
    say("next", "what to look at now:")
    note("README.md                  how to put the worker into your cluster")
    note("tests/demo/demo_flow.py    the flow that has just run")
    note("build/prefect-k8s-worker --help")
    for line in place.hints():
        note(line)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cluster", default="standin", choices=sorted(PLACES))
    words.add_argument("--worker", type=Path, required=True)
    words.add_argument("--cache", help="the folder for downloads")
    given = words.parse_args()
    if given.cache:
        os.environ["PKW_CACHE"] = given.cache
    signal.signal(signal.SIGTERM, ended)
    folder = Path(tempfile.mkdtemp(prefix="prefect-k8s-worker-demo-"))
    folder.chmod(0o755)
    try:
        run_demo(PLACES[given.cluster](folder), given.worker.resolve(), folder)
    except (Failed, AssertionError) as error:
        say("failed", paint(str(error), "31"), "31")
        return 1
    except KeyboardInterrupt:
        say("failed", "interrupted", "31")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
