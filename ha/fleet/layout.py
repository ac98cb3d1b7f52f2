"""Layout: where a fleet keeps its files, what it calls the things it makes in the kernel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ha.lab.errors import LabFailed

ROOT = Path("/var/lib/evergrid-fleet")
# What every machine of every fleet is made from; its name can be no fleet's.
BASE = ROOT / "base.image"

# Short, because the bridge "efb-<name>" must fit into the kernel's 15 characters.
_NAME = re.compile(r"[a-z0-9]{1,11}")


class FleetFailed(LabFailed):
    """The fleet could not do what was asked."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The names that belong to one fleet; nothing else on the machine does."""

    fleet: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.fleet):
            raise FleetFailed(
                f"{self.fleet!r} is no name for a fleet: 1 to 11 of the letters a-z, 0-9"
            )

    @property
    def folder(self) -> Path:
        """Everything the fleet keeps on disk."""
        return ROOT / self.fleet

    @property
    def site(self) -> Path:
        """The folder that Ansible is given: inventory, topology, secrets."""
        return self.folder / "site"

    @property
    def key(self) -> Path:
        """The private key that opens every machine of the fleet."""
        return self.folder / "ssh_key"

    @property
    def known_hosts(self) -> Path:
        """The machines' public keys, so that ssh trusts these and no others."""
        return self.folder / "known_hosts"

    @property
    def bridge(self) -> str:
        """Name of the switch all machines are plugged into."""
        return f"efb-{self.fleet}"

    @property
    def table(self) -> str:
        """Name of the packet filter's table that lets the machines reach Debian's packages."""
        return f"evergrid_fleet_{self.fleet}"

    def machine(self, host: str) -> str:
        """Return what systemd-nspawn calls a machine."""
        return f"{self.fleet}-{host}"

    def mark(self, host: str) -> str:
        """Return by what the processes of a machine are known, `host` "" means all machines."""
        return f"fleet-{self.fleet}/{host}"

    def disk(self, host: str) -> Path:
        """Return the folder with what a machine has changed, and where its root is mounted."""
        return self.folder / "machines" / host

    def root(self, host: str) -> Path:
        """Return the root of a machine."""
        return self.disk(host) / "root"

    def log(self, host: str) -> Path:
        """Return what a machine shows on its console."""
        return self.disk(host) / "console.log"
