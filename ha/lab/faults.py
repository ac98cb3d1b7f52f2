"""Faults: breaks one thing of a lab for certain, each with its cure."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable

from ha.lab import network, processes, supervision
from ha.lab.commands import run
from ha.lab.errors import FaultWithoutEffect, LabFailed
from ha.lab.layout import Layout
from ha.lab.processes import Process
from ha.topology import Host


class ProcessMissing(LabFailed):
    """The process a fault is aimed at does not run."""


def power_off(layout: Layout, host: Host) -> None:
    """
    Take the host away as a power cut does: nothing says goodbye.

    The cable goes first, so that no peer sees the connections being closed; then the kernel ends
    everything in the PID namespace at once, because its first process is killed.
    :raises FaultWithoutEffect: if something of the host is left
    """
    if network.exists(layout.link(host.name)):
        network.set_link(layout, host.name, "down")
    init = processes.init_of(layout, host.name)
    left = processes.of_host(init) if init else []
    if init:
        processes.end([init])
    survivors = [process.name for process in left if _still_runs(process)]
    if survivors or network.is_link_up(layout, host.name):
        raise FaultWithoutEffect(f"{host.name} is not off: {survivors or 'its link is up'}")


def kill(init: int, host: str, process: str, number: signal.Signals) -> Process:
    """
    Send a signal to one process of the host and return which it was.

    `process` is a program of the supervisor, `postgres` (the postmaster) or `api-worker`.
    :raises ProcessMissing: if it does not run
    :raises FaultWithoutEffect: if SIGKILL did not end it
    """
    victim = find(init, host, process)
    try:
        processes.signal_one(victim.pid, number)
    except ProcessLookupError as error:
        raise ProcessMissing(f"{process} on {host} ended by itself just now") from error
    return victim


def freeze(init: int, host: str, process: str | None) -> None:
    """Stop (SIGSTOP) a process with all its descendants, or every process of the host."""
    if process is None:
        processes.hold(lambda: processes.of_host(init))
        return
    eldest = find(init, host, process).pid
    processes.hold(lambda: processes.under(eldest, processes.of_host(init)))


def thaw(init: int, host: str, process: str | None) -> None:
    """Let go on what `freeze` stopped."""
    family = processes.of_host(init)
    if process is not None:
        family = processes.under(find(init, host, process).pid, family)
    processes.send([member.pid for member in family], signal.SIGCONT)


def cut(layout: Layout, host: str, others: Iterable[str], *, one_way: bool) -> None:
    """
    Let no frame pass between the host and each of `others`; from everybody if there are none.

    It happens in the switch, without a word to either side, as a failed switch port does it; both
    ways, or `one_way`: only what the host sends is lost. Addresses do not matter: a virtual one is
    cut off with its host.
    """
    there = [f"iifname {_ports(layout, host)}"]
    back = [f"oifname {_ports(layout, host)}"]
    if names := list(others):
        there = [f"{there[0]} oifname {_ports(layout, other)}" for other in names]
        back = [f"iifname {_ports(layout, other)} {back[0]}" for other in names]
    rules = [f"{rule} drop" for rule in (there if one_way else there + back)]
    chain = f"bridge {layout.cuts} forward"
    commands = [
        f"add table bridge {layout.cuts}",
        f"add chain {chain} {{ type filter hook forward priority 0; policy accept; }}",
        *(f"add rule {chain} {rule}" for rule in rules),
    ]
    run(["nft", "-f", "-"], input="\n".join(commands) + "\n")


def flap(layout: Layout, host: str, times: int, *, down_s: float, up_s: float) -> None:
    """
    Let the host's link go down then come up, `times` times; it is up in the end, whatever happens.

    :raises FaultWithoutEffect: if it was down before, so that nothing would have changed
    """
    if not network.is_link_up(layout, host):
        raise FaultWithoutEffect(f"the link of {host} is down already")
    try:
        for _ in range(times):
            network.set_link(layout, host, "down")
            time.sleep(down_s)  # how long it lasts is the fault itself, nothing to wait for
            network.set_link(layout, host, "up")
            time.sleep(up_s)
    finally:
        network.set_link(layout, host, "up")


def heal(layout: Layout) -> None:
    """Undo every cut of the lab."""
    run(["nft", f"add table bridge {layout.cuts}; delete table bridge {layout.cuts}"])


def is_cut(layout: Layout) -> bool:
    """Test if any cut of the lab is in force."""
    return layout.cuts in run(["nft", "list", "tables", "bridge"])


def find(init: int, host: str, process: str) -> Process:
    """
    Return one process of the host by the name an operator uses.

    :raises ProcessMissing: if it does not run; the message lists those that do
    """
    family = processes.of_host(init)
    if process == "postgres":
        # Patroni starts it as an orphan, so its parent is the host's init; backends are its own.
        found = [p for p in family if p.name == "postgres" and p.parent == init]
    elif process == "api-worker":
        master = find(init, host, "api").pid
        found = [p for p in family if p.parent == master]
    else:
        own_pids = {p.own_pid for p in supervision.programs(init) if p.name == process} - {0}
        found = [p for p in family if p.own_pid in own_pids]
    alive = [p for p in found if p.state not in processes.ENDED]
    if not alive:
        names = ", ".join(program.name for program in supervision.programs(init))
        raise ProcessMissing(f"no {process!r} runs on {host}; its programs are {names}")
    return alive[0]


def _ports(layout: Layout, host: str) -> str:
    """Return the ports at which a host may be plugged in: its cable's, or that of a slow line."""
    return f'{{ "{layout.link(host)}", "{layout.port(host)}" }}'


def _still_runs(process: Process) -> bool:
    """Test if the process still runs; its number may belong to another one by now."""
    now = processes.look_up(process.pid)
    if now is None or now.state in processes.ENDED:
        return False
    return (now.depth, now.own_pid) == (process.depth, process.own_pid)
