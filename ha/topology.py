"""Topology: the hosts of one data centre as written in `topology.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

import msgspec

Role = Literal["database", "dcs", "app", "edge", "monitor", "backup", "client"]
Feature = Literal["hand_over", "kill_frozen", "self_fence", "voter_fence", "wake"]


class TopologyWrong(Exception):
    """The description of the data centre cannot be read or breaks a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One machine (in the lab: one network namespace)."""

    name: str
    address: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each process listens; the same on every host that has its role."""

    edge_http: int
    edge_https: int
    edge_stats: int
    api: int
    worker_metrics: int
    postgres: int
    patroni: int
    warden: int
    local_primary: int
    local_replica: int
    local_stats: int
    etcd_client: int
    etcd_peer: int
    prometheus: int
    blackbox: int
    pgbackrest: int
    backup_metrics: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long things may take, all in seconds. The first three bear Patroni's own names."""

    ttl: int
    loop_wait: int
    retry_timeout: int
    api_deadline: int
    edge_server: int
    edge_queue: int
    client: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warden:
    """What the warden beside each PostgreSQL is allowed to do of its own accord."""

    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLimits:
    """Requests a second of one principal, by its role; the service's own names of them."""

    head_office: int
    billing_officer: int
    hall_clerk: int
    reader: int
    channel: int
    auditor: int
    data_migrator: int
    administrator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What the edge lets pass: requests a second, or connections at once; `ha.limits` counts them.

    `unproven` are requests of one address that nobody vouches for. `principals` are those that
    another limit holds for than for their role, by their names.
    """

    address_connections: int
    address: int
    unproven: int
    roles: RoleLimits
    principals: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """
    One data centre. Hosts keep the order of the file.

    `interface` is the network interface that carries `subnet`, called the same on every host;
    `operators` are the networks that operations staff and Ansible come from.
    """

    name: str
    subnet: str
    interface: str
    virtual_address: str
    operators: tuple[str, ...]
    hosts: tuple[Host, ...]
    ports: Ports
    timings: Timings
    limits: Limits
    warden: Warden

    def host(self, name: str) -> Host:
        """
        Return the host called `name`.

        :raises TopologyWrong: if there is none; the message lists those that exist
        """
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise TopologyWrong(f"no host is called {name!r}; there are {known}")

    def with_role(self, role: Role) -> tuple[Host, ...]:
        """Return the hosts that have `role`, in the order of the file; empty if none has."""
        return tuple(host for host in self.hosts if role in host.roles)


def load(path: Path | None = None) -> Topology:
    """
    Return the topology described by the file at `path`, by default the one shipped beside this.

    :raises TopologyWrong: if the file is not TOML, lacks a value or has one nobody reads
    """
    source = path or resources.files("ha") / "topology.toml"
    return parse(source.read_text(encoding="utf-8"))


def parse(text: str) -> Topology:
    """
    Return the topology described by TOML `text`.

    :raises TopologyWrong: if it is not TOML, lacks a value or has one nobody reads
    """
    try:
        document = tomllib.loads(text)
        topology = msgspec.convert(document, Topology)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TopologyWrong(f"the topology cannot be read: {error}") from error
    if unread := _names(document) - _names(msgspec.to_builtins(topology)):
        raise TopologyWrong(f"the topology has values nobody reads: {', '.join(sorted(unread))}")
    return topology


def rebased(topology: Topology, *, name: str, subnet: str) -> Topology:
    """
    Return `topology` as `name`, each address at the same distance into `subnet`.

    This is what lets several labs run side by side.
    :raises TopologyWrong: if `subnet` is not an IPv4 network or is smaller than the one left
    """
    try:
        old, new = IPv4Network(topology.subnet), IPv4Network(subnet)
    except ValueError as error:
        raise TopologyWrong(f"not an IPv4 network: {error}") from error
    if new.prefixlen > old.prefixlen:
        raise TopologyWrong(f"{subnet} is smaller than {topology.subnet}")

    def moved(address: str) -> str:
        distance = int(IPv4Address(address)) - int(old.network_address)
        return str(new.network_address + distance)

    return replace(
        topology,
        name=name,
        subnet=subnet,
        virtual_address=moved(topology.virtual_address),
        operators=tuple(
            f"{moved(network)}/{length}"
            for network, _, length in (operator.partition("/") for operator in topology.operators)
        ),
        hosts=tuple(replace(host, address=moved(host.address)) for host in topology.hosts),
    )


def _names(document: object) -> set[str]:
    """Return every name used as a key anywhere in `document`."""
    if isinstance(document, dict):
        return {str(key) for key in document}.union(*(_names(v) for v in document.values()))
    if isinstance(document, list | tuple):
        return set().union(*(_names(item) for item in document))
    return set()
