# SPDX-License-Identifier: Apache-2.0
"""TLS: which servers are trusted, and as whom we come."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from harness import Rig, settle
from standin.certs import Authority, server_context
from standin.kube import Kube, client_pair, kubeconfig
from standin.kube_access import WORKER
from standin.prefect import Prefect


def serve(rig: Rig, authority: Authority, name: str, sans: list[str] | None, **more) -> Kube:
    """The rig's Kubernetes gets this certificate; `host` may be another loopback address."""
    host = more.pop("host", "127.0.0.1")
    only_tls13 = more.pop("only_tls13", False)
    pair = authority.issue(name, sans, **more)
    rig.kube.server.stop()
    rig.kube = Kube(host=host, tls=server_context(pair, authority.cert, only_tls13))
    rig.kube.server.start()
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca))
    return rig.kube


def accepted(rig: Rig) -> None:
    run = rig.scheduled_run()
    worker = rig.start()
    rig.submitted(run, timeout_s=15)
    assert worker.stop() == 0


def refused(rig: Rig, *words: str) -> None:
    """With --run-once it ends with 1; the line names the server and these words."""
    run = rig.scheduled_run()
    worker = rig.start("--run-once")
    assert worker.wait_exit(30) == 1, worker.text
    assert not rig.kube.journal.find(), "a request went to a server that is not trusted"
    assert rig.prefect.states(run) == ["Scheduled"], "nothing is claimed"
    lines = [x for x in worker.lines if all(w.lower() in x.lower() for w in words)]
    assert lines, f"no line names {words}:\n{worker.text}"


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_address_in_the_san(rig: Rig, authority: Authority, kind: str) -> None:
    serve(rig, authority, f"v4-{kind}", ["IP:127.0.0.1"], kind=kind)
    accepted(rig)


def test_v6_address_in_the_san(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "v6", ["IP:::1"], host="::1")
    accepted(rig)


def test_wrong_v4_address(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "v4-wrong", ["IP:127.0.0.2", "DNS:localhost"])
    refused(rig, "127.0.0.1", "certificate")


def test_wrong_v6_address(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "v6-wrong", ["IP:::2", "IP:127.0.0.1"], host="::1")
    refused(rig, "::1", "certificate")


def test_address_as_dns_name(rig: Rig, authority: Authority) -> None:
    """A dNSName that looks like an address is none."""
    serve(rig, authority, "v4-dns", ["DNS:127.0.0.1"])
    refused(rig, "127.0.0.1", "certificate")


@pytest.mark.parametrize("subject", ["/CN=127.0.0.1", "/CN=localhost"])
def test_name_in_the_cn_only(rig: Rig, authority: Authority, subject: str) -> None:
    serve(rig, authority, "cn" + subject.replace("/", "-"), None, subject=subject)
    if "localhost" in subject:
        url = rig.kube.url.replace("127.0.0.1", "localhost")
        rig.write_config(kubeconfig(url, ca=rig.ca))
    refused(rig, "certificate")


def test_v4_mapped_address(rig: Rig, authority: Authority) -> None:
    """::ffff:127.0.0.1 reaches the v4 listener; the v4 SAN does not count for it."""
    serve(rig, authority, "mapped", ["IP:127.0.0.1"])
    url = rig.kube.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    rig.write_config(kubeconfig(url, ca=rig.ca))
    refused(rig, "::ffff:127.0.0.1")


def test_name_in_the_san(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "name", ["DNS:localhost"])
    rig.write_config(kubeconfig(rig.kube.url.replace("127.0.0.1", "localhost"), ca=rig.ca))
    accepted(rig)


def test_wrong_name(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "name-wrong", ["DNS:elsewhere.example", "IP:127.0.0.1"])
    rig.write_config(kubeconfig(rig.kube.url.replace("127.0.0.1", "localhost"), ca=rig.ca))
    refused(rig, "localhost", "certificate")


def test_tls_server_name(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "sni", ["DNS:kubernetes.default.svc"])
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, tls_server_name="kubernetes.default.svc"))
    accepted(rig)


def test_tls_server_name_is_verified(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "sni-wrong", ["IP:127.0.0.1", "DNS:localhost"])
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, tls_server_name="kubernetes.default.svc"))
    refused(rig, "kubernetes.default.svc")


