"""What operators do on purpose, every day: to a client it must be no fault at all."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha import certificates
from ha.certificates import OPERATOR
from ha.lab import Lab, processes, state
from ha.lab.errors import LabFailed
from ha.lab.rolling import PROGRAMS
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

    :raises NotInTime: if no new process of that very program came of it
    """
    began_s = time.monotonic()
    before = _family(lab, host, program)
    lab.reload(host, program)
    new = until(
        lambda: _family(lab, host, program) - before,
        what=f"a new process of {program} on {host}, which had {len(before)}",
        within_s=budgets.FAULT_PROVEN_S,
    )
    proof = f"{len(new)} processes of {program} are new, {len(before)} were there before"
    yield Fault(what=f"reload of {program}", hosts=(host,), began_s=began_s, proof=proof)


@contextmanager
def rolled(lab: Lab) -> Iterator[Fault]:
    """
    Put a new release on every app host under load; the old one comes back on leaving.

    The new release is the same code under another path, which is what a roll changes.
    :raises LabFailed: if a roll, there or back, is refused
    :raises NotInTime: if a program of a host does not run from the new release, or not again from
        the old one afterwards
    """
    release = Path(sys.prefix).resolve()
    other = release.with_name(f"{release.name}-again")
    other.unlink(missing_ok=True)  # of a roll that was killed before it could clean up
    other.symlink_to(release)
    hosts = tuple(host.name for host in lab.topology.with_role("app"))
    began_s = time.monotonic()
    try:
        lab.roll(str(other))
        _wait_until_used(lab, hosts, other, is_used=True)
        proof = f"each runs {' and '.join(PROGRAMS)} from {other.name}"
        yield Fault(what="roll of a release", hosts=hosts, began_s=began_s, proof=proof)
    finally:
        lab.roll(str(release))
        # Not if that failed: what a host starts then may still be there alone.
        other.unlink(missing_ok=True)
    _wait_until_used(lab, hosts, other, is_used=False)


def _wait_until_used(lab: Lab, hosts: Sequence[str], release: Path, *, is_used: bool) -> None:
    """
    Wait until every process of what a roll replaces was started from the release, or none was.

    :raises NotInTime: if one is otherwise, or a program does not run
    """
    until(
        lambda: [
            f"{program} on {host}"
            for host in hosts
            for program in PROGRAMS
            if _uses(lab, host, program, release) != {is_used}
        ],
        is_enough=lambda left: not left,
        what=f"processes started from {release}: {'all' if is_used else 'none'} (those otherwise)",
        within_s=budgets.FAULT_PROVEN_S,
    )


def _uses(lab: Lab, host: str, program: str, release: Path) -> set[bool]:
    """Return whether processes of the program were started from the release; empty: none runs."""
    commands = [_command(pid) for pid in _family(lab, host, program)]
    return {f"{release}/bin/" in command for command in commands if command}


def _family(lab: Lab, host: str, program: str) -> set[int]:
    """Return the processes of a program of the host: what its supervisor started, its children."""
    running = [process for pid in lab.pids(host) if (process := processes.look_up(pid))]
    started = {found.own_pid for found in lab.programs(host) if found.name == program} - {0}
    eldest = [process.pid for process in running if process.own_pid in started]
    return {process.pid for pid in eldest for process in processes.under(pid, running)}


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
    try:
        ports = lab.certify(step)
    except certificates.CertificatesWrong as error:
        raise LabFailed(f"certify {step}: {error}") from error
    now = certificates.of(state.certificates(lab.layout, lab.topology), OPERATOR)
    if now == before:
        raise LabFailed(f"{step} changed nothing")
    proof = f"{ports} ports present what was signed, and believe whom they should"
    hosts = tuple(host.name for host in lab.topology.hosts)
    yield Fault(what=f"certificates: {step}", hosts=hosts, began_s=began_s, proof=proof)
