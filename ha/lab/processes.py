"""Processes: those of a lab, found in the kernel's own tables, where nothing is stale."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ha.lab.errors import FaultWithoutEffect
from ha.lab.layout import Layout
from ha.lab.waiting import until

# Set for whatever is booted, so that a lab's processes are known even if its namespaces lost
# their names.
MARK = "EVERGRID_LAB_HOST"

# A killed process ends when it next leaves the kernel: at once, or after a disk's flush.
END_S = 10.0
# Letters of /proc: a zombie has ended too, it waits for its parent to look.
ENDED = frozenset("ZX")
STOPPED = frozenset("Tt") | ENDED

# Where the first process of a host was found, to be looked at first: what all hundreds of processes
# were started with takes 12 ms to read, and a look at a whole lab asks forty times (0.26 s).
_inits: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc shows it; `own_pid` is its number inside its own PID namespace."""

    pid: int
    parent: int
    own_pid: int
    depth: int
    name: str
    state: str


def look_up(pid: int) -> Process | None:
    """Return the process, or none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    pids = fields.get("NSpid", str(pid)).split()
    return Process(
        pid=pid,
        parent=int(fields["PPid"]),
        own_pid=int(pids[-1]),
        depth=len(pids),
        name=fields["Name"],
        state=fields["State"][0],
    )


def is_running(pid: int) -> bool:
    """Test if the process exists and has not ended."""
    process = look_up(pid)
    return process is not None and process.state not in ENDED


def init_of(layout: Layout, host: str) -> int | None:
    """Return the pid of the first process of the host, or none if the host is off."""
    mark = f"{layout.lab}/{host}\0"
    found = _inits.get(mark)
    if found is not None and _is_marked(found, mark) and _is_init(found):
        return found
    for pid in marked(mark):
        if _is_init(pid):
            _inits[mark] = pid
            return pid
    return None


def _is_init(pid: int) -> bool:
    process = look_up(pid)
    return process is not None and process.depth > 1 and process.own_pid == 1


def of_host(init: int) -> list[Process]:
    """Return every process in the PID namespace of `init`, by number."""
    namespace = _link(init, "pid")
    found = (look_up(pid) for pid in _every_pid() if namespace and _link(pid, "pid") == namespace)
    return [process for process in found if process]


def of_lab(layout: Layout) -> set[int]:
    """Return the pids of all that belong to the lab: booted by it, or in one of its networks."""
    names = layout.namespace_path("x").parent.glob(f"{layout.namespace('')}*")
    networks = {f"net:[{path.stat().st_ino}]" for path in names}
    return marked(f"{layout.lab}/") | {p for p in _every_pid() if _link(p, "net") in networks}


def marked(mark: str) -> set[int]:
    """Return the pids whose environment says that they were booted as `mark`."""
    return {pid for pid in _every_pid() if _is_marked(pid, mark)}


def _is_marked(pid: int, mark: str) -> bool:
    return f"\0{MARK}={mark}".encode() in b"\0" + _environment(pid) + b"\0"


def under(pid: int, among: Iterable[Process]) -> list[Process]:
    """Return the process `pid` and its descendants, ancestors first."""
    family, candidates = [pid], list(among)
    for ancestor in family:  # grows while it is walked
        family.extend(process.pid for process in candidates if process.parent == ancestor)
    return sorted((p for p in candidates if p.pid in family), key=lambda p: family.index(p.pid))


def signal_one(pid: int, number: signal.Signals) -> None:
    """
    Send a signal to one process, which has to exist.

    :raises FaultWithoutEffect: if SIGKILL did not end it
    :raises ProcessLookupError: if there is no such process
    """
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, number)
        if number == signal.SIGKILL and not _has_ended(descriptor, END_S):
            raise FaultWithoutEffect(f"process {pid} outlived SIGKILL by {END_S:g} s")
    finally:
        os.close(descriptor)


def end(pids: Iterable[int]) -> None:
    """
    Kill the processes and return when the kernel has forgotten them.

    :raises FaultWithoutEffect: if one outlives it
    """
    pids = list(pids)
    with ExitStack() as stack:
        descriptors = []
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
                stack.callback(os.close, descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            except ProcessLookupError:
                continue
            descriptors.append(descriptor)
        deadline = time.monotonic() + END_S
        if not all(_has_ended(d, deadline - time.monotonic()) for d in descriptors):
            raise FaultWithoutEffect(f"some of the processes {pids} outlived SIGKILL")


def hold(family: Callable[[], Iterable[Process]]) -> None:
    """
    Stop every process that `family` finds, also one that is forked meanwhile.

    :raises NotInTime: if one keeps running
    """

    def running() -> list[int]:
        awake: list[int] = []
        for _ in range(2):  # the first look may have been past the place of a child just forked
            awake += [process.pid for process in family() if process.state not in STOPPED]
            send(awake, signal.SIGSTOP)
        return awake

    until(running, is_enough=lambda awake: not awake, what="all stopped", within_s=5, step_s=0.01)


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that still exist."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # ended, or a thread of the kernel
        return b""


def _link(pid: int, kind: str) -> str:
    """Return which namespace of a kind the process is in; empty if it has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except OSError:
        return ""


def _every_pid() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _has_ended(descriptor: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)  # a pidfd is readable once its process has ended
    return bool(poll.poll(max(0.0, within_s) * 1000))
