"""Probes: asks hosts of a lab whether they answer, from where a client or a neighbour stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ha.lab import Lab
from ha.topology import Host

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

# A host of the lab answers in a millisecond, a busy one in some tens.
_PROBE_S = 1


def client(lab: Lab) -> str:
    """Return the host on which clients live."""
    return lab.topology.with_role("client")[0].name


def port(lab: Lab, host: str) -> int | None:
    """Return a port that the host listens on while all is well; None for the clients' host."""
    ports = lab.topology.ports
    by_role: tuple[tuple[str, int], ...] = (
        ("database", ports.patroni),
        ("dcs", ports.etcd_client),
        ("app", ports.api),
        ("edge", ports.edge_stats),
        ("monitor", ports.prometheus),
    )
    roles: Host = lab.topology.host(host)
    return next((number for role, number in by_role if role in roles.roles), None)


def answers(lab: Lab, host: str, *, asked_from: str) -> bool:
    """Test if `host` accepts a connection from the network of `asked_from`."""
    address = f"/dev/tcp/{lab.topology.host(host).address}/{port(lab, host)}"
    probe = f"timeout {_PROBE_S} bash -c '<{address}' 2>/dev/null && echo open || true"
    return lab.exec(asked_from, ["bash", "-c", probe], timeout_s=5 * _PROBE_S).strip() == "open"


def together(look: Callable[[Asked], Answered], asked: Iterable[Asked]) -> list[Answered]:
    """Return what `look` sees of each, looking at all of them at the same time."""
    each: Sequence[Asked] = list(asked)
    with ThreadPoolExecutor(max_workers=max(1, len(each))) as pool:
        return list(pool.map(look, each))
