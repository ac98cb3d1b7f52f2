"""Cockpit: a data centre as its operator wants to see it, at a glance."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ha import readback
from ha.lab import state
from ha.lab.commands import run, within
from ha.lab.lab import Lab
from ha.site import Found, Question

# Every warden in turn, two seconds at most each, then Patroni.
_ASKED_S = 20.0


def status(lab: Lab, console: Console) -> bool:
    """Show who leads, who follows how far behind, what is fenced; return whether all is well."""
    found = ask(lab)
    hosts = [host.name for host in lab.topology.with_role("database")]
    table = Table("Host", "Role", "Timeline", "Behind", "Quorum", "Because", box=None)
    voters = _leader(found).get("store", {}).get("voters", [])
    for host in hosts:
        said = found.statuses.get(host)
        if said is None:
            table.add_row(host, "[red]silent[/]", "", "", "", "its warden does not answer")
        else:
            quorum = "voter" if host in voters else ""
            lag = f"{said['behind_s']} s" if said["is_replica"] else ""
            table.add_row(host, _role(said), str(said["timeline"]), lag, quorum, said["why"])
    console.print(table)
    console.print(f"Virtual address: {' and '.join(lab.holders_of_virtual_address()) or 'nobody'}")
    if found.last_change is not None:
        change = found.last_change
        console.print(f"Last change: {change.leader} at {change.at}, timeline {change.timeline}")
    complaints = list(readback.of_databases(found, hosts))
    for complaint in complaints:
        console.print(f"[red]✗[/] {complaint}")
    if not complaints:
        console.print("[green]✓[/] a failover would lose nothing and need no person")
    return not complaints


def ask(lab: Lab) -> Found:
    """Return what the wardens say, asked from the clients' network."""
    client = lab.topology.with_role("client")[0]
    argv = within(lab.layout.namespace(client.name), [sys.executable, "-m", "ha.site"])
    password = state.secrets(lab.layout).patroni_password
    question = Question(topology=lab.topology, password=password)
    told = msgspec.json.encode(question).decode()
    return msgspec.json.decode(run(argv, input=told, timeout_s=_ASKED_S), type=Found)


def _leader(found: Found) -> dict[str, Any]:
    """Return what the leader's warden says; empty without a leader."""
    return next((said for said in found.statuses.values() if said["is_primary"]), {})


def _role(said: dict[str, Any]) -> str:
    if said["is_primary"]:
        return "[green]primary[/]"
    return "replica" if said["is_replica"] else "[red]neither[/]"
