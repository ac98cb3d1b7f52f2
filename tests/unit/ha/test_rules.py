"""Each rule accepts the data centre shipped, refuses one that breaks it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from ha import limits, rules
from ha.topology import Host, Topology, load

SHIPPED = load()


def timings(**changed: int) -> Topology:
    return replace(SHIPPED, timings=replace(SHIPPED.timings, **changed))


def limited(**changed: object) -> Topology:
    return replace(SHIPPED, limits=replace(SHIPPED.limits, **changed))


def without(*names: str) -> Topology:
    return replace(SHIPPED, hosts=tuple(h for h in SHIPPED.hosts if h.name not in names))


def changed(name: str, /, **values: object) -> Topology:
    hosts = (replace(h, **values) if h.name == name else h for h in SHIPPED.hosts)
    return replace(SHIPPED, hosts=tuple(hosts))


def plus(name: str, *roles: str) -> Topology:
    added = Host(name=name, address="10.77.0.99", roles=roles)
    return replace(SHIPPED, hosts=(*SHIPPED.hosts, added))


BROKEN = [
    (rules.lease_outlasts_its_renewal, timings(retry_timeout=10), "20 s, below .* 21 s"),
    (rules.timings_reach_patronis_minimums, timings(ttl=19), "ttl is 19 s"),
    (rules.timings_reach_patronis_minimums, timings(loop_wait=0), "loop_wait is 0 s"),
    (rules.timings_reach_patronis_minimums, timings(retry_timeout=2), "retry_timeout is 2 s"),
    (rules.deadlines_nest, timings(api_deadline=25), "api_deadline is 25 s, not longer"),
    (rules.deadlines_nest, timings(edge_server=27), "edge_server is 27 s, not longer"),
    (rules.deadlines_nest, timings(client=29), "client is 29 s, not longer"),
    (rules.deadlines_nest, timings(edge_queue=23), "edge_queue is 23 s, not within"),
    (rules.deadlines_nest, timings(edge_queue=19), "edge_queue is 19 s, not within"),
    (rules.three_databases_for_quorum, without("db3"), "2 database hosts"),
    (rules.odd_dcs_of_three_or_more, without("dcs2", "dcs3"), "1 dcs hosts"),
    (rules.odd_dcs_of_three_or_more, plus("dcs4", "dcs"), "4 dcs hosts"),
    (rules.dcs_apart_from_databases, changed("db1", roles=("database", "dcs")), "db1 is"),
    (rules.edges_apart_from_apps, changed("lb2", roles=("edge", "app")), "lb2 is edge and app"),
    (rules.two_of_what_serves, without("lb1"), "1 edge hosts"),
    (rules.two_of_what_serves, without("app1"), "1 app hosts"),
    (rules.exactly_one_monitor, without("mon1"), "0 monitor hosts"),
    (rules.exactly_one_monitor, plus("mon2", "monitor"), "2 monitor hosts"),
    (rules.exactly_one_backup, without("backup1"), "0 backup hosts"),
    (rules.exactly_one_backup, plus("backup2", "backup"), "2 backup hosts"),
    (rules.backup_apart_from_databases, changed("db1", roles=("database", "backup")), "db1 is"),
    (rules.operators_are_known, replace(SHIPPED, operators=()), "no network of operators"),
    (rules.operators_are_known, replace(SHIPPED, operators=("0.0.0.0/0",)), "wider than /8"),
    (rules.operators_are_known, replace(SHIPPED, operators=("10.1.1.1/8",)), "host bits set"),
    (
        rules.one_listener_per_port,
        replace(SHIPPED, ports=replace(SHIPPED.ports, local_replica=5000)),
        "app1 has one port 5000 for local_primary and local_replica",
    ),
    (
        rules.one_listener_per_port,
        replace(
            changed("mon1", roles=("monitor", "dcs")),
            ports=replace(SHIPPED.ports, prometheus=2379),
        ),
        "mon1 has one port 2379 for prometheus and etcd_client",
    ),
    (limits.nest, limited(address=2_999), "the role channel may send 3000 requests/s, not"),
    (limits.nest, limited(unproven=2_501), "the role reader may send 2500 requests/s, not"),
    (limits.nest, limited(principals={"portal": 19}), "portal may send 19 requests/s, not"),
    (limits.nest, limited(principals={"portal": 10_001}), "portal may send 10001 requests"),
    (limits.nest, limited(address_connections=0), "a limit of nothing refuses everybody"),
    (limits.nest, limited(unproven=0), "a limit of nothing refuses everybody"),
    (rules.names_are_distinct, plus("db1", "client"), "2 hosts have the name db1"),
    (rules.names_are_distinct, changed("db1", name="DB 1"), "'DB 1' is not a host name"),
    (rules.addresses_are_distinct, changed("db1", address="10.77.0.32"), "the address 10.77.0.32"),
    (rules.addresses_are_distinct, changed("db1", address="10.77.0.100"), "virtual address"),
    (rules.addresses_lie_in_the_subnet, changed("db1", address="10.78.0.31"), "db1 is at"),
    (rules.addresses_lie_in_the_subnet, changed("db1", address="10.77.0.255"), "db1 is at"),
    (rules.addresses_lie_in_the_subnet, changed("db1", address="db1.local"), "db1 is at"),
    (
        rules.addresses_lie_in_the_subnet,
        replace(SHIPPED, virtual_address="10.78.0.100"),
        "the virtual address is at",
    ),
    (rules.addresses_lie_in_the_subnet, replace(SHIPPED, subnet="here"), "not an IPv4 network"),
]


def test_the_data_centre_shipped_is_safe():
    assert rules.broken(SHIPPED) == []


@pytest.mark.parametrize(("rule", "topology", "sentence"), BROKEN)
def test_a_topology_that_breaks_a_rule_is_told_so(
    rule: rules.Rule, topology: Topology, sentence: str
):
    found = list(rule(topology))
    assert any(re.search(sentence, each) for each in found), found
    assert set(found) <= set(rules.broken(topology))


def test_a_lease_that_just_outlasts_its_renewal_is_accepted():
    assert list(rules.lease_outlasts_its_renewal(timings(retry_timeout=9))) == []
    assert list(rules.deadlines_nest(timings(api_deadline=26, edge_queue=21))) == []


@pytest.mark.parametrize("rule", rules.RULES)
def test_every_rule_cites_its_source_and_is_seen_to_refuse(rule: Callable[[Topology], object]):
    assert "Source: " in (inspect.getdoc(rule) or "")
    assert rule in [broken for broken, _, _ in BROKEN]


def test_every_violation_is_reported_not_just_the_first():
    topology = replace(without("db3", "mon1"), timings=timings(ttl=10).timings)
    assert len(rules.broken(topology)) == 4
