"""Handover: switches a lab's primary over, from inside its network as an operator would."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from ha import switchover as procedure
from ha.lab import state
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed, LabFailed
from ha.lab.layout import Layout
from ha.switchover import Report, Result
from ha.topology import Topology

# The checkpoints of two busy servers, the handover, the return of the old primary: each bounded.
_ALL_S = 200.0


class SwitchoverRefused(LabFailed):
    """The lab does not switch over; the message has every reason, or what went wrong."""


def silent(_sentence: str) -> None:
    """Say nothing."""


def switchover(
    layout: Layout, topology: Topology, *, to: str | None, say: Callable[[str], None]
) -> Report:
    """
    Let `to`, or the replica that is furthest, lead from now on; return how that went.

    :raises SwitchoverRefused: if it is refused (nothing has changed then) or was not done in time
    """
    databases = [host.name for host in topology.with_role("database")]
    if to is not None and to not in databases:
        raise SwitchoverRefused(f"{to!r} is no database host; there are {', '.join(databases)}")
    client = topology.with_role("client")[0]
    argv = within(layout.namespace(client.name), [sys.executable, "-m", "ha.switchover"])
    order = procedure.Order(
        topology=topology,
        password=state.secrets(layout).patroni_password,
        identity=str(layout.operators),
        to=to,
    )
    told = msgspec.json.encode(order).decode()
    *said, last = run(argv, input=told, timeout_s=_ALL_S).splitlines()
    for sentence in said:
        say(sentence)
    try:
        result = msgspec.json.decode(last, type=Result)
    except msgspec.DecodeError as error:
        raise CommandFailed(f"the switchover ended without its result: {last}") from error
    if result.report is None:
        raise SwitchoverRefused(result.refusal)
    return result.report
