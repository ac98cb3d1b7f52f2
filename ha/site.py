"""Site: the database hosts of one data centre, asked from inside its network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from ha.identity import Identity
from ha.rest import Rest, RestSilent, Staying
from ha.topology import Topology

# Wardens answer from memory.
ANSWER_S = 2.0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A new leader: when (RFC 3339), who, on which timeline."""

    at: str
    leader: str
    timeline: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the wardens that answer say of their hosts; the last change of leader, if any."""

    statuses: dict[str, dict[str, Any]]
    last_change: Change | None


class Site:
    """The database hosts of one data centre, through their wardens and Patroni."""

    def __init__(self, topology: Topology, *, password: str, identity: Identity) -> None:
        hosts, ports = topology.with_role("database"), topology.ports

        def rest(kind: type[Rest], port: int) -> dict[str, Rest]:
            return {h.name: kind(h.address, port, password, identity=identity) for h in hosts}

        self.wardens = rest(Staying, ports.warden)
        self.patronis = rest(Rest, ports.patroni)

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return what each warden that answers says of its host."""
        found = {}
        for name, warden in self.wardens.items():
            try:
                found[name] = warden.get("/status", within_s=ANSWER_S)[1]
            except RestSilent:
                continue
        return found

    def last_change(self) -> Change | None:
        """Return the newest entry of Patroni's history, None without one."""
        for patroni in self.patronis.values():
            try:
                status, entries = patroni.get("/history", within_s=ANSWER_S)
            except RestSilent:
                continue
            # [timeline that ended, its end, reason, when, new leader] (Patroni, REST API)
            if status == Rest.OK and entries and len(entries[-1]) > 4:  # noqa: PLR2004
                ended, _, _, at, leader = entries[-1][:5]
                return Change(at=at, leader=leader, timeline=ended + 1)
        return None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a process inside the hosts' network is told on its standard input.

    `identity` is the folder with the certificate that it shows.
    """

    topology: Topology
    password: str
    identity: str

    def site(self) -> Site:
        """Return whom to ask."""
        return Site(self.topology, password=self.password, identity=Identity(Path(self.identity)))


def main() -> None:
    """Ask every warden; print what was found as JSON."""
    site = msgspec.json.decode(sys.stdin.buffer.read(), type=Question).site()
    found = Found(statuses=site.statuses(), last_change=site.last_change())
    sys.stdout.write(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
