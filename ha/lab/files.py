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
        wanted = {key.split("/", 1)[1] for key in texts if key.startswith(f"{host.name}/")}
        _remove_others(layout.host_folder(host.name) / "etc", wanted)
    for key, text in texts.items():
        host_name, name = key.split("/", 1)
        _put(layout.host_folder(host_name) / "etc" / name, text, ownership.of_file(name))


def alert_rules() -> dict[str, str]:
    """Return the alerts installed beside this package, as files of the monitor."""
    folder = Path(__file__).parents[2] / "monitoring" / "rules"
    return {
        f"rules/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(folder.glob("*.yml"))
        if not path.stem.endswith("_test")
    }


def _put(path: Path, text: str, owned: ownership.Owned) -> None:
    """Write the file so that it never exists with too wide a mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    shutil.chown(path, owned.user, owned.group)
    path.chmod(owned.mode)


def _remove_others(folder: Path, wanted: set[str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
