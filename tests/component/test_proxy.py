# SPDX-License-Identifier: Apache-2.0
"""HTTP_PROXY, HTTPS_PROXY, NO_PROXY, proxy-url."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Rig
from standin.kube import kubeconfig
from standin.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as made:
        yield made


def submits(rig: Rig, **env: str) -> None:
    run = rig.scheduled_run()
    worker = rig.start(env=dict(env))
    rig.submitted(run, timeout_s=15)
    assert worker.stop() == 0


def ports(proxy: Proxy, method: str) -> set[str]:
    return {target.rsplit(":", 1)[-1].split("/")[0] for m, target in proxy.seen if m == method}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_http_proxy(rig: Rig, proxy: Proxy, name: str) -> None:
    submits(rig, **{name: proxy.url})
    told = [target for method, target in proxy.seen if method == "POST"]
    assert any(target.startswith(rig.prefect.url + "/work_pools/pool/") for target in told)
    assert not ports(proxy, "CONNECT")


def test_https_proxy(rig: Rig, proxy: Proxy) -> None:
    submits(rig, HTTPS_PROXY=proxy.url)
    assert ports(proxy, "CONNECT") == {str(rig.kube.server.port)}
    assert {method for method, _ in proxy.seen} == {"CONNECT"}


def test_all_proxy(rig: Rig, proxy: Proxy) -> None:
    submits(rig, ALL_PROXY=proxy.url)
    assert ports(proxy, "CONNECT") == {str(rig.kube.server.port)}
    assert "POST" in {method for method, _ in proxy.seen}


@pytest.mark.parametrize(
    "excepted",
    ["127.0.0.0/8", "10.0.0.0/8,127.0.0.1/32", "127.0.0.1", "*", "example.org, 127.0.0.1"],
)
def test_no_proxy(rig: Rig, proxy: Proxy, excepted: str) -> None:
    submits(rig, ALL_PROXY=proxy.url, HTTPS_PROXY=proxy.url, NO_PROXY=excepted)
    assert not proxy.seen


@pytest.mark.parametrize("excepted", ["10.0.0.0/8", "127.0.0.2", "128.0.0.0/1", "localhost"])
def test_no_proxy_for_others(rig: Rig, proxy: Proxy, excepted: str) -> None:
    submits(rig, HTTPS_PROXY=proxy.url, NO_PROXY=excepted)
    assert ports(proxy, "CONNECT") == {str(rig.kube.server.port)}


def test_no_proxy_names(rig: Rig, proxy: Proxy) -> None:
    url = rig.kube.url.replace("127.0.0.1", "localhost")
    rig.write_config(kubeconfig(url, ca=rig.ca))
    submits(rig, HTTPS_PROXY=proxy.url, NO_PROXY="localhost")
    assert not proxy.seen


def test_password(rig: Rig) -> None:
    with Proxy("user:pass") as proxy:
        submits(rig, HTTPS_PROXY=proxy.url.replace("//", "//user:pass@"))
        assert proxy.seen


def test_proxy_url_of_the_kubeconfig(rig: Rig, proxy: Proxy) -> None:
    rig.write_config(kubeconfig(rig.kube.url, ca=rig.ca, proxy_url=proxy.url))
    submits(rig)
    assert ports(proxy, "CONNECT") == {str(rig.kube.server.port)}


@pytest.mark.parametrize("status", [403, 407, 502])
def test_proxy_refuses(rig: Rig, proxy: Proxy, status: int) -> None:
    proxy.refuse_status = status
    rig.pool()
    worker = rig.start("--run-once", env={"HTTPS_PROXY": proxy.url})
    assert worker.wait_exit(30) == 1, worker.text
    assert worker.matching(f"proxy.*{status}|{status}.*proxy"), worker.text


def test_proxy_is_away(rig: Rig, proxy: Proxy) -> None:
    proxy.__exit__()
    rig.pool()
    worker = rig.start("--run-once", env={"HTTPS_PROXY": proxy.url})
    assert worker.wait_exit(30) == 1, worker.text
    assert worker.matching("proxy|" + str(proxy.port))