def test_wrong_authority(rig: Rig, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other-ca")
    rig.write_config(kubeconfig(rig.kube.url, ca=other.cert))
    refused(rig, "certificate", "CA")


def test_no_authority_given(rig: Rig) -> None:
    """Then the system's bundle counts, and that does not know this server."""
    rig.write_config(kubeconfig(rig.kube.url))
    refused(rig, "certificate")


def test_no_bundle_at_all(rig: Rig) -> None:
    """The line tells which paths were tried."""
    rig.write_config(kubeconfig(rig.kube.url))
    nowhere = str(rig.folder / "no-bundle.pem")
    rig.pool()
    worker = rig.start("--run-once", env={"SSL_CERT_FILE": nowhere})
    assert worker.wait_exit(30) == 1
    assert nowhere in worker.text


def test_expired_certificate(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "expired", ["IP:127.0.0.1"], days=-1)
    refused(rig, "expired")


def test_insecure_on_request(rig: Rig, authority: Authority) -> None:
    serve(rig, authority, "untrusted", ["DNS:elsewhere.example"])
    rig.write_config(kubeconfig(rig.kube.url, insecure_skip_tls_verify=True))
    accepted(rig)


def test_only_tls13(rig: Rig, authority: Authority) -> None:
    """Not spoken here, and said in so many words."""
    serve(rig, authority, "tls13", ["IP:127.0.0.1"], only_tls13=True)
    refused(rig, "1.3")


def test_plain_http_behind_https(rig: Rig) -> None:
    rig.kube.server.tls = None
    rig.write_config(kubeconfig(rig.kube.url.replace("http:", "https:"), ca=rig.ca))
    refused(rig, "TLS")


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("embedded", [True, False])
def test_client_certificate(rig: Rig, authority: Authority, kind: str, embedded: bool) -> None:
    pair = client_pair(authority, WORKER, kind)
    if embedded:
        cert, key = (base64.b64encode(t.encode()).decode() for t in pair.text())
        user = {"client-certificate-data": cert, "client-key-data": key}
    else:
        user = {"client-certificate": str(pair.cert), "client-key": str(pair.key)}
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, user=user))
    rig.kube.access.tokens = {}
    accepted(rig)


def test_client_certificate_and_key_differ(rig: Rig, authority: Authority) -> None:
    one, other = (client_pair(authority, n) for n in ("one", "other"))
    user = {"client-certificate": str(one.cert), "client-key": str(other.key)}
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, user=user))
    rig.pool()
    worker = rig.start("--run-once")
    assert worker.wait_exit(30) == 1, worker.text
    assert worker.matching("key")


def test_certificate_gets_right_later(rig: Rig, authority: Authority) -> None:
    """A refused server is tried again; nothing is claimed before."""
    serve(rig, authority, "later-wrong", ["DNS:elsewhere.example"])
    run = rig.scheduled_run()
    worker = rig.start()
    worker.wait_line("certificate")
    settle(0.5)
    assert rig.prefect.states(run) == ["Scheduled"]
    rig.kube.server.tls = server_context(authority.issue("later-right", ["IP:127.0.0.1"]))
    rig.submitted(run, timeout_s=40)
    assert worker.stop() == 0


def https_prefect(rig: Rig, authority: Authority, sans: list[str]) -> Prefect:
    pair = authority.issue("prefect-" + sans[0].replace(":", "-"), sans)
    rig.prefect.stop()
    rig.prefect = Prefect(tls=server_context(pair))
    rig.prefect.server.start()
    return rig.prefect


def test_prefect_over_tls(rig: Rig, authority: Authority) -> None:
    https_prefect(rig, authority, ["IP:127.0.0.1"])
    run = rig.scheduled_run()
    worker = rig.start(env={"PREFECT_API_SSL_CERT_FILE": str(authority.cert)})
    rig.submitted(run)
    assert worker.stop() == 0


def test_prefect_is_not_trusted(rig: Rig, authority: Authority) -> None:
    server = https_prefect(rig, authority, ["DNS:elsewhere.example"])
    env = {"PREFECT_API_SSL_CERT_FILE": str(authority.cert), "PREFECT_CLIENT_MAX_RETRIES": "0"}
    worker = rig.start("--run-once", env=env)
    assert worker.wait_exit(30) == 1, worker.text
    assert worker.matching("certificate") and not server.journal.find()


def test_prefect_insecure_on_request(rig: Rig, authority: Authority) -> None:
    https_prefect(rig, authority, ["DNS:elsewhere.example"])
    rig.pool()
    worker = rig.start("--run-once", env={"PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true"})
    assert worker.wait_exit(30) == 0, worker.text
