"""The environment of a measurement: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import patroni.version

from failover_tests.statements import statement
from ha.lab import Lab
from ha.lab.errors import LabFailed

_UNKNOWN = "unknown"


def described(lab: Lab) -> dict[str, Any]:
    """Return machine, versions and timings under which a lab is measured now, as far as known."""
    topology = lab.topology
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lab": topology.name,
        "cpus": os.cpu_count(),
        "cpu": _after("model name", Path("/proc/cpuinfo")),
        "python_loop_ms": _loop_ms(),
        "memory": _after("MemTotal", Path("/proc/meminfo")),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgresql": _server_version(lab),
        "patroni": patroni.version.__version__,
        "aiohttp": aiohttp.__version__,
        "timings_s": msgspec.to_builtins(topology.timings),
    }


def _loop_ms() -> float:
    """
    Return how long a fixed piece of work takes, at its best of five.

    Two machines of one name differ by half, and one does from hour to hour.
    """
    took = []
    for _ in range(5):
        began_s = time.perf_counter()
        for number in range(200_000):
            _ = number + number
        took.append(time.perf_counter() - began_s)
    return round(min(took) * 1000, 1)


def _server_version(lab: Lab) -> str:
    """Return the version of PostgreSQL that the primary runs; unknown if none answers."""
    try:
        return str(lab.query(statement("server_version"))[0]["version"])
    except LabFailed:  # the drill that finds the lab so says more
        return _UNKNOWN


def _after(key: str, path: Path) -> str:
    """Return what follows `key` in a file of the kernel's with lines of `key : value`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return _UNKNOWN
