"""Rules: what a topology must satisfy to be safe, one function each."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from ha import limits
from ha.topology import Host, Role, Topology

Rule = Callable[[Topology], Iterator[str]]

# How long after the lease ran out the database may still refuse writes: etcd looks for expired
# leases every 0.5 s, an election of etcd's own costs 1 s, asking the dead host 2 s, the promotion
# 0.5 s; measured 22.7 to 23.8 s with a lease of 20 s.
ELECTION_S = 5
# What a request needs that left the edge's queue; what is given up half done costs an answer's work
# (with 2 s, on a slow line, 60 of 100 were answered). The first of an outage wait in the API.
SERVED_WITHIN_S = 5

_TTL_MIN_S = 20
_LOOP_WAIT_MIN_S = 1
_RETRY_TIMEOUT_MIN_S = 3
_DATABASES_MIN = 3
_DCS_MIN = 3
_PAIR = 2
_OPERATORS_PREFIX_MIN = 8
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

_PORTS: dict[Role, tuple[str, ...]] = {
    "database": ("postgres", "patroni", "pgbackrest", "warden"),
    "dcs": ("etcd_client", "etcd_peer"),
    "app": ("api", "worker_metrics", "local_primary", "local_replica", "local_stats"),
    "edge": ("edge_http", "edge_https", "edge_stats"),
    "monitor": ("prometheus", "blackbox"),
    "backup": ("pgbackrest", "backup_metrics"),
    "client": (),
}


def broken(topology: Topology) -> list[str]:
    """Return a sentence for each violation, in the order of `RULES`; empty if it is safe."""
    return [sentence for rule in RULES for sentence in rule(topology)]


def lease_outlasts_its_renewal(topology: Topology) -> Iterator[str]:
    """
    Require two tries to renew the lease before it is lost.

    Source: Patroni, dynamic configuration: `loop_wait + 2 * retry_timeout <= ttl`. Patroni would
    change the values by itself, with nothing but a warning (patroni/config.py).
    """
    timings = topology.timings
    needed = timings.loop_wait + 2 * timings.retry_timeout
    if timings.ttl < needed:
        yield f"ttl is {timings.ttl} s, below loop_wait + 2 * retry_timeout = {needed} s"


def timings_reach_patronis_minimums(topology: Topology) -> Iterator[str]:
    """
    Require at least what Patroni would silently raise smaller values to.

    Source: Patroni 4.1.5, patroni/validator.py: ttl 20, loop_wait 1, retry_timeout 3.
    """
    timings = topology.timings
    for name, value, least in (
        ("ttl", timings.ttl, _TTL_MIN_S),
        ("loop_wait", timings.loop_wait, _LOOP_WAIT_MIN_S),
        ("retry_timeout", timings.retry_timeout, _RETRY_TIMEOUT_MIN_S),
    ):
        if value < least:
            yield f"{name} is {value} s, below Patroni's minimum of {least} s"


def deadlines_nest(topology: Topology) -> Iterator[str]:
    """
    Require that whoever waits for another waits longer: an answer must meet who wants it.

    Source: the figures in README.md: the longest outage is the lease and an election.
    """
    timings = topology.timings
    outage = timings.ttl + ELECTION_S
    waits = (
        (f"the longest outage (ttl + {ELECTION_S} s)", outage),
        ("api_deadline", timings.api_deadline),
        ("edge_server", timings.edge_server),
        ("client", timings.client),
    )
    for (inner, shorter), (outer, longer) in itertools.pairwise(waits):
        if longer <= shorter:
            yield f"{outer} is {longer} s, not longer than {inner}, {shorter} s"
    if not timings.ttl <= timings.edge_queue <= timings.api_deadline - SERVED_WITHIN_S:
        yield f"edge_queue is {timings.edge_queue} s, not within ttl and what the API leaves it"


def three_databases_for_quorum(topology: Topology) -> Iterator[str]:
    """
    Require three: a lost primary must leave a new one, plus a replica to acknowledge.

    Source: Patroni, replication modes: with `synchronous_mode_strict` writes wait while no replica
    is there.
    """
    count = len(topology.with_role("database"))
    if count < _DATABASES_MIN:
        yield f"{count} database hosts; quorum with strict needs at least {_DATABASES_MIN}"


def odd_dcs_of_three_or_more(topology: Topology) -> Iterator[str]:
    """
    Require 3, 5, …: two tolerate no loss; one more of an even number is just one more to lose.

    Source: etcd FAQ, "Why an odd number of cluster members?".
    """
    count = len(topology.with_role("dcs"))
    if count < _DCS_MIN or count % 2 == 0:
        yield f"{count} dcs hosts; etcd needs an odd number of at least {_DCS_MIN}"


def dcs_apart_from_databases(topology: Topology) -> Iterator[str]:
    """
    Require hosts of etcd's own: losing a database must not cost a voter too.

    Source: etcd 3.4 lease/lessor.go: each election sets every lease back to its full time, so
    losing both at once also lengthens the failover. README.md: a cluster that stopped whole.
    """
    for host in topology.hosts:
        if {"database", "dcs"} <= set(host.roles):
            yield f"{host.name} is database and dcs; etcd needs hosts of its own"


def edges_apart_from_apps(topology: Topology) -> Iterator[str]:
    """
    Require hosts of the edge's own: losing one must leave every API host.

    Source: README.md; both run a HAProxy, configured by one file name.
    """
    for host in topology.hosts:
        if {"edge", "app"} <= set(host.roles):
            yield f"{host.name} is edge and app; the edge needs hosts of its own"


def two_of_what_serves(topology: Topology) -> Iterator[str]:
    """
    Require a second edge, a second API host: the loss of one must leave another.

    Source: README.md: the virtual address moves between edges, a request between API hosts.
    """
    roles: tuple[Role, ...] = ("edge", "app")
    for role in roles:
        count = len(topology.with_role(role))
        if count < _PAIR:
            yield f"{count} {role} hosts; the loss of one needs another: at least {_PAIR}"


def exactly_one_monitor(topology: Topology) -> Iterator[str]:
    """
    Require one Prometheus: two would answer differently, none would see nothing.

    Source: Prometheus, FAQ, "Can Prometheus be made highly available?": a second one is a second
    cluster's or a pair behind one alert manager, which this topology has none of.
    """
    count = len(topology.with_role("monitor"))
    if count != 1:
        yield f"{count} monitor hosts; there must be exactly one"


def exactly_one_backup(topology: Topology) -> Iterator[str]:
    """
    Require one host that keeps the backups: every database archives to the one repository.

    Source: pgBackRest 2.45, user guide, "Dedicated Repository Host": primary and replicas share a
    stanza, so that whoever is promoted goes on with the same archive.
    """
    count = len(topology.with_role("backup"))
    if count != 1:
        yield f"{count} backup hosts; there must be exactly one"


def backup_apart_from_databases(topology: Topology) -> Iterator[str]:
    """
    Require a host of the backups' own: what takes a database must not take its backups too.

    Source: pgBackRest 2.45, user guide, "Dedicated Repository Host".
    """
    for host in topology.hosts:
        if {"database", "backup"} <= set(host.roles):
            yield f"{host.name} is database and backup; backups need a host of their own"


def one_listener_per_port(topology: Topology) -> Iterator[str]:
    """
    Require a port each for the processes of a host: a second one could never start.

    Source: bind(2), EADDRINUSE.
    """
    for host in topology.hosts:
        names = [name for role in host.roles for name in _PORTS[role]]
        listeners = Counter(getattr(topology.ports, name) for name in names)
        for port in (port for port, count in listeners.items() if count > 1):
            wanted = " and ".join(n for n in names if getattr(topology.ports, n) == port)
            yield f"{host.name} has one port {port} for {wanted}"


def names_are_distinct(topology: Topology) -> Iterator[str]:
    """
    Require a name of its own for each: Patroni, etcd, Prometheus tell hosts apart by it.

    Source: RFC 1123 §2.1 for its form.
    """
    yield from _repeated("name", (host.name for host in topology.hosts))
    for host in topology.hosts:
        if not _NAME.fullmatch(host.name):
            yield f"{host.name!r} is not a host name of lower-case letters, digits, hyphens"


def addresses_are_distinct(topology: Topology) -> Iterator[str]:
    """
    Require an address of its own for each; the virtual one must be free for an edge to take.

    Source: RFC 5227 §1; RFC 5798 §1.1 (the virtual address is owned by no host here).
    """
    yield from _repeated("address", (host.address for host in topology.hosts))
    for host in topology.hosts:
        if host.address == topology.virtual_address:
            yield f"the virtual address {host.address} is also the address of {host.name}"


def addresses_lie_in_the_subnet(topology: Topology) -> Iterator[str]:
    """
    Require addresses that the hosts reach without a router, neither the first nor the last.

    Source: RFC 1122 §3.2.1.3; pg_hba lets in the subnet only.
    """
    try:
        subnet = IPv4Network(topology.subnet)
    except ValueError:
        yield f"the subnet {topology.subnet!r} is not an IPv4 network"
        return
    named = [Host(name="the virtual address", address=topology.virtual_address, roles=())]
    for host in (*topology.hosts, *named):
        if not _is_usable(host.address, subnet):
            yield f"{host.name} is at {host.address!r}, not an address for a host in {subnet}"


def operators_are_known(topology: Topology) -> Iterator[str]:
    """
    Require networks that operations staff come from, none of them everybody.

    Source: the firewall of each host lets nobody else reach ssh (flows.py); a host without
    operators could not be repaired, one open to all is what scanners look for.
    """
    if not topology.operators:
        yield "no network of operators is named: nobody could reach a host by ssh"
    for written in topology.operators:
        try:
            network = IPv4Network(written)
        except ValueError as error:
            yield f"operators: {error}"
            continue
        if network.prefixlen < _OPERATORS_PREFIX_MIN:
            yield f"operators: {written} is wider than /{_OPERATORS_PREFIX_MIN}"


RULES: tuple[Rule, ...] = (
    lease_outlasts_its_renewal,
    timings_reach_patronis_minimums,
    deadlines_nest,
    three_databases_for_quorum,
    odd_dcs_of_three_or_more,
    dcs_apart_from_databases,
    edges_apart_from_apps,
    two_of_what_serves,
    exactly_one_monitor,
    exactly_one_backup,
    backup_apart_from_databases,
    one_listener_per_port,
    limits.nest,
    names_are_distinct,
    addresses_are_distinct,
    addresses_lie_in_the_subnet,
    operators_are_known,
)


def _repeated(what: str, values: Iterator[str]) -> Iterator[str]:
    """Return a sentence for each value that more than one host has."""
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{count} hosts have the {what} {value}"


def _is_usable(address: str, subnet: IPv4Network) -> bool:
    try:
        parsed = IPv4Address(address)
    except AddressValueError:
        return False
    return parsed in subnet and parsed not in {subnet.network_address, subnet.broadcast_address}
