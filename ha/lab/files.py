"""Files: puts what `ha.render` wrote onto the disks of a lab's hosts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ha import ownership
from ha.lab.layout import ROOT, Layout
from ha.topology import Topology


def write(layout: Layout, topology: Topology, texts: dict[str, str]) -> None:
    """
    Write every "<host>/<file>" of `texts` as that host's /etc/evergrid/<file>, and nothing else.

    The hosts' data and logs stay as they are.
    """
    ROOT.mkdir(
        mode=0o700, exist_ok=True
    )  # what keeps the passwords from other users of the machine
    for host in topology.hosts:
        for part in ("etc", "data", "log"):
            (layout.host_folder(host.name) / part).mkdir(parents=True, exist_ok=True)
        write_host(layout, host.name, of_host(texts, host.name))


def of_host(texts: dict[str, str], host: str) -> dict[str, str]:
    """Return the files of one host, by their names under its /etc/evergrid."""
    prefix = f"{host}/"
    return {key.removeprefix(prefix): t for key, t in texts.items() if key.startswith(prefix)}


def write_host(layout: Layout, host: str, texts: dict[str, str]) -> None:
    """Write the files of one host, and nothing else."""
    folder = layout.host_folder(host) / "etc"
    _remove_others(folder, set(texts))
    for name, text in texts.items():
        put(folder / name, text, ownership.of_file(name))


def read_host(layout: Layout, host: str) -> dict[str, str]:
    """Return the files of one host as they are now."""
    folder = layout.host_folder(host) / "etc"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def put(path: Path, text: str, owned: ownership.Owned) -> None:
    """Write the file so that nobody finds half of it, or with too wide a mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    shutil.chown(new, owned.user, owned.group)
    new.chmod(owned.mode)
    new.replace(path)


def _remove_others(folder: Path, wanted: set[str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
