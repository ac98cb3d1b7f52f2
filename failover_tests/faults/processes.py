"""Processes that end, or stand still, from one moment to the next."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha.lab import Lab, processes
from ha.lab.waiting import until

_HELD = frozenset("Tt")


@contextmanager
def killed(lab: Lab, host: str, *names: str) -> Iterator[Fault]:
    """
    Kill (SIGKILL) each of the named processes; who watches over them is the cure.

    :raises NotInTime: if one of them still runs
    """
    began_s = time.monotonic()
    pids = {name: lab.kill(host, name) for name in names}
    until(
        lambda: [name for name, pid in pids.items() if processes.is_running(pid)],
        is_enough=lambda alive: not alive,
        what=f"{names} on {host} to be gone",
        within_s=budgets.FAULT_PROVEN_S,
    )
    gone = ", ".join(f"{name} was process {pid}" for name, pid in pids.items())
    what = f"kill -9 of {' and '.join(names)}"
    yield Fault(what=what, hosts=(host,), began_s=began_s, proof=f"{gone}; gone")


@contextmanager
def stopped(lab: Lab, host: str, name: str) -> Iterator[Fault]:
    """
    Freeze (SIGSTOP) one process without its children, until leaving.

    Whoever watches over it may end it at once, for it stands still: then the proof says that.
    :raises NotInTime: if it goes on running
    """
    began_s = time.monotonic()
    pid = lab.kill(host, name, signal.SIGSTOP)
    try:
        state = until(
            lambda: _state(pid),
            is_enough=lambda state: state in (*_HELD, None),
            what=f"{name} on {host} to stand still",
            within_s=budgets.FAULT_PROVEN_S,
        )
        stands = "is in state T (stopped)" if state else "was ended as soon as it was stopped"
        proof = f"process {pid} {stands}"
        yield Fault(what=f"SIGSTOP of {name}", hosts=(host,), began_s=began_s, proof=proof)
    finally:
        _let_go(lab, host)


@contextmanager
def frozen(lab: Lab, host: str, name: str | None = None) -> Iterator[Fault]:
    """
    Freeze (SIGSTOP) a process with all its children, or all of the host, until leaving.

    :raises NotInTime: if nothing stands still
    """
    began_s = time.monotonic()
    try:
        lab.freeze(host, name)
        still = until(
            lambda: [pid for pid in lab.pids(host) if _state(pid) in _HELD],
            what=f"{name or 'everything'} on {host} to stand still",
            within_s=budgets.FAULT_PROVEN_S,
        )
        what = f"SIGSTOP of {name or 'every process'}"
        proof = f"{len(still)} processes are in state T (stopped)"
        yield Fault(what=what, hosts=(host,), began_s=began_s, proof=proof, is_pause=name is None)
    finally:
        _let_go(lab, host)


def _state(pid: int) -> str | None:
    process = processes.look_up(pid)
    return process.state if process else None


def _let_go(lab: Lab, host: str) -> None:
    """Let everything on the host go on: what stood still may have a successor by now."""
    if lab.is_up(host):
        lab.thaw(host)
