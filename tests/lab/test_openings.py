"""Whoever is no host of the data centre, nor an operator, is answered by the edge alone."""

from __future__ import annotations

import json
import re
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ha.lab import network, openings
from ha.lab.commands import run, within
from ha.topology import Host
from tests.lab.doors import open_wide

pytestmark = pytest.mark.lab

SCAN = Path(__file__).with_name("scan.py")
# All hosts, a thousand ports and some, half a second for whom nobody answers, 500 at once.
SCAN_S = 120.0
QUICK_S = 10.0
WELL_KNOWN = range(1, 1025)
# State, two queues, then the address with the port (ss(8)).
_LISTENING = re.compile(r"^LISTEN\s+\d+\s+\d+\s+\S+:(\d+)\s", re.MULTILINE)


@pytest.fixture
def stranger(lab):
    """Somebody on the lab's own switch, under an address that nobody has."""
    taken = {host.address for host in lab.topology.hosts} | {lab.topology.virtual_address}
    free = [str(a) for a in IPv4Network(lab.topology.subnet).hosts() if str(a) not in taken]
    host = Host(name="stranger", address=free[-1], roles=())
    network.plug_in(lab.layout, lab.topology, host)
    yield host
    network.unplug(lab.layout, host.name)


def listening(lab):
    """Every TCP port that some host listens at."""
    found = set()
    for host in lab.topology.hosts:
        said = lab.exec(host.name, ["ss", "--no-header", "-ltn"], timeout_s=QUICK_S)
        found |= set(map(int, _LISTENING.findall(said)))
    return found


def scan(lab, looks_from, addresses, ports):
    argv = [sys.executable, str(SCAN), ",".join(addresses), ",".join(map(str, sorted(ports)))]
    said = json.loads(run(within(lab.layout.namespace(looks_from), argv), timeout_s=SCAN_S))
    return {kind: {tuple(where) for where in found} for kind, found in said.items()}


def test_a_stranger_finds_the_edge_s_ports_and_nothing_else(lab, stranger):
    addresses = [host.address for host in lab.topology.hosts] + [lab.topology.virtual_address]
    ports = listening(lab) | set(WELL_KNOWN) | {openings.REFUSED_PORT}
    assert lab.topology.ports.postgres in ports
    seen = scan(lab, stranger.name, addresses, ports)

    edges = [host.address for host in lab.topology.with_role("edge")]
    doors = (lab.topology.ports.edge_https, lab.topology.ports.edge_http)
    here = (*edges, lab.topology.virtual_address)
    everybody_s = {(address, port) for address in here for port in doors}
    assert {(lab.topology.virtual_address, port) for port in doors} <= seen["accepted"]
    assert seen["accepted"] <= everybody_s
    # An edge without the virtual address may listen there alone: then it says so.
    assert seen["refused"] <= everybody_s


@pytest.mark.parametrize("role", ["app", "database", "dcs", "monitor", "backup"])
def test_the_scan_sees_what_a_host_without_its_firewall_shows(lab, stranger, role):
    """Or its silence would prove nothing."""
    host = lab.topology.with_role(role)[0]
    with open_wide(lab, host.name):
        seen = scan(lab, stranger.name, [host.address], listening(lab))

    assert seen["accepted"]
    assert seen["refused"]
    assert scan(lab, stranger.name, [host.address], listening(lab)) == {
        "accepted": set(),
        "refused": set(),
    }


def test_every_host_has_its_firewall_from_its_boot_on(lab):
    host = lab.topology.with_role("app")[-1].name
    lab.power_off(host)
    lab.power_on(host)
    for each in lab.topology.hosts:
        rules = lab.exec(
            each.name, ["nft", "list", "chain", "inet", "evergrid", "input"], timeout_s=QUICK_S
        )
        assert "policy drop" in rules, each.name


def test_hosts_reach_each_other_for_what_they_are_there_for(lab):
    """Every flow, asked by each of its sources: accepted or refused, not lost."""
    lost = [
        (source.name, host.name, opening.port)
        for host in lab.topology.hosts
        for opening in openings.of(host, lab.topology)
        for source in lab.topology.hosts
        if source.address in opening.addresses and isinstance(opening.port, int)
        if not any(scan(lab, source.name, [host.address], {opening.port}).values())
    ]
    assert lost == []


def test_an_app_cannot_ask_what_is_for_databases_alone(lab):
    app, dcs = lab.topology.with_role("app")[0], lab.topology.with_role("dcs")[0]
    ports = {lab.topology.ports.etcd_client, lab.topology.ports.etcd_peer}
    seen = scan(lab, app.name, [dcs.address], ports)

    assert seen == {"accepted": set(), "refused": set()}
