# SPDX-License-Identifier: Apache-2.0
"""`render` and `template`: what is printed, where, and with which exit code."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, TEMPLATE, Object, Rig, Worker, binary

sys.path.insert(0, str(ROOT / "tests" / "parity"))
import compare  # noqa: E402

GOLDEN = ROOT / "tests" / "golden" / "manifest"
RUN: Object = {
    "id": "11111111-1111-1111-1111-111111111111",
    "name": "otter",
    "flow_id": "22222222-2222-2222-2222-222222222222",
    "deployment_id": None,
    "state": None,
}


def render(rig: Rig, *words: str, env: dict[str, str | None] | None = None) -> Worker:
    return rig.run([str(binary()), "render", *words], env)


def write(rig: Rig, name: str, value: Any) -> str:
    (rig.folder / name).write_text(json.dumps(value))
    return name


def files(rig: Rig, template: Object = TEMPLATE, **variables: Any) -> list[str]:
    """The words for a pool with that template and a run with those variables."""
    pool = {"id": "44444444-4444-4444-4444-444444444444", "name": "pool", "type": "kubernetes"}
    return [
        "--work-pool", write(rig, "pool.json", {**pool, "base_job_template": template}),
        "--flow-run", write(rig, "run.json", {**RUN, "job_variables": variables}),
    ]  # fmt: skip


def printed(worker: Worker) -> Object:
    """The manifest, which stands alone on standard output."""
    assert worker.wait_exit() == 0, worker.text
    return yaml.safe_load("\n".join(worker.stdout))


def refuses(worker: Worker, *named: str, code: int = 1) -> str:
    """Nothing on standard output, and one line on standard error that names all of these."""
    assert worker.wait_exit() == code, worker.text
    assert not worker.stdout, worker.text
    assert len(worker.stderr) == 1, worker.text
    missing = [word for word in named if word not in worker.stderr[0]]
    assert not missing, f"{missing} not in: {worker.stderr[0]}"
    return worker.stderr[0]


def container(manifest: Object) -> Object:
    return manifest["spec"]["template"]["spec"]["containers"][0]


def environment(manifest: Object) -> dict[str, str]:
    return {entry["name"]: entry.get("value") for entry in container(manifest)["env"]}


# -- files


def test_yaml_and_json_say_the_same(rig: Rig) -> None:
    words = files(rig, image="img:1", env={"A": "1"}, command="echo 'a b'")
    first = printed(render(rig, *words, "--worker-name", "w 1"))
    assert first == printed(render(rig, *words, "--worker-name", "w 1", "-o", "json"))
    assert container(first)["args"] == ["echo", "a b"]
    assert first["metadata"]["labels"]["prefect.io/worker-name"] == "w-1"
    assert first["metadata"]["name"].startswith("otter-")
    assert "generateName" not in first["metadata"]


def test_without_any_server(rig: Rig) -> None:
    manifest = printed(render(rig, *files(rig), env={"PREFECT_API_URL": None, "KUBECONFIG": None}))
    assert "PREFECT_API_URL" not in environment(manifest)
    assert "prefect.io/worker-name" not in manifest["metadata"]["labels"]
    assert not rig.prefect.journal.find()
    assert not rig.kube.journal.find()


def test_a_file_that_is_not_given_counts_as_absent(rig: Rig) -> None:
    words = files(rig)
    write(rig, "run.json", {**RUN, "deployment_id": "33333333-3333-3333-3333-333333333333"})
    labels = printed(render(rig, *words))["metadata"]["labels"]
    assert "prefect.io/deployment-id" not in labels
    assert "prefect.io/flow-id" not in labels


def test_values_give_blocks_and_variables(rig: Rig) -> None:
    words = files(
        rig,
        image="{{ prefect.blocks.docker.reg.image }}",
        env={"T": "{{ prefect.blocks.secret.tok }}", "V": "<{{ prefect.variables.v }}>"},
    )
    refuses(render(rig, *words), "secret", "tok", "env.T", "--values")
    blocks = {"docker/reg": {"image": "img:2"}, "secret": {"tok": {"value": "s3cr3t"}}}
    given = write(rig, "values.json", {"blocks": blocks, "variables": {}})
    refuses(render(rig, *words, "--values", given), "{{ prefect.variables.v }}", "env.V", "'v'")
    given = write(rig, "values.json", {"blocks": blocks, "variables": {"v": 5}})
    shown = printed(render(rig, *words, "--values", given, "--show-secrets"))
    assert container(shown)["image"] == "img:2"
    assert environment(shown)["T"] == "s3cr3t"
    assert environment(shown)["V"] == "<5>"


def test_secrets_are_masked(rig: Rig) -> None:
    env = {"PREFECT_API_KEY": "pnu_1", "PREFECT_CLIENT_CUSTOM_HEADERS": '{"X-Auth": "hdr"}'}
    words = files(rig, env={"DB_PASSWORD": "pw", "T": "x{{ $NOT }}", "PLAIN": "seen"})
    worker = render(rig, *words, env=env)
    shown = environment(printed(worker))
    assert not [text for text in ("pnu_1", "hdr", "pw") if text in "\n".join(worker.stdout)]
    assert shown["PLAIN"] == "seen"
    assert worker.matching("PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY")
    full = environment(printed(render(rig, *words, "--show-secrets", env=env)))
    assert (full["PREFECT_API_KEY"], full["DB_PASSWORD"]) == ("pnu_1", "pw")
    assert full["PREFECT_CLIENT_CUSTOM_HEADERS"] == '{"X-Auth": "hdr"}'


def test_explain_tells_where_values_come_from(rig: Rig) -> None:
    deployment = write(
        rig, "deployment.json", {"id": "d", "name": "d", "job_variables": {"memory_limit": "1Gi"}}
    )
    words = [*files(rig, image="img:1"), "--deployment", deployment, "--explain"]
    worker = render(rig, *words)
    assert printed(worker)["kind"] == "Job", "comments do not disturb the YAML"
    origins = json.loads("".join(_wait(render(rig, *words, "-o", "json")).stdout))["origins"]
    place = "spec.template.spec.containers[prefect-job]"
    assert origins[place + ".image"] == "run"
    assert origins[place + ".imagePullPolicy"] == "default"
    assert origins[place + ".resources.limits.memory"] == "deployment"
    assert origins["spec.template.spec.restartPolicy"] == "template"
    assert origins[place + ".env[PREFECT_API_URL].value"] == "setting"
    assert origins[place + ".args[0]"] == "worker"
    assert any(line.startswith("# run ") and ".image" in line for line in worker.stdout)


def _wait(worker: Worker) -> Worker:
    assert worker.wait_exit() == 0, worker.text
    return worker


def test_unused_variables_are_warned_about(rig: Rig) -> None:
    worker = _wait(render(rig, *files(rig, memory_limits="1Gi")))
    assert worker.matching(r"warning.*'memory_limits'.*'memory_limit'")


def test_usage_and_unreadable_files(rig: Rig) -> None:
    words = files(rig)
    refuses(render(rig), "FLOW_RUN_ID", code=2)
    refuses(render(rig, *words[:2]), "--flow-run", code=2)
    refuses(render(rig, *words, "-o", "xml"), "xml", code=2)
    refuses(render(rig, *words[:2], "--flow-run", "nowhere.json"), "nowhere.json")
    (rig.folder / "broken.json").write_text("{")
    refuses(render(rig, *words[:2], "--flow-run", "broken.json"), "broken.json")
    refuses(render(rig, *words[:2], "--flow-run", write(rig, "other.json", {"id": 5})), "'id'")
    bad = {"PREFECT_WORKER_QUERY_SECONDS": "abc"}
    refuses(render(rig, *words, env=bad), "PREFECT_WORKER_QUERY_SECONDS")


def told(folder: Path) -> Object:
    return json.loads((folder / "case.json").read_text())


# worker-id can't be given on the command line; a variable without a value is an error there.
CASES = [path.parent for path in sorted(GOLDEN.glob("*/case.json"))]
CASES = [f for f in CASES if f.name not in ("basic-worker-id", "variables", "basic-blocks-vars")]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_golden_cases_through_the_command_line(rig: Rig, folder: Path) -> None:
    words = ["-o", "json", "--show-secrets", "--worker-name", told(folder)["worker_name"]]
    for option in ("work_pool", "flow_run", "deployment", "flow", "values"):
        if (folder / f"{option}.json").exists():
            words += [f"--{option.replace('_', '-')}", str(folder / f"{option}.json")]
    env: dict[str, str | None] = {
        "PREFECT_API_URL": "http://127.0.0.1:4200/api",
        "PREFECT_WORKER_QUERY_SECONDS": None,
        "PREFECT_WORKER_HEARTBEAT_SECONDS": None,
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": None,
        **told(folder).get("environment", {}),
    }
    worker = render(rig, *words, env=env)
    want = json.loads((folder / "want.json").read_text())
    if "error" in want:
        refuses(worker, *told(folder).get("mentions", []))
        return
    own = {"manifest": printed(worker), "own_name": "name" in want["manifest"]["metadata"]}
    assert not compare.check_name(own, want)
    hide_env_secret(own["manifest"])
    hide_env_secret(want["manifest"])
    assert not compare.first_difference(own["manifest"], want["manifest"], "manifest")


def hide_env_secret(manifest: Object) -> None:
    for source in container(manifest).get("envFrom", []):
        if "-env-" in source.get("secretRef", {}).get("name", ""):
            source["secretRef"]["name"] = "env"


# -- the API


def test_a_run_of_the_api(rig: Rig) -> None:
    rig.prefect.store.add_variable("tag", "9")
    rig.prefect.store.add_block("secret", "tok", {"value": "s3cr3t"})
    run = rig.scheduled_run(
        image="img:{{ prefect.variables.tag }}", env={"T": "{{ prefect.blocks.secret.tok }}"}
    )
    worker = render(rig, run["id"], "--worker-name", "w1")
    manifest = printed(worker)
    assert container(manifest)["image"] == "img:9"
    assert "s3cr3t" not in worker.text
    assert manifest["metadata"]["labels"]["prefect.io/flow-run-id"] == run["id"]
    assert {entry.method for entry in rig.prefect.journal.find()} == {"GET"}
    assert not rig.kube.journal.find(), "nothing is created"


def test_a_changed_template_against_a_run_of_the_api(rig: Rig) -> None:
    run = rig.scheduled_run()
    template = copy.deepcopy(TEMPLATE)
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod["priorityClassName"] = "high"
    manifest = printed(render(rig, run["id"], *files(rig, template)[:2]))
    assert manifest["spec"]["template"]["spec"]["priorityClassName"] == "high"


def test_faults_of_the_api_are_one_line(rig: Rig) -> None:
    missing = "99999999-9999-9999-9999-999999999999"
    refuses(render(rig, missing), missing)
    refuses(render(rig, missing, env={"PREFECT_API_URL": None}), "PREFECT_API_URL")
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:1/api"}
    refuses(render(rig, missing, env=nobody), "127.0.0.1:1")


def test_it_prints_the_job_that_is_created(rig: Rig) -> None:
    run = rig.scheduled_run(env={"A": "1"})
    worker = rig.start()
    rig.submitted(run)
    worker.stop()
    created = rig.kube.journal.find("POST", r"/jobs")[0].body
    assert printed(render(rig, run["id"], "--worker-name", "w1")) == created


# -- template


def test_template_prints_the_default(rig: Rig) -> None:
    worker = _wait(rig.run([str(binary()), "template"]))
    template = json.loads("\n".join(worker.stdout))
    as_yaml = _wait(rig.run([str(binary()), "template", "-o", "yaml"]))
    assert yaml.safe_load("\n".join(as_yaml.stdout)) == template
    configuration = template["job_configuration"]
    assert list(configuration)[:3] == ["command", "env", "labels"]
    (rig.folder / "default.json").write_text("\n".join(worker.stdout))
    _wait(rig.run([str(binary()), "template", "check", "default.json"]))


def test_template_check_tells_all_faults_with_lines(rig: Rig) -> None:
    (rig.folder / "bad.yaml").write_text(
        "job_configuration:\n"
        "  namespace: 5\n"
        '  labels: {a: "{{ nmae }}"}\n'
        "  job_manifest: {apiVersion: v1, kind: Job}\n"
        "variables: {properties: {name: {}}}\n"
    )
    worker = rig.run([str(binary()), "template", "check", "bad.yaml"])
    assert worker.wait_exit() == 1
    text = "\n".join(worker.stdout)
    for wanted in ("bad.yaml:2: error", "bad.yaml:3: error", "bad.yaml:4: error", "'name' meant"):
        assert wanted in text, text


def test_template_check_of_what_is_no_template(rig: Rig) -> None:
    (rig.folder / "broken.yaml").write_text("a: [\n")
    broken = rig.run([str(binary()), "template", "check", "broken.yaml"])
    refuses(broken, "broken.yaml", "line 2")
    refuses(rig.run([str(binary()), "template", "check"]), "FILE", code=2)
    refuses(rig.run([str(binary()), "template", "check", "nowhere"]), "nowhere")
