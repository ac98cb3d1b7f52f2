"""Where the machine's time goes: CPU seconds of each group of processes of a lab."""

from __future__ import annotations

import os
import re
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from ha.lab import Lab
from ha.lab.errors import LabFailed

T = TypeVar("T")

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# The first of these that occurs in a process's command line names its group.
_GROUPS = (
    ("pgbench", "load"),
    ("gunicorn", "API"),
    ("evergrid-service", "worker"),
    ("supervisord", "supervisor"),
    ("patroni", "Patroni"),
    ("postgres", "PostgreSQL"),
    ("haproxy", "HAProxy"),
    ("keepalived", "keepalived"),
    ("etcd", "etcd"),
    ("prometheus", "Prometheus"),
)

# Own user and system time, that of children which ended: fields 14 to 17 of proc(5)'s stat, here
# counted after the command's name.
_TIMES = slice(11, 15)

# The most memory that a process has had, in KiB: proc(5).
_PEAK = re.compile(r"^VmHWM:\s*([0-9]+) kB$", re.MULTILINE)


def measured(
    lab: Lab, work: Callable[[], T], *, load: Collection[int] = ()
) -> tuple[T, dict[str, float]]:
    """
    Return what `work` returns, and the share of all CPUs that each group used meanwhile.

    "load" are the pids in `load`, and our own children that ended; "idle" is what nobody used;
    "stolen" what other machines on the same hardware took; "kernel, others" is the rest:
    interrupts, and programs that have nothing to do with the lab.
    """
    before = _used_s(lab, load)
    began_s = time.monotonic()
    result = work()
    capacity_s = (time.monotonic() - began_s) * (os.cpu_count() or 1)
    spent = {group: used_s - before[group] for group, used_s in _used_s(lab, load).items()}
    spent["kernel, others"] = max(0.0, capacity_s - sum(spent.values()))
    ordered = sorted(spent.items(), key=lambda item: item[1], reverse=True)
    return result, {group: round(used_s / capacity_s, 3) for group, used_s in ordered}


def largest_bytes(lab: Lab, group: str) -> int:
    """
    Return how much memory the largest process of a group has had at any time.

    :raises LabFailed: if there is none
    """
    pids = (pid for host in lab.topology.hosts for pid in lab.pids(host.name))
    sizes = [_peak_bytes(pid) for pid in pids if _group(pid) == group]
    if not sizes:
        raise LabFailed(f"nothing of the lab is a {group}")
    return max(sizes)


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:  # ended since it was listed
        return 0
    found = _PEAK.search(status)
    return int(found[1]) * 1024 if found else 0


def _used_s(lab: Lab, load: Collection[int]) -> dict[str, float]:
    """Return the CPU seconds that each group used since its processes began."""
    used: defaultdict[str, float] = defaultdict(float)
    for host in lab.topology.hosts:
        for pid in lab.pids(host.name):
            used[_group(pid)] += _process_s(pid)
    used["load"] += _children_s() + sum(map(_process_s, load))
    used["idle"], used["stolen"] = _left_s()
    return used


def _process_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # ended since it was listed
        return 0.0
    return sum(map(int, stat.rpartition(")")[2].split()[_TIMES])) / _TICKS_PER_S


def _group(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:  # ended since it was listed
        return "others"
    return next((group for needle, group in _GROUPS if needle in command), "others")


def _left_s() -> tuple[float, float]:
    """Return how long no program ran on the CPUs, in s: nobody wanted to; we were not let."""
    first = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()
    _, _, _, _, idle, waiting, _, _, stolen, *_ = first
    return (int(idle) + int(waiting)) / _TICKS_PER_S, int(stolen) / _TICKS_PER_S


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
