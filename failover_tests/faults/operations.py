"""What operators do on purpose, every day: to a client it must be no fault at all."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha import certificates
from ha.certificates import OPERATOR
from ha.lab import Lab, state
from ha.lab.errors import LabFailed
from ha.lab.waiting import until


@contextmanager
def switched_over(lab: Lab, *, from_host: str) -> Iterator[Fault]:
    """
    Make another host the primary, as an operator does.

    :raises LabFailed: if it is refused
    :raises NotInTime: if the old primary still leads
    """
    began_s = time.monotonic()
    lab.switchover()
    leads = until(
        lab.primary,
        is_enough=lambda primary: primary not in (None, from_host),
        what=f"a primary other than {from_host}",
        within_s=budgets.FAULT_PROVEN_S,
    )
    proof = f"{leads} leads instead of {from_host}"
    yield Fault(what="switchover", hosts=(from_host,), began_s=began_s, proof=proof)


@contextmanager
def reloaded(lab: Lab, host: str, program: str) -> Iterator[Fault]:
    """
    Reload a program of `host`, as after a change of its configuration.

    :raises NotInTime: if no new process came of it
    """
    began_s = time.monotonic()
    before = set(lab.pids(host))
    lab.reload(host, program)
    new = until(
        lambda: set(lab.pids(host)) - before,
        what=f"a new process of {program} on {host}",
        within_s=budgets.FAULT_PROVEN_S,
    )
    proof = f"{len(new)} processes are new"
    yield Fault(what=f"reload of {program}", hosts=(host,), began_s=began_s, proof=proof)


@contextmanager
def rolled(lab: Lab) -> Iterator[Fault]:
    """
    Put a new release on every app host under load; the old one comes back on leaving.

    The new release is the same code under another path, which is what a roll changes.
    :raises NotInTime: if a host runs nothing of the new release
    """
    release = Path(sys.prefix).resolve()
    other = release.with_name(f"{release.name}-again")
    other.symlink_to(release)
    hosts = tuple(host.name for host in lab.topology.with_role("app"))
    began_s = time.monotonic()
    try:
        lab.roll(str(other))
        until(
            lambda: [host for host in hosts if not _runs_from(lab, host, other)],
            is_enough=lambda left: not left,
            what=f"processes that run from {other} on {hosts}",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = f"each runs from {other.name}"
        yield Fault(what="roll of a release", hosts=hosts, began_s=began_s, proof=proof)
    finally:
        lab.roll(str(release))
        other.unlink()


def _runs_from(lab: Lab, host: str, release: Path) -> bool:
    """Test if a process of the host was started from the release."""
    return any(f"{release}/bin/" in _command(pid) for pid in lab.pids(host))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:  # ended since it was listed
        return ""


@contextmanager
def certified(lab: Lab, step: str) -> Iterator[Fault]:
    """
    Take a step with the certificates of all hosts, under load.

    :raises NotInTime: if a port goes on presenting the old one
    """
    began_s = time.monotonic()
    before = certificates.of(state.certificates(lab.layout, lab.topology), OPERATOR)
    ports = lab.certify(step)
    now = certificates.of(state.certificates(lab.layout, lab.topology), OPERATOR)
    if now == before:
        raise LabFailed(f"{step} changed nothing")
    proof = f"{ports} ports present what was signed, and believe whom they should"
    hosts = tuple(host.name for host in lab.topology.hosts)
    yield Fault(what=f"certificates: {step}", hosts=hosts, began_s=began_s, proof=proof)
