"""Cluster: what the databases of a lab say about themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ha.lab import operators
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed, LabFailed
from ha.lab.layout import Layout
from ha.topology import Host, Topology

# Patroni answers from etcd in milliseconds; a frozen host should not hold up whoever asks.
ASK_S = 2


class ClusterSilent(LabFailed):
    """No database host tells how the cluster is."""


@dataclass(frozen=True, slots=True)
class Member:
    """A database host in Patroni's words: `role` is leader, replica or quorum_standby."""

    name: str
    role: str
    state: str
    timeline: int | None
    lag: int | str | None

    @property
    def is_serving(self) -> bool:
        """Test if the member does what its role asks: a primary runs, a replica streams."""
        return self.state == ("running" if self.role == "leader" else "streaming")


def ask(layout: Layout, topology: Topology, host: Host) -> dict[str, Any]:
    """
    Return what Patroni on `host` says about the whole cluster (its GET /cluster).

    It is asked from the host's own network, so that a cut does not matter.
    :raises ClusterSilent: if there is no answer
    """
    address = f"https://{host.address}:{topology.ports.patroni}/cluster"
    patience = ["--show-error", "--fail", "--max-time", str(ASK_S)]
    argv = [*operators.curl(layout), *patience, address]
    try:
        answer: dict[str, Any] = json.loads(run(within(layout.namespace(host.name), argv)))
    except (CommandFailed, json.JSONDecodeError) as error:
        raise ClusterSilent(f"Patroni on {host.name} does not answer") from error
    return answer


def ask_any(layout: Layout, topology: Topology) -> dict[str, Any]:
    """
    Return what the first database host that answers says.

    :raises ClusterSilent: if none does
    """
    silences = []
    for host in topology.with_role("database"):
        try:
            return ask(layout, topology, host)
        except ClusterSilent as silence:
            silences.append(str(silence))
    raise ClusterSilent("; ".join(silences))


def members(answer: dict[str, Any]) -> list[Member]:
    """Return the members named in an answer of Patroni, by name."""
    found = [
        Member(
            name=member["name"],
            role=member["role"],
            state=member.get("state", "unknown"),
            timeline=member.get("timeline"),
            lag=member.get("lag"),
        )
        for member in answer.get("members", [])
    ]
    return sorted(found, key=lambda member: member.name)


def primary(answer: dict[str, Any]) -> str | None:
    """Return the host that Patroni calls the leader, or none."""
    return next((m.name for m in members(answer) if m.role == "leader"), None)


def is_whole(answer: dict[str, Any], *, hosts: int) -> bool:
    """Test if there are one running primary and streaming replicas, a quorum standby among them."""
    found = members(answer)
    roles = [member.role for member in found]
    return (
        len(found) == hosts
        and roles.count("leader") == 1
        and "quorum_standby" in roles
        and all(member.is_serving for member in found)
    )


def as_json_rows(sql: str) -> str:
    """Return `sql` (one query without a semicolon) so that each row comes as a line of JSON."""
    return f"SELECT row_to_json(answer) FROM ({sql}) AS answer"  # noqa: S608 - by an operator


def rows(printed: str) -> list[dict[str, Any]]:
    """Return the rows psql printed for `as_json_rows`; a fraction comes as a Decimal."""
    return [json.loads(line, parse_float=Decimal) for line in printed.splitlines() if line]
