"""Layout: where a lab keeps its files, what it calls the things it makes in the kernel."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from ha.lab.errors import LabFailed
from ha.topology import Topology

ROOT = Path("/var/lib/evergrid-lab")
NAMESPACES = Path("/run/netns")  # where ip-netns(8) keeps a name per network namespace

# No dash, so that "eg-a-" can never be the beginning of another lab's names; short, because the
# bridge "eg-<name>" must fit into the kernel's 15 characters.
_NAME = re.compile(r"[a-z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The names that belong to one lab; nothing else on the machine does."""

    lab: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.lab):
            raise LabFailed(f"{self.lab!r} is no name for a lab: 1 to 12 of the letters a-z, 0-9")

    @property
    def folder(self) -> Path:
        """Everything the lab keeps on disk."""
        return ROOT / self.lab

    @property
    def doorway(self) -> Path:
        """Folder of the proxy that lets browsers on this machine in."""
        return self.folder / "doorway"

    @property
    def operators(self) -> Path:
        """Folder with the certificate that the lab's own commands show."""
        return self.folder / "operators"

    @property
    def bridge(self) -> str:
        """Name of the switch all hosts are plugged into."""
        return f"eg-{self.lab}"

    @property
    def cuts(self) -> str:
        """Name of the packet filter's table that holds what `cut` made."""
        return f"evergrid_{self.lab}"

    def host_folder(self, host: str) -> Path:
        """Return the folder with the host's etc, data and log."""
        return self.folder / host

    def log_folder(self, host: str) -> Path:
        """Return the folder a host sees as /var/log/evergrid."""
        return self.host_folder(host) / "log"

    def namespace(self, host: str) -> str:
        """Return the name under which ip-netns(8) knows the host's network."""
        return f"eg-{self.lab}-{host}"

    def namespace_path(self, host: str) -> Path:
        """Return the file that stands for the host's network."""
        return NAMESPACES / self.namespace(host)

    def link(self, host: str) -> str:
        """
        Return the name of the bridge's end of the host's cable.

        Names of links have at most 15 characters, so it is a digest; the readable name is the
        link's alias.
        """
        return f"eg{self._digest(host)}"

    def far_link(self, host: str) -> str:
        """Return the name of the line's end that `slow` puts in place of the host's cable."""
        return f"ef{self._digest(host)}"

    def port(self, host: str) -> str:
        """Return the name of the switch's port of that line."""
        return f"ep{self._digest(host)}"

    def _digest(self, host: str) -> str:
        return hashlib.sha256(f"{self.lab}/{host}".encode()).hexdigest()[:10]


def doorway_address(topology: Topology) -> str:
    """Return the loopback address of the lab's doorway: 127, then the middle of the subnet."""
    _, second, third, _ = str(IPv4Network(topology.subnet).network_address).split(".")
    return f"127.{second}.{third}.1"
