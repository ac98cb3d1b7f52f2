"""Report: what the command line shows of a lab."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from ha.lab import cluster, health, state, supervision
from ha.lab.errors import LabFailed
from ha.lab.lab import Lab

TRIAL_FEN = 5000
_INSIDE = "evergrid-ha lab exec client -- curl -K /etc/evergrid/curlrc …"


def welcome(lab: Lab, console: Console, *, is_bare: bool) -> None:
    """Show how to use the lab that was just brought up."""
    if not is_bare:
        info(lab, console)
    console.print(f"Stop it, and remove its data:  evergrid-ha lab down --name {lab.layout.lab}")


def info(lab: Lab, console: Console) -> None:
    """Show endpoints, tokens, what to try them with, each on a line to be copied."""
    found = lab.info()
    table = Table.grid(padding=(0, 2))
    local = found["local"]
    for what, where in (
        ("Endpoint", local["endpoint"]),
        ("Inside the lab", f"{found['endpoint']} ({_INSIDE})"),
        ("API docs", f"{local['endpoint']}/docs"),
        ("Prometheus", local["prometheus"]),
    ):
        table.add_row(what, where)
    console.print()
    console.print(table)
    console.print()
    for role, token in found["tokens"].items():
        console.out(f"{role:<18}{token}", highlight=False)
    console.print()
    for what, line in _trial(lab, found).items():
        console.out(f"# {what}\n{line}\n", highlight=False)


def status(lab: Lab, console: Console) -> bool:
    """Show every host, and return whether all is well."""
    try:
        members = {member.name: member for member in cluster.members(lab.patroni())}
    except cluster.ClusterSilent:
        members = {}
    holders = lab.holders_of_virtual_address()
    table = Table("Host", "Address", "Roles", "Power", "Programs", "Cluster", box=None)
    for host in lab.topology.hosts:
        power, programs = _programs(lab, host.name)
        notes = _standing(members[host.name]) if host.name in members else ""
        if host.name in holders:
            notes = f"holds {lab.topology.virtual_address}"
        table.add_row(host.name, host.address, " ".join(host.roles), power, programs, notes)
    console.print(table)
    complaints = health.complaints(lab)
    for complaint in complaints:
        console.print(f"[red]✗[/] {complaint}")
    if not complaints:
        console.print("[green]✓[/] all is well")
    return not complaints


def failure(error: Exception, console: Console) -> None:
    """Show what failed, the log line that says why, then the file to read."""
    console.print(f"[red]✗[/] {type(error).__name__}:", end=" ")
    console.out(str(error), highlight=False)
    if isinstance(error, LabFailed) and error.log:
        console.out(f"  {error.log_line}", highlight=False)
        console.out(f"  read {error.log}", highlight=False)


def _programs(lab: Lab, host: str) -> tuple[str, str]:
    """Return whether the host is on, and its programs with their states."""
    if not lab.is_up(host):
        return "[red]off[/]", ""
    try:
        found = lab.programs(host)
    except supervision.SupervisorSilent:
        return "[yellow]frozen?[/]", "the supervisor does not answer"
    return "[green]on[/]", ", ".join(f"{p.name} {p.state.lower()}" for p in found)


def _standing(member: cluster.Member) -> str:
    """Return a database's place in the cluster."""
    lag = "" if member.lag is None else f", lag {member.lag} bytes"
    return f"{member.role} {member.state}, timeline {member.timeline}{lag}"


def _trial(lab: Lab, found: dict[str, Any]) -> dict[str, str]:
    """Return lines to paste into a shell, by what they do; a payment's key is new each time."""
    token = found["tokens"].get("hall_clerk")
    account_no = state.load_known(lab.layout).account_no
    if not (token and account_no):
        return {}
    account = f"{found['local']['endpoint']}/v1/accounts/{account_no}"
    payment = {
        "account_no": account_no,
        "amount_fen": TRIAL_FEN,
        "channel": "hall",
        "channel_serial": "'$key'",
    }
    curl = f"curl -sS -H 'Authorization: Bearer {token}'"
    headers = "-H \"Idempotency-Key: $key\" -H 'Content-Type: application/json'"
    told = "-w '\\n%{http_code} after %{time_total} s\\n'"
    body = f"-d '{json.dumps(payment)}'"
    pay = (
        f"key=pay-$(date +%s%N); "
        f"{curl} {headers} {body} {told} {found['local']['endpoint']}/v1/payments"
    )
    return {
        "look an account up": f"{curl} {account}",
        "pay": pay,
        "its statement": f"{curl} {account}/statement",
        "cut the primary's power, pay at once: it waits for seconds, then says 201": (
            f"evergrid-ha power-off primary --name {lab.layout.lab}; {pay}"
        ),
    }
