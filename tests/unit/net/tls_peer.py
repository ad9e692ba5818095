# SPDX-License-Identifier: Apache-2.0
"""HTTPS servers with certificates of every right and wrong kind, for tls_test.c.

tls_peer.py FOLDER makes the certificates there (with the openssl command line), starts the servers
on loopback, prints "NAME PORT" for each and "ready", and serves until its standard input ends.
A reply's body is "sni=NAME client=SUBJECT connection=NUMBER resumed=BOOL host=HOST".
"""

import itertools
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

FOLDER = Path(sys.argv[1])
PAST, YESTERDAY, TOMORROW, FUTURE = (
    "20200101000000Z", "20200201000000Z", "20400101000000Z", "20450101000000Z",
)  # fmt: skip


def openssl(*words: str) -> None:
    done = subprocess.run(
        ["openssl", *words], check=False, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(words)}: {done.stderr}")


def path(name: str) -> str:
    return str(FOLDER / name)


def make_key(name: str, kind: str) -> None:
    if kind.startswith("rsa"):
        option = f"rsa_keygen_bits:{kind[3:]}"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", option, "-out", path(name + ".key"))
    elif kind == "ed25519":
        openssl("genpkey", "-algorithm", "ED25519", "-out", path(name + ".key"))
    else:
        option = f"ec_paramgen_curve:{kind}"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", option, "-out", path(name + ".key"))


def issue(
    name: str,
    extensions: str,
    *,
    by: str | None = "ca",
    kind: str = "P-256",
    subject: str = "",
    digest: str = "sha256",
    valid: tuple[str, str] = (YESTERDAY, TOMORROW),
) -> None:
    """NAME.crt and NAME.key, issued by another one, or by itself where `by` is None."""
    make_key(name, kind)
    config = FOLDER / f"{name}.cnf"
    config.write_text(
        "[ca]\ndefault_ca=d\n[d]\nunique_subject=no\ncopy_extensions=none\nrand_serial=yes\n"
        f"database={path(name + '.db')}\nnew_certs_dir={FOLDER}\npolicy=p\nx509_extensions=e\n"
        "[p]\ncommonName=optional\norganizationName=optional\n"
        "[e]\n" + extensions.replace(";", "\n") + "\n"
    )
    (FOLDER / f"{name}.db").write_text("")
    openssl("req", "-new", "-key", path(name + ".key"), "-subj", subject or f"/CN={name}",
            "-out", path(name + ".csr"))  # fmt: skip
    signer = ["-selfsign", "-keyfile", path(name + ".key")]
    if by is not None:
        signer = ["-cert", path(by + ".crt"), "-keyfile", path(by + ".key")]
    openssl("ca", "-batch", "-notext", "-config", str(config), *signer, "-md", digest,
            "-startdate", valid[0], "-enddate", valid[1], "-in", path(name + ".csr"),
            "-out", path(name + ".crt"))  # fmt: skip


def join(out: str, *names: str) -> None:
    (FOLDER / out).write_text("".join((FOLDER / name).read_text() for name in names))


CA = "basicConstraints=critical,CA:TRUE;keyUsage=critical,keyCertSign,cRLSign"
LEAF = "basicConstraints=CA:FALSE;extendedKeyUsage=serverAuth"
CLIENT = "basicConstraints=CA:FALSE;extendedKeyUsage=clientAuth"
LOCALHOST = LEAF + ";subjectAltName=DNS:localhost"


