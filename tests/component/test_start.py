# SPDX-License-Identifier: Apache-2.0
"""Command line, settings, and what ends the process at its start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import TEMPLATE, Rig, Worker, binary

FLAGS = (
    "--pool", "--name", "--work-queue", "--type", "--limit", "--prefetch-seconds", "--run-once",
    "--with-healthcheck", "--install-policy", "--base-job-template", "--create-pool-if-not-found",
)  # fmt: skip


def ends(worker: Worker, code: int, *words: str) -> None:
    """Exits with that code, and one line on stderr names every one of these words."""
    assert worker.wait_exit() == code, worker.text
    lines = [line for line in worker.stderr if all(w.lower() in line.lower() for w in words)]
    assert lines, f"no line with {words}:\n{worker.text}"


def silent(rig: Rig) -> None:
    assert not rig.prefect.journal.find(), "Prefect was asked although the start was in vain"
    assert not rig.kube.journal.find(), "Kubernetes was asked although the start was in vain"


def test_version(rig: Rig) -> None:
    worker = rig.run([str(binary()), "--version"])
    assert worker.wait_exit() == 0
    assert "3.8.8" in worker.text


def test_help_names_every_flag(rig: Rig) -> None:
    worker = rig.run([str(binary()), "start", "--help"])
    assert worker.wait_exit() == 0
    shown = "\n".join(worker.stdout).replace("[no-]", "")
    assert not [flag for flag in FLAGS if flag not in shown]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--bogus"], "--bogus"),
        (["positional"], "positional"),
        (["--limit"], "--limit"),
        (["--limit", "abc"], "abc"),
        (["--prefetch-seconds", "soon"], "soon"),
        (["--install-policy", "sometimes"], "sometimes"),
        (["--pool", "again"], "--pool"),
        (["--with-healthcheck=perhaps"], "perhaps"),
    ],
)
def test_usage_error(rig: Rig, words: list[str], named: str) -> None:
    ends(rig.start(*words), 2, named)
    silent(rig)


def test_pool_is_needed(rig: Rig) -> None:
    ends(rig.start(pool=None), 1, "--pool")
    silent(rig)


def test_negative_limit(rig: Rig) -> None:
    ends(rig.start("--limit", "-1"), 1, "--limit", "-1")
    silent(rig)


@pytest.mark.parametrize("value", [None, ""])
def test_api_url_is_needed(rig: Rig, value: str | None) -> None:
    ends(rig.start(env={"PREFECT_API_URL": value}), 1, "PREFECT_API_URL")
    silent(rig)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREFECT_WORKER_QUERY_SECONDS", "abc"),
        ("PREFECT_WORKER_ENABLE_CANCELLATION", "maybe"),
        ("PREFECT_CLIENT_MAX_RETRIES", "-1"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "no json"),
        ("PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ADDITIONAL_LABEL_FILTERS", "nothing"),
    ],
)
def test_setting_is_checked(rig: Rig, name: str, value: str) -> None:
    ends(rig.start(env={name: value}), 1, name)
    silent(rig)


@pytest.mark.parametrize("name", ["a/b", "100%"])
def test_worker_name_is_checked(rig: Rig, name: str) -> None:
    ends(rig.start(name=name), 1, name)
    silent(rig)


def test_template_file_is_missing(rig: Rig) -> None:
    ends(rig.start("--base-job-template", "nowhere.json"), 1, "nowhere.json")
    silent(rig)


def test_template_file_is_no_json(rig: Rig) -> None:
    (rig.folder / "broken.json").write_text('{"job_configuration": ')
    ends(rig.start("--base-job-template", "broken.json"), 1, "broken.json")
    silent(rig)


def test_kubeconfig_is_missing(rig: Rig) -> None:
    ends(rig.start(env={"KUBECONFIG": str(rig.folder / "nowhere")}), 1, "nowhere")


def test_kubeconfig_is_no_yaml(rig: Rig) -> None:
    rig.config.write_text("clusters: [\n  - {name: 'x'\n")
    ends(rig.start(), 1, str(rig.config))


def test_context_is_missing(rig: Rig) -> None:
    config = json.loads(rig.config.read_text())
    config["current-context"] = "elsewhere"
    rig.write_config(config)
    ends(rig.start(), 1, "elsewhere")


def test_no_cluster_at_all(rig: Rig) -> None:
    rig.pool()
    ends(rig.start(env={"KUBECONFIG": None}), 1, "KUBECONFIG")


def test_no_cluster_but_the_template_has_one(rig: Rig) -> None:
    config = {"config": json.loads(rig.config.read_text()), "context_name": "standin"}
    rig.pool(defaults={"cluster_config": config})
    worker = rig.start(env={"KUBECONFIG": None})
    worker.wait_line("cluster_config")
    worker.wait_started()
    run = rig.scheduled_run()
    rig.submitted(run)
    assert worker.stop() == 0


@pytest.mark.parametrize("kind", ["process", "kubernetes:push", "prefect-agent"])
def test_pool_of_another_type(rig: Rig, kind: str) -> None:
    rig.pool(type=kind)
    ends(rig.start(), 1, kind)
    assert not rig.prefect.journal.find("POST", "get_scheduled")


def test_type_of_another_kind(rig: Rig) -> None:
    rig.pool()
    assert rig.start("--type", "process").wait_exit() in (1, 2)


def test_called_as_prefect(rig: Rig) -> None:
    """A link named `prefect` takes the official command line."""
    rig.pool()
    link = rig.folder / "prefect"
    link.symlink_to(binary())
    worker = rig.run([str(link), "worker", "start", "-p", "pool", "-n", "w1", "-t", "kubernetes"])
    worker.wait_started()
    assert worker.stop() == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--run-once=true"],
        ["-l5", "--run-once"],
        ["--limit", "0x10", "--run-once"],
        ["--limit", "1_000", "--run-once"],
        ["--prefetch_seconds", "1.5", "--run-once"],
        ["--install-policy", "never", "--run-once"],
        ["--type=kubernetes", "--no-with-healthcheck", "--run-once"],
        ["--no-create-pool-if-not-found", "--run-once"],
    ],
)
def test_accepted_spellings(rig: Rig, words: list[str]) -> None:
    rig.pool()
    worker = rig.start(*words)
    assert worker.wait_exit() == 0, worker.text


def write_profiles(folder: Path, url: str) -> None:
    home = folder / "home" / ".prefect"
    home.mkdir(parents=True, exist_ok=True)
    text = f'active = "mine"\n\n[profiles.mine]\nPREFECT_API_URL = "{url}"\n'
    (home / "profiles.toml").write_text(text + '\n[profiles.other]\nPREFECT_API_URL = "http://x"\n')


def test_profile_gives_the_url(rig: Rig) -> None:
    rig.pool()
    write_profiles(rig.folder, rig.prefect.url)
    worker = rig.start("--run-once", env={"PREFECT_API_URL": None})
    assert worker.wait_exit() == 0, worker.text


def test_unknown_profile(rig: Rig) -> None:
    write_profiles(rig.folder, rig.prefect.url)
    link = rig.folder / "prefect"
    link.symlink_to(binary())
    worker = rig.run([str(link), "--profile", "absent", "worker", "start", "-p", "pool"])
    ends(worker, 1, "absent")


def test_dotenv_and_toml(rig: Rig) -> None:
    """.env goes before prefect.toml."""
    rig.pool()
    (rig.folder / ".env").write_text(f"PREFECT_API_URL={rig.prefect.url}\n")
    (rig.folder / "prefect.toml").write_text('[api]\nurl = "http://127.0.0.1:1/api"\n')
    worker = rig.start("--run-once", env={"PREFECT_API_URL": None})
    assert worker.wait_exit() == 0, worker.text


def test_the_cases_own_template_is_valid(rig: Rig) -> None:
    """The template of these tests is one that the API takes."""
    (rig.folder / "template.json").write_text(json.dumps(TEMPLATE))
    worker = rig.start("--base-job-template", "template.json", "--run-once")
    assert worker.wait_exit() == 0, worker.text
    assert rig.prefect.store.pools["pool"]["base_job_template"] == TEMPLATE
