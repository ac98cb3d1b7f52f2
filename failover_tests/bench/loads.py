"""The two programs that make the load of the benchmark: wrk for the service, pgbench beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

import msgspec

from ha.lab import Lab
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed

# As many callers as keep two cores busy; more only wait longer.
CONNECTIONS = 32
_THREADS = 2

# Beyond the seconds of load itself: starting, and waiting for the last answers.
_SLACK_S = 60.0

# Where the database listens inside a host of the lab.
_SOCKET = "/run/evergrid/postgresql"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of load: how much was answered, how long it took, what went wrong."""

    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


class _Summary(msgspec.Struct):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_status: int
    broken: int


class LoadFailed(LabFailed):
    """A load program did not say what it measured."""


def wrk(lab: Lab, script: str, *, seconds: int, environment: Mapping[str, str]) -> Measured:
    """Load the service through its virtual address, from the clients' network, by a Lua script."""
    info = lab.info()
    folder = resources.files("failover_tests") / "bench"
    with resources.as_file(folder) as scripts:
        text = (scripts / script).read_text() + (scripts / "summary.lua").read_text()
    argv = [
        "env",
        *(f"{name}={value}" for name, value in environment.items()),
        *("wrk", f"-t{_THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"),
        *("--latency", "-s", "/dev/stdin", info["endpoint"]),
    ]
    printed = run(
        within(info["client_namespace"], argv), input=text, timeout_s=seconds + _SLACK_S
    )
    found = re.search(r"^BENCH (\{.*\})$", printed, re.MULTILINE)
    if found is None:
        raise LoadFailed(f"wrk says nothing of {script}: {printed[-300:]!r}")
    summary = msgspec.json.decode(found[1], type=_Summary)
    return Measured(
        per_s=round((summary.requests - summary.bad_status) / summary.seconds, 1),
        p50_ms=round(summary.p50_ms, 2),
        p99_ms=round(summary.p99_ms, 2),
        errors=summary.bad_status + summary.broken,
    )
