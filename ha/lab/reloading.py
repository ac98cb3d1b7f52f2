"""Reloading: what an operator does after changing the configuration of a program."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ha.lab import balancer, faults, hosts, operators, processes, supervision
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed, LabFailed
from ha.lab.layout import Layout
from ha.lab.waiting import until
from ha.topology import Host, Topology

# A new process of the API has loaded its code after a second; busy cores need many times as long.
RELOADED_S = 60.0


class NotReloadable(LabFailed):
    """The program has no reload; it would have to be restarted."""


class ConfigurationWrong(LabFailed):
    """The program does not accept its new configuration; it goes on with the old one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program runs; `init` is the first process of its host."""

    layout: Layout
    topology: Topology
    host: Host
    init: int


def reload(place: Place, program: str) -> None:
    """
    Let a program of the host take its new configuration; returns when what serves has taken it.

    What its predecessor had begun may be going on meanwhile.
    :raises NotReloadable: if there is no such way
    :raises ConfigurationWrong: if the program says so
    :raises ProcessMissing: if it does not run
    :raises NotInTime: if the new generation does not serve in time
    """
    if program not in _RELOADS:
        raise NotReloadable(f"{program} has no reload; {', '.join(sorted(_RELOADS))} have")
    _RELOADS[program](place)


def _haproxy(place: Place) -> None:
    """Start a successor to which the master hands over the listening sockets (USR2)."""
    try:
        _on_host(place, ["haproxy", "-c", "-f", "/etc/evergrid/haproxy.cfg"])
    except CommandFailed as error:
        raise ConfigurationWrong(str(error)) from error
    before = balancer.process(place.init)
    _signal(place, "haproxy", signal.SIGUSR2)
    until(
        lambda: _answering(place.init),
        is_enough=lambda now: now not in {None, before},
        what=f"a new HAProxy serves on {place.host.name}",
        within_s=RELOADED_S,
    )


def _answering(init: int) -> int | None:
    try:
        return balancer.process(init)
    except balancer.BalancerSilent:  # between the two
        return None


def _api(place: Place) -> None:
    """Start new worker processes; the old ones stop listening, then finish (HUP)."""
    python = _program_python(place)
    check = f"import runpy; runpy.run_path('{_GUNICORN}')"
    try:
        _on_host(place, ["runuser", "-u", "evergrid", "--", python, "-c", check])
    except CommandFailed as error:  # gunicorn's master would end
        raise ConfigurationWrong(str(error)) from error
    master = faults.find(place.init, place.host.name, "api").pid
    listening = _listening(master)
    old = _children(place, master)
    _signal(place, "api", signal.SIGHUP)
    until(
        lambda: _generations(place, master, old, listening),
        is_enough=lambda seen: seen[0] == 0 and seen[1] > 0,
        what="(old API processes that listen, new ones): only new ones listen",
        within_s=RELOADED_S,
    )
    _wait_for_page(place, place.topology.ports.api, "/live")


def _generations(place: Place, master: int, old: set[int], listening: set[str]) -> tuple[int, int]:
    """Return how many of the old processes still listen, how many new ones there are."""
    return sum(bool(listening & _sockets(p)) for p in old), len(_children(place, master) - old)


def _worker(place: Place) -> None:
    """Stop gracefully, start again: the worker has no better way, and nobody waits for it."""
    supervision.stop(place.init, "worker")
    supervision.start(place.init, "worker")
    _wait_for_page(place, place.topology.ports.worker_metrics, "/metrics")


def _patroni(place: Place) -> None:
    """Let Patroni read its file, PostgreSQL its own (HUP)."""
    _by_hangup(
        place,
        "patroni",
        good="Reloading PostgreSQL configuration.",
        bad=("Exception when reloading local configuration", "Failed to reload config_file"),
    )


def _prometheus(place: Place) -> None:
    """Let Prometheus read its file and its rules (HUP)."""
    good, bad = "Completed loading of configuration file", ("Error reloading config",)
    _by_hangup(place, "prometheus", good=good, bad=bad)


def _etcd(place: Place) -> None:
    """Stop, start again, wait until the member has a leader: the others do without it meanwhile."""
    supervision.stop(place.init, "etcd")
    supervision.start(place.init, "etcd")
    _wait_for_page(place, place.topology.ports.etcd_client, "/health")


def _pgbackrest(place: Place) -> None:
    """Let its server read its configuration with its certificates (HUP); it says nothing of it."""
    _signal(place, "pgbackrest", signal.SIGHUP)


def _backups(place: Place) -> None:
    """Stop, start again: a backup that is interrupted is resumed."""
    supervision.stop(place.init, "backups")
    supervision.start(place.init, "backups")


def _by_hangup(place: Place, program: str, *, good: str, bad: tuple[str, ...]) -> None:
    """Send HUP, and wait until the program's log says how it went."""
    log = place.layout.log_folder(place.host.name) / f"{program}.log"
    past = log.stat().st_size
    _signal(place, program, signal.SIGHUP)
    said = until(
        lambda: _since(log, past),
        is_enough=lambda text: any(word in text for word in (good, *bad)),
        what=f"{program} says that it has read its configuration",
        within_s=RELOADED_S,
    )
    lines = [line for line in said.splitlines() if any(word in line for word in bad)]
    if lines:
        raise ConfigurationWrong(f"{program} on {place.host.name}", log_line=lines[-1], log=log)


_RELOADS: dict[str, Callable[[Place], None]] = {
    "api": _api,
    "backups": _backups,
    "etcd": _etcd,
    "haproxy": _haproxy,
    "patroni": _patroni,
    "pgbackrest": _pgbackrest,
    "prometheus": _prometheus,
    "worker": _worker,
}
_GUNICORN = "/etc/evergrid/gunicorn.conf.py"


def _signal(place: Place, program: str, number: signal.Signals) -> None:
    faults.kill(place.init, place.host.name, program, number)


def _on_host(place: Place, argv: list[str]) -> str:
    return run(hosts.command(place.layout, place.host, argv))


def _program_python(place: Place) -> str:
    """Return the interpreter that the API runs on: of the release it was started from."""
    master = faults.find(place.init, place.host.name, "api").pid
    return Path(f"/proc/{master}/cmdline").read_bytes().split(b"\0")[0].decode()


def _children(place: Place, parent: int) -> set[int]:
    """Return the processes that `parent` started and that have not ended."""
    family = processes.of_host(place.init)
    return {p.pid for p in family if p.parent == parent and p.state not in processes.ENDED}


def _listening(pid: int) -> set[str]:
    """Return the sockets at which the process waits for connections, by the kernel's number."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    waiting = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}  # TCP_LISTEN
    return waiting & _sockets(pid)


def _sockets(pid: int) -> set[str]:
    """Return the sockets the process holds; none if it has ended."""
    try:
        return {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def _since(log: Path, past: int) -> str:
    """Return what was written to the log after its first `past` bytes; all, if it was rotated."""
    with log.open("rb") as file:
        file.seek(past if log.stat().st_size >= past else 0)
        return file.read().decode(errors="replace")


def _wait_for_page(place: Place, port: int, path: str) -> None:
    url = f"https://{place.host.address}:{port}{path}"
    answer = ["--output", "/dev/null", "--max-time", "2", "--write-out", "%{http_code}"]
    argv = [*operators.curl(place.layout), *answer, url]
    until(
        lambda: run(within(place.layout.namespace(place.host.name), argv), check=False),
        is_enough=lambda status: status == "200",
        what=f"{url} answers 200",
        within_s=RELOADED_S,
    )
