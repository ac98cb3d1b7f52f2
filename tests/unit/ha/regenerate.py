"""
Writes the golden files: `python -m tests.unit.ha.regenerate` in the root of the checkout.

One host of each role; read the difference that git shows before committing it.
"""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

from ha import installation, topology
from ha.certificates import Certificates
from ha.render import render
from ha.secrets import Secrets

GOLDEN = Path(__file__).parent / "golden"
HOSTS = ("app1", "backup1", "client", "db1", "dcs1", "lb1", "mon1")
RELEASE = "/opt/evergrid/release-0"
# A key is refused that is short enough to guess.
KNOWN = {field.name: f"the-{field.name}" for field in fields(Secrets)}
SECRETS = Secrets(**KNOWN | {"signing_key": "the-signing_key-".ljust(32, "k")})


def rendered() -> dict[str, str]:
    """Return the files of the topology shipped, with passwords that are none."""
    return render(topology.load(), SECRETS, release=RELEASE)


def installed() -> dict[str, str]:
    """Return what a real host has beyond them, alerts and certificates: units, firewall, …"""
    nobody = Certificates(authorities=(), signed={}, keys={})
    found = installation.of(topology.load(), SECRETS, nobody, release=RELEASE)
    files = {
        f"{host}/{Path(f.path).name}": f.text
        for host, has in found.items()
        for f in has
        if "/rules/" not in f.path and not f.path.endswith(".crt")
    }
    return {name: text for name, text in files.items() if name not in rendered()}


def golden(files: dict[str, str]) -> dict[str, str]:
    """Return those of `files` that a golden file is kept of."""
    return {name: text for name, text in files.items() if name.split("/")[0] in HOSTS}


def main() -> None:
    """Replace the golden files by what is rendered now."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, text in golden(rendered() | installed()).items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
