"""Processes: what the kernel says of this host's, with how they are ended."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ha.warden.facts import Process

# A killed process is gone in milliseconds, or after the flush of a disk.
_END_S = 2.0
# Letters of proc(5).
_STOPPED = frozenset("Tt")
_ENDED = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Status:
    """One line of /proc/PID/stat: parent, and the letter of the state."""

    pid: int
    parent: int
    state: str


def postmaster_pid(data_folder: str) -> int | None:
    """Return the postmaster that its pid file names, if it runs; the file outlives a crash."""
    try:
        lines = Path(data_folder, "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError, IndexError):
        return None
    found = status(pid)
    return pid if name == "postgres" and found and found.state not in _ENDED else None


def patroni_pid() -> int | None:
    """
    Return the process of Patroni itself, the eldest of those with its command line.

    It starts PostgreSQL by a process of its own, which looks the same for a moment.
    """
    own = [pid for pid in _pids() if _is_patroni(pid)]
    return min(own, default=None)


def status(pid: int) -> Status | None:
    """Return what the kernel says of a process, or None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return Status(pid=pid, parent=int(parent), state=state)


def seen(pid: int | None, before: Process | None, *, now_s: float) -> Process | None:
    """Return a process as it is now; `since_s` is kept while neither it nor its state changes."""
    found = status(pid) if pid is not None else None
    if found is None or found.state in _ENDED:
        return None
    is_stopped = found.state in _STOPPED
    if before is not None and (before.pid, before.is_stopped) == (found.pid, is_stopped):
        return before
    return Process(pid=found.pid, is_stopped=is_stopped, since_s=now_s)


def end(pid: int) -> None:
    """Kill a process, stopped or not, and return when it is gone, or after two seconds."""
    _signal(pid, signal.SIGKILL)


def ask_to_end(pid: int) -> None:
    """Send SIGTERM, and return when the process is gone, or after two seconds."""
    _signal(pid, signal.SIGTERM)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, number)
        wait(descriptor, within_s=_END_S)
    except ProcessLookupError:
        return  # it ended by itself just now
    finally:
        os.close(descriptor)


def end_family(pid: int) -> None:
    """
    Kill a postmaster with its children, and return when it is gone, or after two seconds.

    A stopped child would outlive it and keep the shared memory that its successor needs.
    """
    children = [s.pid for p in _pids() if (s := status(p)) and s.parent == pid]
    for member in (pid, *children):
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    end(pid)


def wait(descriptor: int, *, within_s: float) -> bool:
    """Wait until the process behind a pidfd has ended; return whether it has."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, within_s) * 1000))


def _is_patroni(pid: int) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"ha.patroni_main" in arguments


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
