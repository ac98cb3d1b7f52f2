"""Openings: what the hosts of a lab let in, a little more than those of a data centre."""

from __future__ import annotations

from ha import flows, installation
from ha.flows import Flow, Opening
from ha.lab.commands import run, within
from ha.lab.layout import Layout
from ha.topology import Host, Topology

FILE = "nftables.conf"
LOAD = ("nft", "--file", f"{installation.CONFIGURATION}/{FILE}")
# Nobody listens here, so a host that is reached refuses at once; one that is cut off says nothing.
# RFC 862 keeps the port for a service that nobody runs.
REFUSED_PORT = 7
# A host of the lab answers in a millisecond, a busy one in some tens.
REACHED_S = "1"
# The client's host is also where drills look from, where the doorway lets a browser in.
_FROM_CLIENT: tuple[Flow, ...] = (
    Flow(to="edge", port="edge_stats", sources=("client",), what="drills: does it answer"),
    Flow(to="app", port="api", sources=("client",), what="drills: does it answer"),
    Flow(to="dcs", port="etcd_client", sources=("client",), what="drills: who leads etcd"),
    Flow(to="database", port="patroni", sources=("client",), what="drills: does it answer"),
    Flow(to="database", port="warden", sources=("client",), what="drills, changes of the primary"),
    Flow(to="monitor", port="prometheus", sources=("client",), what="the doorway"),
)


def of(host: Host, topology: Topology) -> tuple[Opening, ...]:
    """Return what a host of a lab lets in: what a data centre's does, then what only a lab's."""
    others = tuple(other.address for other in topology.hosts if other != host)
    return (
        *flows.openings(host, topology),
        *flows.openings_by(_FROM_CLIENT, host, topology),
        Opening(REFUSED_PORT, others, "drills: is it reached"),
    )


def texts(topology: Topology) -> dict[str, str]:
    """Return the firewall of each host of a lab, as `{"<host>/nftables.conf": text}`."""
    return {
        f"{host.name}/{FILE}": installation.firewall(host, of(host, topology))
        for host in topology.hosts
    }


def is_reached(layout: Layout, topology: Topology, host: str, *, asked_from: str) -> bool:
    """
    Test if what `asked_from` sends arrives at `host`, whatever may be asked of it there.

    False also while one of the two is off.
    """
    address = f"/dev/tcp/{topology.host(host).address}/{REFUSED_PORT}"
    asking = ["env", "LC_ALL=C", "timeout", REACHED_S, "bash", "-c", f"exec 2>&1; <{address}"]
    return "refused" in run(within(layout.namespace(asked_from), asking), check=False)
