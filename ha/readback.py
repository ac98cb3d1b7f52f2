"""Readback: what a data centre says of itself over the network, judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from ha import outlook
from ha.identity import Identity
from ha.rest import Rest, RestSilent
from ha.site import ANSWER_S, Found, Site
from ha.switchover import LAG_MAX_BYTES
from ha.topology import Topology

# An answer through the virtual address: the edge may hold it while a primary changes.
END_TO_END_S = 30.0
_DOWN = "/api/v1/query?query=" + quote("up == 0")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was heard.

    `endpoint` is what the virtual address answered, empty if it took and showed a row; `silent` are
    programs that Prometheus does not reach ("api of app1"), None if it does not answer itself;
    `waiting` the database hosts that take their settings at their next start only.
    """

    found: Found
    endpoint: str
    silent: list[str] | None
    waiting: list[str]


def read(topology: Topology, identity: Identity) -> Reading:
    """Return what wardens, Patroni, the virtual address and Prometheus say now."""
    site = Site(topology, password="", identity=identity)
    return Reading(
        found=Found(statuses=site.statuses(), last_change=site.last_change()),
        endpoint=_endpoint(topology, identity),
        silent=_silent(topology, identity),
        waiting=_waiting(site),
    )


def read_databases(topology: Topology, identity: Identity) -> Reading:
    """Return what wardens and Patroni say now, as if all else were well."""
    site = Site(topology, password="", identity=identity)
    return Reading(
        found=Found(statuses=site.statuses(), last_change=site.last_change()),
        endpoint="",
        silent=[],
        waiting=[],
    )


def complaints(reading: Reading, topology: Topology) -> list[str]:
    """Return what is not as it should be, as sentences; empty if all is well."""
    seen = outlook.judge(reading.found, [host.name for host in topology.with_role("database")])
    found = [*seen.complaints, *seen.unknown, *_far_behind(reading.found)]
    found += [f"{host} must be restarted to take its settings" for host in reading.waiting]
    if reading.endpoint:
        found.append(f"no answer through {topology.virtual_address}: {reading.endpoint}")
    if reading.silent is None:
        found.append("Prometheus does not answer")
    else:
        found += [f"Prometheus does not reach {program}" for program in reading.silent]
    return found


def sentences(reading: Reading) -> list[str]:
    """Return how the databases are, a sentence each, the leader first."""
    statuses = reading.found.statuses
    leader = outlook.leader(reading.found)
    if leader is None:
        return []
    voters = " and ".join(statuses[leader]["store"]["voters"])
    behind = [
        f"{name} is {_behind_bytes(said, statuses[leader])} bytes behind"
        for name, said in statuses.items()
        if said["is_replica"]
    ]
    return [f"{leader} leads on timeline {statuses[leader]['timeline']}, voters {voters}", *behind]


def _far_behind(found: Found) -> Iterator[str]:
    leader = outlook.leader(found)
    for host, said in found.statuses.items():
        if leader is None or not said["is_replica"]:
            continue
        behind = _behind_bytes(said, found.statuses[leader])
        if behind > LAG_MAX_BYTES:
            yield f"{host} is {behind} bytes behind, more than {LAG_MAX_BYTES}"


def _behind_bytes(said: dict[str, Any], leader: dict[str, Any]) -> int:
    return max(0, int(leader["lsn"] or 0) - int(said["lsn"] or 0))


def _endpoint(topology: Topology, identity: Identity) -> str:
    edge = Rest(topology.virtual_address, topology.ports.edge_https, "", identity=identity)
    try:
        status, answer = edge.get("/ready", within_s=END_TO_END_S)
    except RestSilent as silence:
        return str(silence)
    return "" if status == Rest.OK else f"{status} {answer}"


def _silent(topology: Topology, identity: Identity) -> list[str] | None:
    address = topology.with_role("monitor")[0].address
    prometheus = Rest(address, topology.ports.prometheus, "", identity=identity)
    try:
        status, answer = prometheus.get(_DOWN, within_s=ANSWER_S * 2)
    except RestSilent:
        return None
    if status != Rest.OK:
        return None
    labels = [series["metric"] for series in answer["data"]["result"]]
    return sorted(f"{found['job']} of {found['host']}" for found in labels)


def _waiting(site: Site) -> list[str]:
    """Return the members of which Patroni says `pending_restart`; none if it says nothing."""
    for patroni in site.patronis.values():
        try:
            status, answer = patroni.get("/cluster", within_s=ANSWER_S)
        except RestSilent:
            continue
        if status == Rest.OK:
            members = answer.get("members", [])
            return sorted(m["name"] for m in members if m.get("pending_restart"))
    return []
