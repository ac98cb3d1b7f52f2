"""Cockpit: a data centre as its operator wants to see it, at a glance."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ha import outlook
from ha.lab import state
from ha.lab.commands import run, within
from ha.lab.lab import Lab
from ha.lab.waiting import until
from ha.outlook import Outlook
from ha.site import Found, Question

# Every warden in turn, two seconds at most each, then Patroni.
_ASKED_S = 20.0
# The old primary starts anew, streams, becomes a voter: two to eight seconds.
_WHOLE_S = 60.0
_LOOK_EVERY_S = 0.5


def status(lab: Lab, console: Console) -> bool:
    """Show who leads, who follows how far behind, what is fenced; return whether all is well."""
    found = ask(lab)
    hosts = [host.name for host in lab.topology.with_role("database")]
    console.print(table(found, hosts))
    console.print(f"Virtual address: {' and '.join(lab.holders_of_virtual_address()) or 'nobody'}")
    if found.last_change is not None:
        change = found.last_change
        console.print(f"Last change: {change.leader} at {change.at}, timeline {change.timeline}")
    seen = outlook.judge(found, hosts)
    for sentence in sentences(seen):
        console.print(sentence)
    return seen.is_good


def wait_until_whole(lab: Lab) -> float:
    """
    Return after how long a failover would lose nothing and need no person, in seconds.

    :raises NotInTime: if that takes longer than `_WHOLE_S`
    """
    hosts = [host.name for host in lab.topology.with_role("database")]
    began_s = time.monotonic()
    until(
        lambda: outlook.judge(ask(lab), hosts),
        is_enough=lambda seen: seen.is_good,
        what="every database host takes part again",
        within_s=_WHOLE_S,
        step_s=_LOOK_EVERY_S,
    )
    return time.monotonic() - began_s


def sentences(seen: Outlook) -> Iterator[str]:
    """Return what is said below the table, line by line."""
    yield from (f"[red]✗[/] {complaint}" for complaint in seen.complaints)
    claim = "a failover would lose nothing and need no person"
    if seen.unknown:
        yield f"[yellow]?[/] unknown whether {claim}: {'; '.join(seen.unknown)}"
    elif seen.is_good:
        yield f"[green]✓[/] {claim}"


def table(found: Found, hosts: list[str]) -> Table:
    """Return a line per host; what it cannot know just now is "unknown"."""
    shown = Table("Host", "Role", "Timeline", "Behind", "Quorum", "Because", box=None)
    leading = outlook.leader(found)
    leads = found.statuses[leading] if leading else None
    for host in hosts:
        said = found.statuses.get(host)
        if said is None:
            why = "off, or cut off: its warden does not answer"
            shown.add_row(host, "[red]silent[/]", "", "", "", why)
        else:
            lag = _behind(said, leading) if said["is_replica"] else ""
            quorum = _quorum(host, leads)
            shown.add_row(host, _role(said), str(said["timeline"]), lag, quorum, said["why"])
    return shown


def ask(lab: Lab) -> Found:
    """Return what the wardens say, asked from the clients' network."""
    client = lab.topology.with_role("client")[0]
    argv = within(lab.layout.namespace(client.name), [sys.executable, "-m", "ha.site"])
    password = state.secrets(lab.layout).patroni_password
    question = Question(
        topology=lab.topology, password=password, identity=str(lab.layout.operators)
    )
    told = msgspec.json.encode(question).decode()
    return msgspec.json.decode(run(argv, input=told, timeout_s=_ASKED_S), type=Found)


def _behind(said: dict[str, Any], leading: str | None) -> str:
    """Return how far a replica is behind; who does not stream cannot know what it lacks."""
    is_told = leading is not None and said["streams_from"] == leading
    return f"{said['behind_s']} s" if is_told else "unknown"


def _quorum(host: str, leads: dict[str, Any] | None) -> str:
    """Return whether a host is a voter, by what the leader's has heard from etcd lately."""
    if leads is None or outlook.age_s(leads) > outlook.STORE_FRESH_S:
        return "unknown"
    return "voter" if host in leads["store"]["voters"] else ""


def _role(said: dict[str, Any]) -> str:
    if said["is_primary"]:
        return "[green]primary[/]"
    return "replica" if said["is_replica"] else "[red]neither[/]"
