# SPDX-License-Identifier: Apache-2.0
"""How the worker finds its cluster and proves who it is: kubeconfig, exec plugins, in-cluster."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from harness import Rig, settle
from standin.certs import Authority
from standin.kube import client_pair, kubeconfig
from standin.kube_access import WORKER

API = "client.authentication.k8s.io/v1"


def accepted(rig: Rig, **more) -> None:
    run = rig.scheduled_run()
    worker = rig.start(**more)
    rig.submitted(run, timeout_s=15)
    assert worker.stop() == 0


def with_user(rig: Rig, user: dict, **cluster) -> None:
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, user=user, **cluster))


def test_yaml(rig: Rig) -> None:
    rig.config.write_text(f"""# written by hand
apiVersion: v1
kind: Config
current-context: here
preferences: {{}}
clusters:
- name: c
  cluster:
    server: {rig.kube.url}
    certificate-authority: {rig.ca}
contexts:
- context: {{cluster: c, user: u}}
  name: here
users:
- name: u
  user: {{token: "standin-token"}}
""")
    accepted(rig)


def test_embedded_authority(rig: Rig) -> None:
    data = base64.b64encode(rig.ca.read_bytes()).decode()
    rig.write_config(kubeconfig(rig.kube.url, certificate_authority_data=data))
    accepted(rig)


def test_relative_paths(rig: Rig) -> None:
    """They are relative to the file that names them."""
    folder = rig.folder / "conf"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(rig.ca.read_bytes())
    (folder / "token").write_text("standin-token\n")
    config = kubeconfig(rig.kube.url, user={"tokenFile": "token"}, certificate_authority="ca.pem")
    path = rig.write_config(config, folder / "config")
    accepted(rig, env={"KUBECONFIG": str(path)})


def test_default_place(rig: Rig) -> None:
    folder = rig.folder / "home" / ".kube"
    folder.mkdir(parents=True)
    rig.write_config(path=folder / "config")
    accepted(rig, env={"KUBECONFIG": None})


def test_list_of_files(rig: Rig) -> None:
    """Merged: what is named first wins; a file that is missing is left out."""
    whole = kubeconfig(rig.kube.url, ca=rig.ca)
    one = {k: v for k, v in whole.items() if k in ("apiVersion", "kind", "clusters", "contexts")}
    other = {k: v for k, v in whole.items() if k != "contexts"}
    other["clusters"] = [{"name": "standin", "cluster": {"server": "https://127.0.0.1:1"}}]
    paths = [
        rig.write_config(one, rig.folder / "one"),
        rig.folder / "missing",
        rig.write_config(other, rig.folder / "other"),
    ]
    accepted(rig, env={"KUBECONFIG": ":".join(map(str, paths))})


def test_wrong_token(rig: Rig) -> None:
    """401: said, nothing claimed; it works as soon as the token does."""
    with_user(rig, {"token": "expired"})
    run = rig.scheduled_run()
    worker = rig.start()
    worker.wait_line("401|unauthorized|credential|token")
    settle(0.5)
    assert rig.prefect.states(run) == ["Scheduled"]
    rig.kube.access.tokens["expired"] = WORKER
    rig.submitted(run, timeout_s=40)
    assert worker.stop() == 0


def test_wrong_token_with_run_once(rig: Rig) -> None:
    with_user(rig, {"token": "expired"})
    rig.pool()
    worker = rig.start("--run-once")
    assert worker.wait_exit(30) == 1, worker.text


def test_token_file_rotates(rig: Rig) -> None:
    token = rig.folder / "token"
    token.write_text("first")
    rig.kube.access.tokens = {"first": WORKER}
    with_user(rig, {"tokenFile": str(token)})
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run)
    token.write_text("second\n")
    rig.kube.access.tokens = {"second": WORKER}
    rig.submitted(rig.scheduled_run(), timeout_s=20)
    refused = [e for e in rig.kube.journal.find() if e.status == 401]
    assert len(refused) <= 4, "a 401 makes the worker read the file again at once"
    assert worker.stop() == 0


def test_basic_authentication(rig: Rig) -> None:
    rig.pool()
    with_user(rig, {"username": "user", "password": "pass-word"})
    worker = rig.start()
    entry = rig.kube.journal.wait()[0]
    wanted = "Basic " + base64.b64encode(b"user:pass-word").decode()
    assert entry.request.header("Authorization") == wanted
    assert worker.stop() == 0


def plugin(rig: Rig, text: str, **more) -> None:
    """An exec plugin: a shell script that counts its calls in `calls`."""
    script = rig.folder / "plugin"
    script.write_text(f"#!/bin/sh\necho call >> {rig.folder}/calls\n{text}\n")
    script.chmod(0o755)
    entry = {"apiVersion": API, "command": str(script), "interactiveMode": "Never", **more}
    with_user(rig, {"exec": entry})


def answer(rig: Rig, name: str = "answer.json", **status) -> Path:
    path = rig.folder / name
    body = {"apiVersion": API, "kind": "ExecCredential", "status": status}
    path.write_text(json.dumps(body))
    return path


def calls(rig: Rig) -> int:
    path = rig.folder / "calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_exec_token(rig: Rig) -> None:
    plugin(rig, f"cat {answer(rig, token='standin-token')}")
    accepted(rig)
    assert calls(rig) == 1, "one call serves every request"


def test_exec_gets_arguments_and_environment(rig: Rig) -> None:
    text = f'test "$1 $2" = "get token" && test "$CLUSTER" = "c 1" && cat {answer(rig, token="standin-token")}'
    plugin(rig, text, args=["get", "token"], env=[{"name": "CLUSTER", "value": "c 1"}])
    accepted(rig)


def test_exec_certificate(rig: Rig, authority: Authority) -> None:
    cert, key = client_pair(authority, WORKER).text()
    path = answer(rig, clientCertificateData=cert, clientKeyData=key)
    rig.kube.access.tokens = {}
    plugin(rig, f"cat {path}")
    accepted(rig)


def test_exec_expiry(rig: Rig) -> None:
    """Asked again when its answer has expired."""
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    first = answer(rig, token="standin-token", expirationTimestamp=soon)
    plugin(rig, f"cat {first}")
    worker = rig.start()
    rig.submitted(rig.scheduled_run())
    settle(2.5)
    rig.kube.access.tokens["renewed"] = WORKER
    answer(rig, token="renewed")
    rig.submitted(rig.scheduled_run(), timeout_s=20)
    posts = rig.kube.journal.find("POST", "/jobs")
    assert posts[-1].request.header("Authorization") == "Bearer renewed"
    assert calls(rig) <= 4
    assert worker.stop() == 0


def test_exec_is_asked_again_after_a_401(rig: Rig) -> None:
    path = answer(rig, token="standin-token")
    plugin(rig, f"cat {path}")
    worker = rig.start()
    rig.submitted(rig.scheduled_run())
    answer(rig, token="renewed")
    rig.kube.access.tokens = {"renewed": WORKER}
    rig.submitted(rig.scheduled_run(), timeout_s=20)
    assert calls(rig) == 2
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("echo no session: log in first >&2; exit 7", "log in first"),
        ('echo \'{"kind": "Nonsense"}\'', "plugin"),
        ("echo not json", "plugin"),
        ("head -c 5000000 /dev/zero", "plugin"),
    ],
    ids=["exit", "kind", "text", "endless"],
)
def test_exec_fails(rig: Rig, text: str, named: str) -> None:
    """A line that tells the plugin's words; tried again, and good in the end."""
    plugin(rig, text)
    run = rig.scheduled_run()
    worker = rig.start()
    worker.wait_line(named)
    assert rig.prefect.states(run) == ["Scheduled"]
    plugin(rig, f"cat {answer(rig, token='standin-token')}")
    rig.submitted(run, timeout_s=40)
    assert worker.stop() == 0


