"""An address moves away, then back: whoever held a connection through it hears that it is gone."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ha import flows
from ha.installation import firewall
from ha.topology import load
from tests.unit.ha.regenerate import rendered

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes networks, which takes root")

ADDRESS = "10.79.0.9"
PORT, CLIENT_PORT = 443, 40_000
HOSTS = {"client": "10.79.0.5", "one": "10.79.0.11", "other": "10.79.0.12"}
_NEWNET = 0x40000000  # unshare(2)
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """A client and two edges on one segment, all of it in namespaces; one edge has the address."""

    def __init__(self, name: str, rules: str) -> None:
        self.name = name
        self.ip("netns", "add", self.of("segment"))
        self.ip("-n", self.of("segment"), "link", "add", "bridge", "type", "bridge")
        self.ip("-n", self.of("segment"), "link", "set", "bridge", "up")
        for host, address in HOSTS.items():
            self._add(host, address)
        for edge in ("one", "other"):
            command = ["ip", "netns", "exec", self.of(edge), "nft", "-f", "-"]
            subprocess.run(command, input=rules, text=True, check=True)

    def _add(self, host: str, address: str) -> None:
        self.ip("netns", "add", self.of(host))
        self.ip(
            "-n", self.of("segment"), "link", "add", host, "type", "veth",
            "peer", "name", "eth0", "netns", self.of(host),
        )  # fmt: skip
        self.ip("-n", self.of("segment"), "link", "set", host, "master", "bridge", "up")
        self.ip("-n", self.of(host), "address", "add", f"{address}/24", "dev", "eth0")
        self.ip("-n", self.of(host), "link", "set", "eth0", "up")

    def of(self, host: str) -> str:
        return f"{self.name}-{host}"

    def ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)

    def give(self, edge: str, *, instead_of: str | None = None) -> None:
        """Move the address, as the gratuitous ARP of its new holder tells it."""
        if instead_of:
            self.ip("-n", self.of(instead_of), "address", "delete", f"{ADDRESS}/24", "dev", "eth0")
        self.ip("-n", self.of(edge), "address", "add", f"{ADDRESS}/24", "dev", "eth0")
        self.ip("-n", self.of("client"), "neighbour", "flush", "all")

    @contextmanager
    def within(self, host: str) -> Iterator[None]:
        """Open sockets in a host's network meanwhile."""
        theirs_path = Path("/run/netns") / self.of(host)
        with Path("/proc/self/ns/net").open() as ours, theirs_path.open() as theirs:
            assert _libc.setns(theirs.fileno(), _NEWNET) == 0
            try:
                yield
            finally:
                assert _libc.setns(ours.fileno(), _NEWNET) == 0

    def listens(self, edge: str) -> socket.socket:
        with self.within(edge):
            return socket.create_server(("0.0.0.0", PORT))  # noqa: S104  # the address comes later

    def connects(self) -> socket.socket:
        """Connect as the client, from the same port as ever."""
        with self.within("client"):
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(5)
            made.bind((HOSTS["client"], CLIENT_PORT))
            made.connect((ADDRESS, PORT))
            return made

    def remove(self) -> None:
        for host in (*HOSTS, "segment"):
            subprocess.run(["ip", "netns", "delete", self.of(host)], check=False)


@pytest.fixture
def network() -> Iterator[Network]:
    topology = load()
    edge = topology.host("lb1")
    found = Network(f"egt{os.getpid()}", firewall(edge, flows.openings(edge, topology)))
    yield found
    found.remove()


def exchanged(one: socket.socket, other: socket.socket) -> None:
    for sender, receiver in ((one, other), (other, one)):
        sender.sendall(b"something")
        assert receiver.recv(100) == b"something"


def forgets(network: Network, edge: str) -> None:
    """Do what keepalived does on an edge that loses the address."""
    told = rendered()["lb1/keepalived.conf"]
    commands = set(re.findall(r'^    notify_(?:backup|fault) "(.+)" root$', told, re.MULTILINE))
    [command] = commands
    own = command.replace(load().virtual_address, ADDRESS)
    assert own != command
    network.ip("netns", "exec", network.of(edge), *own.split())


def vanish(connection: socket.socket) -> None:
    """Close at once, by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_connection_of_the_other_holder_is_reset_even_where_its_ports_are_remembered(network):
    with network.listens("one") as one, network.listens("other") as other:
        network.give("one")
        client = network.connects()
        served, _ = one.accept()
        exchanged(client, served)

        # `one` is lost, and remembers the connection; its client is told by `other`.
        network.ip("-n", network.of("one"), "link", "set", "eth0", "down")
        network.give("other", instead_of="one")
        vanish(served)
        vanish(client)
        with network.connects() as client:
            served, _ = other.accept()
            with served:
                exchanged(client, served)
                network.ip("-n", network.of("one"), "link", "set", "eth0", "up")
                network.give("one", instead_of="other")
                client.sendall(b"what nobody there has heard of")
                with pytest.raises(ConnectionResetError):
                    client.recv(100)


def test_an_edge_that_loses_the_address_forgets_what_it_had_closed(network):
    """Its end could not be told; whoever uses the same port later would be answered by it."""
    with network.listens("one") as one, network.listens("other") as other:
        network.give("one")
        client = network.connects()
        served, _ = one.accept()
        exchanged(client, served)

        network.give("other", instead_of="one")
        served.close()
        forgets(network, "one")
        vanish(client)
        with network.connects() as client:
            served, _ = other.accept()
            with served:
                exchanged(client, served)
                network.give("one", instead_of="other")
                client.sendall(b"what nobody there has heard of")
                with pytest.raises(ConnectionResetError):
                    client.recv(100)
        assert one.fileno() >= 0
        with network.connects() as again:
            served, _ = one.accept()
            with served:
                exchanged(again, served)
