#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renders every case of this folder and compares with what the Python worker made of it.

    check.py DRIVER RESULTS            compares; RESULTS gets "passed failed"
    UPDATE_GOLDEN=1 check.py --python PYTHON [CASE ...]
                                       writes want.json, by the prefect of that interpreter

A case: work_pool.json, flow_run.json, deployment.json and flow.json as the API gives them (the
latter two may be absent), values.json with blocks ("TYPE/NAME", or the id) and variables, case.json
with why it is there, the worker's name and environment, and for errors what our line has to name.
"""

import json
import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "parity"))

import compare  # noqa: E402
import peers  # noqa: E402

API = {"PREFECT_API_URL": "http://127.0.0.1:4200/api"}


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def load(folder):
    """A case as driver.c takes it, and what case.json says of it."""
    told = read(folder / "case.json")
    values = read(folder / "values.json") or {}
    blocks = values.get("blocks", {})
    case = {
        "work_pool": read(folder / "work_pool.json"),
        "flow_run": read(folder / "flow_run.json"),
        "deployment": read(folder / "deployment.json"),
        "flow": read(folder / "flow.json"),
        "worker_name": told["worker_name"],
        "worker_id": told.get("worker_id"),
        "blocks": {name: data for name, data in blocks.items() if "/" in name},
        "blocks_by_id": {name: data for name, data in blocks.items() if "/" not in name},
        "variables": values.get("variables", {}),
        "environment": {**API, **told.get("environment", {})},
    }
    return case, told


def folders(names):
    found = [path.parent for path in sorted(HERE.glob("*/case.json"))]
    return [folder for folder in found if not names or folder.name in names]


def fault(own, want, told):
    wrong = compare.difference(own, want) or compare.class_difference(own, want)
    if wrong or "error" not in own:
        return wrong
    unnamed = [text for text in told.get("mentions", []) if text not in own["error"]]
    return f"the line does not name {unnamed}: {own['error']}" if unnamed else None


def check(driver, results):
    ours = peers.ours(driver)
    passed = failed = 0
    for folder in folders([]):
        case, told = load(folder)
        wrong = fault(ours.render(case), read(folder / "want.json"), told)
        if wrong:
            print(f"FAILED {folder.name} ({told['why']}): {wrong}")
        failed += bool(wrong)
        passed += not wrong
    ours.close()
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def stable(result):
    """Without what the Python worker draws by chance, and without its sentences."""
    if "error" in result:
        return {"error": "", "exception": result["exception"]}
    for secret in result.get("secrets", []):
        name = secret["metadata"]["name"]
        if "stringData" in secret:
            compare.rename(result["manifest"], name, name[:-8] + "00000000")
            secret["metadata"]["name"] = name[:-8] + "00000000"
    return result


def update(python, names):
    for folder in folders(names):
        case, _ = load(folder)
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": "/usr/bin:/bin", "HOME": home, **case["environment"]}
            theirs = peers.theirs(python, environment, home)
            want = stable(theirs.render(case))
            theirs.close()
        (folder / "want.json").write_text(json.dumps(want, indent=2, ensure_ascii=False) + "\n")
        print(f"{folder.name}: {want.get('exception', 'ok')}")
    return 0


def main(arguments):
    if os.environ.get("UPDATE_GOLDEN") and arguments[:1] == ["--python"]:
        return update(arguments[1], arguments[2:])
    if len(arguments) != 2:
        print(__doc__)
        return 2
    return check(arguments[0], pathlib.Path(arguments[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
