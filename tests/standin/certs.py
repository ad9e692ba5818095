# SPDX-License-Identifier: Apache-2.0
"""Certificates of every right and wrong kind, made with the openssl command line."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    cert: Path
    key: Path

    def text(self) -> tuple[str, str]:
        return self.cert.read_text(), self.key.read_text()


def openssl(*words: str) -> None:
    done = subprocess.run(
        ["openssl", *words], check=False, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]} failed: {done.stderr.strip()}")


def make_key(path: Path, kind: str) -> None:
    if kind == "ec":
        openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path)
        )
    elif kind == "rsa":
        openssl(
            "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(path)
        )
    else:
        raise ValueError(f"key kind {kind!r}: ec or rsa")


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder: Path, name: str = "standin-ca", kind: str = "ec") -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = self.folder / "ca.crt", self.folder / "ca.key"
        self._serial = 1
        if not self.cert.exists():
            make_key(self.key, kind)
            openssl(
                "req", "-x509", "-new", "-key", str(self.key), "-out", str(self.cert), "-days", "3",
                "-sha256", "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            )  # fmt: skip

    def issue(
        self,
        name: str,
        sans: list[str] | None = None,
        *,
        subject: str | None = None,
        kind: str = "ec",
        usage: str = "serverAuth",
        days: int = 2,
    ) -> Pair:
        """A certificate; `sans` as openssl writes them ("DNS:a", "IP:127.0.0.1"); days < 0: expired."""
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        make_key(pair.key, kind)
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        lines = ["basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={usage}"]
        if sans:
            lines.append("subjectAltName=" + ",".join(sans))
        extensions.write_text("\n".join(lines) + "\n")
        openssl("req", "-new", "-key", str(pair.key), "-out", str(request), "-subj",
                subject or f"/CN={name}")  # fmt: skip
        self._serial += 1
        openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.cert), "-CAkey", str(self.key),
            "-set_serial", str(self._serial), "-days", str(days), "-sha256", "-extfile",
            str(extensions), "-out", str(pair.cert),
        )  # fmt: skip
        return pair


def server_context(
    pair: Pair, clients: Path | None = None, only_tls13: bool = False
) -> ssl.SSLContext:
    """For a server; with `clients` (a CA) it asks for a client certificate, as an API server does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_OPTIONAL
    if only_tls13:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