def make_certificates() -> None:
    issue("ca", CA, by=None)
    issue("rsaca", CA, by=None, kind="rsa2048", subject="/O=RSA authority")
    issue("otherca", CA, by=None)
    issue("intermediate", CA, by="ca")
    issue("notca", LEAF, by="ca")
    issue("oldca", CA, by="ca", valid=(PAST, YESTERDAY))
    san = LEAF + ";subjectAltName="
    issue("dns", san + "DNS:localhost,DNS:*.wild.localhost,DNS:*")
    issue("wrong", san + "DNS:other.example,IP:10.0.0.1")
    issue("cn", LEAF, subject="/CN=localhost")
    issue("cnip", LEAF, subject="/CN=127.0.0.1")
    issue("ip4", san + "IP:127.0.0.1")
    issue("ip4dns", san + "DNS:127.0.0.1")
    issue("ip6", san + "IP:::1")
    issue("mapped", san + "IP:::ffff:127.0.0.1")
    issue("expired", LOCALHOST, valid=(PAST, YESTERDAY))
    issue("future", LOCALHOST, valid=(TOMORROW, FUTURE))
    issue("unknown", LOCALHOST, by="otherca")
    issue("selfsigned", LOCALHOST, by=None)
    issue("selfca", "basicConstraints=CA:TRUE;subjectAltName=DNS:localhost", by=None)
    issue("below", LOCALHOST, by="intermediate")
    join("chain.crt", "below.crt", "intermediate.crt")
    join("chain.key", "below.key")
    join("disorder.crt", "below.crt", "notca.crt")
    join("disorder.key", "below.key")
    issue("belownotca", LOCALHOST, by="notca")
    join("usedca.crt", "belownotca.crt", "notca.crt")
    join("usedca.key", "belownotca.key")
    issue("belowold", LOCALHOST, by="oldca")
    join("oldchain.crt", "belowold.crt", "oldca.crt")
    join("oldchain.key", "belowold.key")
    issue("sha1", LOCALHOST, digest="sha1")
    issue("weak", LOCALHOST, kind="rsa1024")
    issue("clientonly", CLIENT + ";subjectAltName=DNS:localhost")
    issue("critical", LOCALHOST + ";1.2.3.4=critical,ASN1:NULL")
    issue("rsa", LOCALHOST, by="rsaca", kind="rsa2048")
    issue("p384", LOCALHOST, kind="P-384", digest="sha384")
    issue("p521", LOCALHOST, kind="P-521", digest="sha512")
    issue("ed25519", LOCALHOST, kind="ed25519")
    for kind in ("rsa2048", "rsa4096", "P-256", "P-384", "P-521"):
        issue(f"client-{kind}", CLIENT, kind=kind)
    issue("client-other", CLIENT, by="otherca")
    join("both.crt", "ca.crt", "rsaca.crt")
    join("mixed.crt", "ed25519.crt", "ca.crt")
    openssl("rsa", "-traditional", "-in", path("client-rsa2048.key"), "-out", path("pkcs1.key"))
    openssl("ec", "-in", path("client-P-256.key"), "-out", path("sec1.key"))
    openssl("pkcs8", "-topk8", "-in", path("client-P-256.key"), "-out", path("secret.key"),
            "-passout", "pass:x")  # fmt: skip
    openssl("rsa", "-traditional", "-in", path("client-rsa2048.key"), "-out",
            path("secret1.key"), "-aes128", "-passout", "pass:x")  # fmt: skip


numbers = itertools.count(1)  # of the connections, in order


def subject_of(connection: ssl.SSLSocket) -> str:
    certificate = connection.getpeercert() or {}
    return "".join(v for rdn in certificate.get("subject", ()) for k, v in rdn if k == "commonName")


def serve_connection(plain: socket.socket, context: ssl.SSLContext) -> None:
    try:
        connection = context.wrap_socket(plain, server_side=True)
    except (OSError, ValueError):
        plain.close()
        return
    number = next(numbers)
    try:
        with connection, connection.makefile("rb") as lines:
            while lines.readline().strip():
                host = ""
                while line := lines.readline().strip():
                    if line.lower().startswith(b"host:"):
                        host = line[5:].strip().decode()
                body = (
                    f"sni={getattr(connection, 'asked', None)} client={subject_of(connection)} "
                    f"connection={number} resumed={connection.session_reused} host={host}"
                ).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                connection.sendall(head + body)
    except OSError:
        pass


def accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=serve_connection, args=(plain, context), daemon=True).start()


def start(name: str, cert: str, host: str = "127.0.0.1", **options) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(options.get("ciphers", "DEFAULT") + ":@SECLEVEL=0")
    context.load_cert_chain(path(cert + ".crt"), path(cert + ".key"))
    context.minimum_version = options.get("lowest", ssl.TLSVersion.TLSv1)
    context.maximum_version = options.get("highest", ssl.TLSVersion.TLSv1_3)
    if options.get("wants_client"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(path("ca.crt"))
    context.sni_callback = lambda connection, asked, _: setattr(connection, "asked", asked)
    listener = socket.create_server(
        (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64
    )
    print(name, listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()


make_certificates()
for each in (
    "dns", "wrong", "cn", "cnip", "ip4", "ip4dns", "mapped", "expired", "future", "unknown",
    "selfsigned", "selfca", "below", "chain", "disorder", "usedca", "oldchain", "sha1", "weak",
    "clientonly", "critical", "rsa", "p384", "p521",
):  # fmt: skip
    start(each, each)
start("ip6", "ip6", host="::1")
start("clients", "dns", wants_client=True)
start("tls13", "dns", lowest=ssl.TLSVersion.TLSv1_3)
start("tls11", "dns", highest=ssl.TLSVersion.TLSv1_1)
start("cbc", "rsa", ciphers="ECDHE-RSA-AES256-SHA384", highest=ssl.TLSVersion.TLSv1_2)
start("chacha", "dns", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305", highest=ssl.TLSVersion.TLSv1_2)
start("norsakx", "rsa", ciphers="AES128-GCM-SHA256", highest=ssl.TLSVersion.TLSv1_2)
print("ready", flush=True)
sys.stdin.read()
