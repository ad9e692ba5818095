# SPDX-License-Identifier: Apache-2.0
"""Container images without an engine: a docker-archive of one layer, made from a folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

from .layout import ClusterError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(archive: Path, name: str, folder: Path, entrypoint: list[str]) -> None:
    """Writes the image NAME with FOLDER as its root to ARCHIVE. Equal input gives equal bytes."""
    layer = layer_of(folder)
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[os.uname().machine],
            "os": "linux",
            "config": {"Entrypoint": entrypoint, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()],
            },
        }
    ).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps(
        [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    ).encode()
    with tarfile.open(archive, "w") as out:
        for member, data in (
            (config_name, config),
            ("layer.tar", layer),
            ("manifest.json", manifest),
        ):
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            out.addfile(entry, io.BytesIO(data))


def layer_of(folder: Path) -> bytes:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for path in sorted(folder.rglob("*")):
            layer.add(path, arcname=str(path.relative_to(folder)), recursive=False, filter=plain)
    return buffer.getvalue()


def busybox_root(folder: Path) -> None:
    """Lays out the root of a small system: busybox under the names of all its applets."""
    source = Path("/bin/busybox")
    if needs_interpreter(source):
        raise ClusterError(f"{source} is not static: install Debian's busybox-static")
    (folder / "bin").mkdir(parents=True)
    (folder / "tmp").mkdir(mode=0o1777)
    shutil.copy(source, folder / "bin/busybox")
    applets = subprocess.run(
        [source, "--list"], check=True, capture_output=True, text=True
    ).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")


def needs_interpreter(program: Path) -> bool:
    """Whether a 64-bit ELF file asks for a dynamic linker, which an image of its own would lack."""
    data = program.read_bytes()
    (offset,) = struct.unpack_from("<Q", data, 32)  # e_phoff
    size, count = struct.unpack_from("<HH", data, 54)  # e_phentsize, e_phnum
    interpreter = 3  # PT_INTERP
    return any(
        struct.unpack_from("<I", data, offset + i * size)[0] == interpreter for i in range(count)
    )
