"""Readback: what a data centre says of itself over the network, judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

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


def read(topology: Topology) -> Reading:
    """Return what wardens, Patroni, the virtual address and Prometheus say now."""
    site = Site(topology, password="")
    return Reading(
        found=Found(statuses=site.statuses(), last_change=site.last_change()),
        endpoint=_endpoint(topology),
        silent=_silent(topology),
        waiting=_waiting(site),
    )


def read_databases(topology: Topology) -> Reading:
    """Return what wardens and Patroni say now, as if all else were well."""
    site = Site(topology, password="")
    return Reading(
        found=Found(statuses=site.statuses(), last_change=site.last_change()),
        endpoint="",
        silent=[],
        waiting=[],
    )


def complaints(reading: Reading, topology: Topology) -> list[str]:
    """Return what is not as it should be, as sentences; empty if all is well."""
    databases = [host.name for host in topology.with_role("database")]
    found = list(of_databases(reading.found, databases))
    found += of_replicas(reading.found)
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
    leader = next((name for name, said in statuses.items() if said["is_primary"]), None)
    if leader is None:
        return []
    voters = " and ".join(statuses[leader]["store"]["voters"])
    behind = [
        f"{name} is {_behind_bytes(said, statuses[leader])} bytes behind"
        for name, said in statuses.items()
        if said["is_replica"]
    ]
    return [f"{leader} leads on timeline {statuses[leader]['timeline']}, voters {voters}", *behind]


def of_databases(found: Found, hosts: list[str]) -> Iterator[str]:
    """Return what keeps a failover from losing nothing without a person."""
    yield from (f"{host} is silent" for host in hosts if host not in found.statuses)
    leader = next((said for said in found.statuses.values() if said["is_primary"]), None)
    if leader is None:
        yield "nobody takes writes"
        return
    store = leader["store"]
    if store["is_paused"]:
        yield "the cluster is paused: nothing fails over by itself"
    needed = len(hosts) - 1
    if len(store["voters"]) < needed:
        yield f"{len(store['voters'])} voters of {needed}: the next loss waits for the lease, 20 s"
    for host, said in found.statuses.items():
        if said["fenced"]:
            yield f"{host} sends nothing to {' and '.join(said['fenced'])} (voter fence)"


def of_replicas(found: Found) -> Iterator[str]:
    """Return which replicas could not take over at once."""
    leader = next((said for said in found.statuses.values() if said["is_primary"]), None)
    for host, said in found.statuses.items():
        if said["is_primary"] or leader is None:
            continue
        if not said["is_replica"]:
            yield f"{host} is neither primary nor replica: {said['why']}"
        elif (behind := _behind_bytes(said, leader)) > LAG_MAX_BYTES:
            yield f"{host} is {behind} bytes behind, more than {LAG_MAX_BYTES}"


def _behind_bytes(said: dict[str, Any], leader: dict[str, Any]) -> int:
    return max(0, int(leader["lsn"] or 0) - int(said["lsn"] or 0))


def _endpoint(topology: Topology) -> str:
    edge = Rest(topology.virtual_address, topology.ports.edge_http, "")
    try:
        status, answer = edge.get("/ready", within_s=END_TO_END_S)
    except RestSilent as silence:
        return str(silence)
    return "" if status == Rest.OK else f"{status} {answer}"


def _silent(topology: Topology) -> list[str] | None:
    monitor = topology.with_role("monitor")[0]
    try:
        status, answer = Rest(monitor.address, topology.ports.prometheus, "").get(
            _DOWN, within_s=ANSWER_S * 2
        )
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
