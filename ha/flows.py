"""Flows: who may open a connection to whom; what is not here, no host lets in."""

from __future__ import annotations

from dataclasses import dataclass

from ha.topology import Host, Role, Topology

# RFC 5798: protocol 112 between the edges, no port.
VRRP = "vrrp"
SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """
    Connections that hosts of role `to` accept, and what they are for.

    `port` is the name of a port of the topology, or VRRP.

    They come from hosts with one of the roles `sources`; from operators' networks too, or from
    anybody, where it says so.
    """

    to: Role
    port: str
    sources: tuple[Role, ...] = ()
    what: str
    is_for_operators: bool = False
    is_for_all: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """What one host lets in: a TCP port or a protocol, from addresses or from anybody."""

    port: int | str
    addresses: tuple[str, ...]
    what: str
    is_for_all: bool = False


# Every connection that one host of a data centre opens to another.
FLOWS: tuple[Flow, ...] = (
    Flow(to="edge", port="edge_https", what="clients", is_for_all=True),
    Flow(to="edge", port="edge_http", what="those led to the other port", is_for_all=True),
    Flow(to="edge", port=VRRP, sources=("edge",), what="who has the virtual address"),
    Flow(to="edge", port="edge_stats", sources=("monitor",), what="metrics"),
    Flow(to="app", port="api", sources=("edge", "monitor"), what="requests, metrics"),
    Flow(to="app", port="worker_metrics", sources=("monitor",), what="metrics"),
    Flow(to="app", port="local_stats", sources=("monitor",), what="metrics"),
    Flow(
        to="database",
        port="postgres",
        sources=("app", "database"),
        what="the service, replication",
    ),
    Flow(
        to="database",
        port="patroni",
        sources=("database", "monitor"),
        what="elections, metrics",
        is_for_operators=True,
    ),
    Flow(
        to="database",
        port="warden",
        sources=("app", "database", "monitor"),
        what="who takes writes, probes, metrics",
        is_for_operators=True,
    ),
    Flow(
        to="database",
        port="pgbackrest",
        sources=("backup", "monitor"),
        what="backups, certificates",
    ),
    Flow(
        to="backup",
        port="pgbackrest",
        sources=("database", "monitor"),
        what="archive, certificates",
    ),
    Flow(to="backup", port="backup_metrics", sources=("monitor",), what="metrics"),
    Flow(
        to="dcs",
        port="etcd_client",
        sources=("database", "monitor"),
        what="Patroni, wardens, metrics",
    ),
    Flow(to="dcs", port="etcd_peer", sources=("dcs", "monitor"), what="itself, certificates"),
    Flow(to="monitor", port="prometheus", what="a browser", is_for_operators=True),
)


def openings(host: Host, topology: Topology) -> tuple[Opening, ...]:
    """Return what `host` lets in, operators' ssh first."""
    ssh = Opening(SSH_PORT, topology.operators, "operators")
    return (ssh, *openings_by(FLOWS, host, topology))


def openings_by(flows: tuple[Flow, ...], host: Host, topology: Topology) -> tuple[Opening, ...]:
    """Return what `host` lets in by those of the `flows` that lead to it."""
    return tuple(
        Opening(
            VRRP if flow.port == VRRP else getattr(topology.ports, flow.port),
            _addresses(flow, host, topology),
            flow.what,
            flow.is_for_all,
        )
        for flow in flows
        if flow.to in host.roles
    )


def _addresses(flow: Flow, host: Host, topology: Topology) -> tuple[str, ...]:
    """Return from where; a host does not ask itself over the network."""
    found = [
        other.address
        for other in topology.hosts
        if other != host and set(flow.sources) & set(other.roles)
    ]
    return (*found, *(topology.operators if flow.is_for_operators else ()))
