"""Two database hosts on the loopback, with certificates of their own."""

from __future__ import annotations

from dataclasses import replace

from ha import certificates
from ha.identity import Identity
from ha.topology import load

ADDRESS = "127.0.0.1"


def identities(folder, *hosts):
    """Return the identity of each of the hosts, all of which live on the loopback."""
    topology = load()
    moved = tuple(replace(host, address=ADDRESS) for host in topology.hosts)
    signed = certificates.issue(replace(topology, hosts=moved))
    found = []
    for host in hosts:
        home = folder / host
        home.mkdir(parents=True)
        for name, text in certificates.of(signed, host).items():
            (home / name).write_text(text, encoding="ascii")
        found.append(Identity(home))
    return found
