# SPDX-License-Identifier: Apache-2.0
"""Real Prefect servers of two generations, and what a job needs to run a flow against each."""

from __future__ import annotations

import copy
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from . import install
from .api import Api
from .cluster import BUSYBOX, NODE_IP
from .process import Process
from .wait import until

PORTS = {"3.8": 4238, "2.20": 4220}
VERSIONS = {"3.8": "3.8.8", "2.20": "2.20.25"}
SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64")

PRINT_TEMPLATE = """
import json
from prefect_kubernetes.worker import KubernetesWorker
print(json.dumps(KubernetesWorker.get_default_base_job_template()))
"""


class Server:
    def __init__(self, generation: str, folder: Path):
        self.generation = generation
        self.version = VERSIONS[generation]
        self.environment = install.prefect_environment(generation)
        self.url = f"http://{NODE_IP}:{PORTS[generation]}/api"
        self.api = Api(self.url)
        self.folder = folder / f"server-{generation}"
        self.process: Process | None = None
        self.stock_template: dict = {}

    def start(self) -> None:
        env = {
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_UI_ENABLED": "false",
            "PREFECT_API_URL": self.url,
            "PYTHONWARNINGS": "ignore",
        }
        argv = [self.environment / "bin/prefect", "server", "start"]
        argv += ["--host", NODE_IP, "--port", str(PORTS[self.generation])]
        name = f"server-{self.generation}"
        self.process = Process(argv, env, self.folder, name, family=True)

    def wait_ready(self, seconds: float = 120) -> None:
        def healthy() -> bool:
            assert self.process.running(), self.process.tail()
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=5) as reply:
                    return reply.status == 200
            except (urllib.error.URLError, OSError):
                return False

        until(f"the server {self.version} is healthy", healthy, seconds, self.process.tail)
        assert self.api.get("/admin/version") == self.version
        self.stock_template = self.read_stock_template()

    def read_stock_template(self) -> dict:
        """The base job template that this generation's Python worker registers."""
        done = subprocess.run(
            [self.environment / "bin/python", "-c", PRINT_TEMPLATE],
            check=False,
            env={
                "PREFECT_HOME": str(self.folder / "home"),
                "PATH": "/usr/bin:/bin",
                "PYTHONWARNINGS": "ignore",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def template(self, flows: Path) -> dict:
        """The stock template over an image with nothing in it but busybox: the node's own Python and the
        flows are mounted."""
        template = copy.deepcopy(self.stock_template)
        folders = {folder: folder for folder in (*SYSTEM_FOLDERS, str(self.environment))}
        folders["/flows"] = str(flows)
        pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        for number, (inside, outside) in enumerate(folders.items()):
            pod.setdefault("volumes", []).append(
                {"name": f"host-{number}", "hostPath": {"path": outside}}
            )
            mount = {"name": f"host-{number}", "mountPath": inside, "readOnly": True}
            container.setdefault("volumeMounts", []).append(mount)
        properties = template["variables"]["properties"]
        properties["image"]["default"] = BUSYBOX
        properties["env"]["default"] = {
            "PATH": f"{self.environment}/bin:/usr/bin:/bin",
            "HOME": "/tmp",
            "TZ": "UTC",
            "PYTHONWARNINGS": "ignore",
        }
        return template

    def stop(self) -> None:
        if self.process:
            self.process.kill()