def test_exec_is_missing(rig: Rig) -> None:
    entry = {"apiVersion": API, "command": "no-such-plugin", "installHint": "get it from the shelf"}
    with_user(rig, {"exec": entry})
    rig.pool()
    worker = rig.start("--run-once")
    assert worker.wait_exit(30) == 1, worker.text
    assert worker.matching("no-such-plugin")


def test_exec_hangs(rig: Rig) -> None:
    """The loop goes on meanwhile; SIGTERM still ends the worker, and the plugin with it."""
    plugin(rig, f"echo $$ > {rig.folder}/pid; exec sleep 300")
    rig.pool()
    worker = rig.start()
    rig.prefect.journal.wait("POST", "/heartbeat", count=3)
    assert not rig.prefect.journal.find("POST", "set_state")
    assert worker.stop() == 0
    pid = (rig.folder / "pid").read_text().strip()
    settle(0.3)
    assert not Path(f"/proc/{pid}").exists(), "the plugin was left behind"


def in_cluster(rig: Rig, token: str) -> list[str]:
    """Words that run the binary where the service account's files are at their true place."""
    account = rig.folder / "account"
    account.mkdir()
    (account / "token").write_text(token)
    (account / "ca.crt").write_bytes(rig.ca.read_bytes())
    (account / "namespace").write_text("default")
    place = "/run/secrets/kubernetes.io/serviceaccount"
    script = (
        f"mount -t tmpfs none /run && mkdir -p {place} && mount --bind {account} {place} && "
        'exec "$@"'
    )
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


def test_in_cluster(rig: Rig) -> None:
    env = {
        "KUBECONFIG": None,
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(rig.kube.server.port),
    }
    rig.kube.access.tokens = {"first": WORKER}
    run = rig.scheduled_run()
    worker = rig.start(env=env, before=in_cluster(rig, "first"))
    rig.submitted(run)
    (rig.folder / "account" / "token").write_text("second")
    rig.kube.access.tokens = {"second": WORKER}
    rig.submitted(rig.scheduled_run(), timeout_s=20)
    assert worker.stop() == 0
