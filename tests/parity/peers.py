# SPDX-License-Identifier: Apache-2.0
"""The two programs that are compared, as processes that answer line by line."""

import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent


class Peer:
    def __init__(self, command, environment=None, folder=None, stderr=None):
        self.command = command
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            cwd=folder,
            text=True,
            bufsize=1,
        )

    def render(self, case):
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait(10)
            raise RuntimeError(f"{self.command[0]} ended with {code} at:\n{json.dumps(case)}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def ours(driver):
    return Peer([str(driver)])


def theirs(python, environment, folder):
    return Peer([str(python), str(HERE / "reference.py")], environment, folder, subprocess.DEVNULL)
