"""Operators: what the commands of a lab show to its hosts, outside of which they run."""

from __future__ import annotations

from pathlib import Path

from ha import certificates
from ha.certificates import OPERATOR, Certificates
from ha.lab import files
from ha.lab.layout import Layout
from ha.ownership import Owned

_CURLRC = "curlrc"
# What curl is told on a host of the lab, to ask as that host.
AS_HOST = ("--config", "/etc/evergrid/curlrc")
_SECRET = Owned("root", "root", 0o600)


def write(layout: Layout, found: Certificates) -> None:
    """Write the operators' certificate to where only root reads it."""
    folder = layout.operators
    texts = certificates.of(found, OPERATOR)
    shown = {
        "cacert": certificates.AUTHORITY_FILE,
        "cert": certificates.CERTIFICATE_FILE,
        "key": certificates.KEY_FILE,
    }
    texts[_CURLRC] = "".join(f'{option} = "{folder / name}"\n' for option, name in shown.items())
    for name, text in texts.items():
        files.put(folder / name, text, _SECRET)


def authority(layout: Layout) -> Path:
    """Return the file by which clients of the lab know its edge."""
    return layout.operators / certificates.AUTHORITY_FILE


def curl(layout: Layout) -> list[str]:
    """Return the beginning of a command that asks a host of the lab; all that follows is curl's."""
    return ["curl", "--silent", "--config", str(layout.operators / _CURLRC)]
