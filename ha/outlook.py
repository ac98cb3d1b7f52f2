"""Outlook: what may be said of the next failover, judged from what the wardens said; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ha.site import Found
from ha.warden import patience

# A warden that knows less than this of etcd takes no part in a failover (`voting`). One that is
# asked between two looks knows a little less than it will in a moment.
STORE_FRESH_S = patience.STORE_FRESH_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """
    Whether a failover would lose nothing and need no person.

    `complaints` say what is wrong, `unknown` why it cannot be said; only without either it is so.
    """

    complaints: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Tell if it may be claimed."""
        return not (self.complaints or self.unknown)


def judge(found: Found, hosts: Sequence[str]) -> Outlook:
    """Return what the answers of `hosts` allow to be said."""
    return Outlook(
        complaints=tuple(_complaints(found, hosts)), unknown=tuple(_unknown(found, hosts))
    )


def leader(found: Found) -> str | None:
    """Return the one host that takes writes."""
    leading = [host for host, said in found.statuses.items() if said["is_primary"]]
    return leading[0] if len(leading) == 1 else None


def age_s(said: dict[str, Any]) -> float:
    """Return how old what a host knows of etcd is, in seconds; infinite if it never heard of it."""
    told = said["store"]["age_s"]
    return float("inf") if told is None else float(told)


def _unknown(found: Found, hosts: Sequence[str]) -> Iterator[str]:
    for host in hosts:
        said = found.statuses.get(host)
        if said is None:
            yield f"{host} is silent"
        elif (old_s := age_s(said)) > STORE_FRESH_S:
            heard = (
                "has never heard from etcd"
                if old_s == float("inf")
                else (f"has not heard from etcd for {old_s:g} s")
            )
            yield f"{host} {heard}"
        elif not said["store"]["leader"]:
            yield f"{host} sees no leader in etcd"


def _complaints(found: Found, hosts: Sequence[str]) -> Iterator[str]:
    leading = [host for host, said in found.statuses.items() if said["is_primary"]]
    if len(leading) > 1:
        yield f"{' and '.join(leading)} both say that they take writes"
    elif not leading and len(found.statuses) == len(hosts):
        yield "nobody takes writes"
    elif not leading:
        yield "nobody who answers takes writes"
    for host in leading[:1]:
        yield from _of_quorum(found.statuses[host]["store"], replicas=len(hosts) - 1)
        yield from _of_replicas(found, host)
    for host, said in found.statuses.items():
        if said["fenced"]:
            yield f"{host} sends nothing to {' and '.join(said['fenced'])} (voter fence)"


def _of_quorum(store: dict[str, Any], *, replicas: int) -> Iterator[str]:
    voters, quorum = len(store["voters"]), store["quorum"]
    if store["is_paused"]:
        yield "the cluster is paused: nothing fails over by itself"
    if quorum is None or voters - quorum < 1:
        yield "a commit is acknowledged on one host alone: its loss would lose what it has"
    elif voters < replicas:
        yield f"{voters} voters of {replicas}: the next loss waits for the lease, 20 s"
    if store["is_cooling"]:
        yield "there was a verdict a moment ago: the next loss waits for the lease, 20 s"


def _of_replicas(found: Found, leading: str) -> Iterator[str]:
    timeline = found.statuses[leading]["timeline"]
    for host, said in found.statuses.items():
        if host == leading:
            continue
        held = said["store"]["leader"]
        if held and held != leading:
            yield f"{leading} takes writes, but {held} leads by what {host} knows of etcd"
        if not said["is_replica"]:
            yield f"{host} cannot take over: {said['why']}"
        elif said["streams_from"] != leading:
            yield f"{host} streams from {said['streams_from'] or 'nobody'}, not from {leading}"
        elif said["timeline"] != timeline:
            yield f"{host} is on timeline {said['timeline']}, {leading} on {timeline}"
