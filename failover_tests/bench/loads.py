"""The two programs that make the load of the benchmark: wrk for the service, pgbench beside it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from tempfile import NamedTemporaryFile

import msgspec

from ha.lab import Lab
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed
from ha.lab.lab import SOCKET_FOLDER

# As many callers as keep two cores busy; more only wait longer.
CONNECTIONS = 32
_THREADS = 2

# Beyond the seconds of load itself: starting, and waiting for the last answers.
_SLACK_S = 60.0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of load: how much was answered a second, how long it took; pgbench has no p50."""

    per_s: float
    mean_ms: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors: int


class _Summary(msgspec.Struct):
    requests: int
    seconds: float
    mean_ms: float
    p50_ms: float
    p99_ms: float
    bad_status: int
    broken: int


class LoadFailed(LabFailed):
    """A load program did not say what it measured."""


def wrk(lab: Lab, script: str, *, seconds: int, environment: Mapping[str, str]) -> Measured:
    """Load the service through its virtual address, from the clients' network, by a Lua script."""
    info = lab.info()
    scripts = resources.files("failover_tests") / "bench"
    with NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write((scripts / script).read_text(encoding="utf-8"))
        file.write((scripts / "summary.lua").read_text(encoding="utf-8"))
        file.flush()
        load = ["wrk", f"-t{_THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", f"-s{file.name}"]
        argv = ["sh", "-c", '. /dev/stdin; exec "$@"', "wrk", *load, info["endpoint"]]
        printed = run(
            within(info["client_namespace"], argv),
            input=_exported(environment),
            timeout_s=seconds + _SLACK_S,
        )
    found = re.search(r"^BENCH (\{.*\})$", printed, re.MULTILINE)
    if found is None:
        raise LoadFailed(f"wrk says nothing of {script}: {printed[-300:]!r}")
    summary = msgspec.json.decode(found[1], type=_Summary)
    return Measured(
        per_s=round((summary.requests - summary.bad_status) / summary.seconds, 1),
        mean_ms=round(summary.mean_ms, 2),
        p50_ms=round(summary.p50_ms, 2),
        p99_ms=round(summary.p99_ms, 2),
        errors=summary.bad_status + summary.broken,
    )


def pgbench(
    lab: Lab, *, database: str, settings: Sequence[str], seconds: int, script: str | None = None
) -> Measured:
    """
    Load the primary itself, over its own socket: by `script`, or by pgbench's own SELECT.

    Each of `settings` (name=value) holds for every session.
    """
    # libpq splits options at spaces; one inside a value is escaped.
    options = " ".join("-c " + setting.replace(" ", "\\ ") for setting in settings)
    argv = [
        *("runuser", "-u", "postgres", "--", "env", f"PGOPTIONS={options}", "pgbench"),
        *("--no-vacuum", "--protocol=prepared", f"--client={CONNECTIONS}", f"--jobs={_THREADS}"),
        *(f"--time={seconds}", "--file=-" if script else "--select-only"),
        *(f"--host={SOCKET_FOLDER}", f"--port={lab.topology.ports.postgres}", database),
    ]
    printed = lab.exec(primary(lab), argv, input=script or "", timeout_s=seconds + _SLACK_S)
    rate = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
    mean = re.search(r"^latency average = ([\d.]+) ms", printed, re.MULTILINE)
    errors = re.search(r"^number of failed transactions: (\d+)", printed, re.MULTILINE)
    if not (rate and mean and errors):
        raise LoadFailed(f"pgbench says nothing it measured: {printed[-300:]!r}")
    return Measured(
        per_s=round(float(rate[1]), 1), mean_ms=round(float(mean[1]), 2), errors=int(errors[1])
    )


def primary(lab: Lab) -> str:
    """
    Return the host that is primary.

    :raises LoadFailed: if there is none
    """
    host = lab.primary()
    if host is None:
        raise LoadFailed("there is no primary to load")
    return host


def _exported(environment: Mapping[str, str]) -> str:
    """Return shell lines that export `environment`; as arguments, others could read the token."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
