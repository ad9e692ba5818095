# SPDX-License-Identifier: Apache-2.0
"""A case through `render`, from files, as a user would."""

import json
import pathlib
import subprocess
import tempfile

import compare

FILES = ("work_pool", "flow_run", "deployment", "flow")


def values(case):
    """For --values. A variable that is missing here is an error to `render`, not an empty text."""
    return {
        "blocks": {**case["blocks"], **case["blocks_by_id"]},
        "variables": case["variables"],
    }


def render(program, case, folder):
    words = [str(program), "render", "-o", "json", "--show-secrets"]
    words += [f"--worker-name={case['worker_name']}"]
    for name in FILES:
        if case[name]:
            path = folder / f"{name}.json"
            path.write_text(json.dumps(case[name]))
            words.append(f"--{name.replace('_', '-')}={path}")
    (folder / "values.json").write_text(json.dumps(values(case)))
    words.append(f"--values={folder}/values.json")
    return subprocess.run(
        words,
        check=False,
        env=case["environment"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def difference(program, case, own):
    """None, or how `render` differs from the driver's result `own`."""
    with tempfile.TemporaryDirectory() as name:
        done = render(program, case, pathlib.Path(name))
    if done.returncode not in (0, 1):
        return f"exit code {done.returncode}: {done.stderr[-500:]}"
    if done.returncode == 1:
        if done.stdout or done.stderr.count("\n") != 1:
            return f"not one line on standard error alone: {done.stdout!r} {done.stderr!r}"
        # A variable that does not exist is an error only here, where no server can tell.
        if "--values" in done.stderr or "error" in own:
            return None
        return f"only the command refuses: {done.stderr}"
    if "error" in own:
        return f"only the driver refuses: {own['error']}"
    return compare.first_difference(json.loads(done.stdout), own["manifest"], "manifest")
