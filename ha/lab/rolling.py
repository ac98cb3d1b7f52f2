"""Rolling: replaces the release of the app hosts, one after the other, while clients go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from ha.lab import (
    administration,
    balancer,
    configuration,
    files,
    hosts,
    logs,
    openings,
    operators,
    processes,
    releases,
    reloading,
    state,
    supervision,
)
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.lab.waiting import until
from ha.topology import Host, Topology

# What carries the release on an app host; the worker first, because it hands nothing over.
PROGRAMS = ("worker", "api")
# The edge's backend whose servers are told what to do. Those of the other one, which reads go to,
# do the same, but those of last resort; an edge of an older release has no such backend.
BACKEND = "api"
BACKENDS = (BACKEND, "api_reads")
# The API loads its code in a second; busy cores need many times as long.
READY_S = 60.0
# Each program once, with room for one that met a database that was just being replaced.
STARTS_MAX = 6
# An edge looks at a server that was away every 200 ms.
UP_S = 10.0


class RollRefused(LabFailed):
    """A host did not take the new release; every app host runs the old one."""


class KeepsEnding(LabFailed):
    """A program ends soon after each start."""


def roll(layout: Layout, topology: Topology, release: str) -> None:
    """
    Let every app host run `release`, one after the other, without a request that fails.

    The schema is migrated before (`pre`) and after (`post`); each edge sends a host no request
    while its API and worker are replaced. Their configuration is what this release, the one that
    calls, makes of the lab's topology. The other hosts keep the files they have.
    :raises ReleaseMissing: if there is no such release
    :raises RollRefused: if a host is off (nothing has changed then), or did not become ready; those
        changed so far are changed back
    """
    releases.require(release)
    _refuse_if_off(layout, topology)
    with state.locked(layout):
        known = state.load_known(layout)
        texts = configuration.texts(layout, topology, release=release)
        administration.run(layout, topology, "roles", release=release)
        administration.run(layout, topology, "migrate", "--phase", "pre", release=release)
        _replace_all(layout, topology, texts)
        administration.run(layout, topology, "migrate", "--phase", "post", release=release)
        state.save(layout, msgspec.structs.replace(known, release=release, migrated=release))


def _replace_all(layout: Layout, topology: Topology, texts: dict[str, str]) -> None:
    """Replace host after host; all of them or, in the end, none."""
    before: dict[Host, dict[str, str]] = {}
    for host in topology.with_role("app"):
        try:
            _refuse_if_alone(layout, topology, host)
            before[host] = files.read_host(layout, host.name)
            _replace(layout, topology, host, files.of_host(texts, host.name))
        except LabFailed as failure:
            line, log = logs.blame([layout.log_folder(host.name)])
            for changed, old in reversed(before.items()):
                _replace(layout, topology, changed, old)
            raise RollRefused(
                f"{host.name} did not take the new release, every host has the old one: {failure}",
                log_line=line,
                log=log,
            ) from failure


def _refuse_if_off(layout: Layout, topology: Topology) -> None:
    """Refuse while an app host is off: an edge may not have noticed yet."""
    for host in topology.with_role("app"):
        try:
            hosts.init(layout, host)
        except hosts.HostOff as off:
            raise RollRefused(f"no other host would answer: {off}") from off


def _refuse_if_alone(layout: Layout, topology: Topology, host: Host) -> None:
    """
    Refuse to take a host away from an edge that has no other to send requests to.

    :raises RollRefused: then
    """
    others = {app.name for app in topology.with_role("app")} - {host.name}
    for edge in _edges(layout, topology):
        servers = balancer.servers(edge, BACKEND)
        if not any(servers[other]["status"] == "UP" for other in others):
            raise RollRefused(f"while {host.name} is replaced, no other host would answer")


def _edges(layout: Layout, topology: Topology) -> list[int]:
    """Return the first process of every edge that is on; one that is off sends no requests."""
    found = (processes.init_of(layout, edge.name) for edge in topology.with_role("edge"))
    return [init for init in found if init]


def _replace(layout: Layout, topology: Topology, host: Host, texts: dict[str, str]) -> None:
    """Replace the files of one host with what runs by them, while no edge sends it a request."""
    init = hosts.init(layout, host)
    place = reloading.Place(layout, topology, host, init)
    is_haproxy_new = texts["haproxy.cfg"] != files.read_host(layout, host.name)["haproxy.cfg"]
    with _out_of_rotation(layout, topology, host):
        for program in PROGRAMS:
            supervision.stop(init, program)
        files.write_host(layout, host.name, texts)
        if openings.FILE in texts:  # what it came from, or goes back to, may know of none
            run(hosts.command(layout, host, openings.LOAD))
        supervision.update(init)
        if is_haproxy_new:
            reloading.reload(place, "haproxy")
        for program in reversed(PROGRAMS):
            if not _runs(init, program):
                supervision.start(init, program)
        _wait_until_ready(layout, topology, host)


@contextmanager
def _out_of_rotation(layout: Layout, topology: Topology, host: Host) -> Iterator[None]:
    """
    Let no edge send the host a request meanwhile.

    First no new one (drain), until it has answered all it has; then it does not exist (maint), so
    that idle connections to it are closed. So for its entry of last resort.
    :raises NotInTime: if a request takes longer than the edge allows one
    """
    edges = _edges(layout, topology)
    regular = f"{BACKEND}/{host.name}"
    try:
        for edge in edges:
            _set_last_resorts(edge, host, "maint")
            balancer.set_state(edge, regular, "drain")
        until(
            lambda: [_in_flight(edge, host) for edge in edges],
            is_enough=lambda counts: not any(counts),
            what=f"{host.name} has answered every request",
            within_s=topology.timings.edge_server + 5,
        )
        for edge in edges:
            balancer.set_state(edge, regular, "maint")
        yield
    finally:
        for edge in edges:
            balancer.set_state(edge, regular, "ready")
            _set_last_resorts(edge, host, "ready")
    until(
        lambda: [balancer.servers(edge, BACKEND)[host.name]["status"] for edge in edges],
        is_enough=lambda found: set(found) <= {"UP"},
        what=f"every edge sends {host.name} requests again",
        within_s=UP_S,
    )


def _set_last_resorts(edge: int, host: Host, state: str) -> None:
    for backend in BACKENDS:
        if balancer.servers(edge, backend):
            balancer.set_state(edge, f"{backend}/{host.name}-unchecked", state)


def _in_flight(edge: int, host: Host) -> int:
    """Return how many requests the edge waits for the host to answer."""
    backends = (balancer.servers(edge, backend) for backend in BACKENDS)
    counts = [servers[host.name] for servers in backends if servers]
    return sum(int(row["scur"]) + int(row["qcur"]) for row in counts)


def _wait_until_ready(layout: Layout, topology: Topology, host: Host) -> None:
    """
    Return once the host itself says that it can write and read, and its programs run.

    :raises KeepsEnding: if a program is started again and again
    :raises NotInTime: if it takes too long
    """
    url = f"https://{host.address}:{topology.ports.api}/ready"
    answer = ["--output", "/dev/null", "--max-time", "5", "--write-out", "%{http_code}"]
    argv = [*operators.curl(layout), *answer, url]
    init, seen = hosts.init(layout, host), set[tuple[str, int]]()

    def look() -> tuple[str, list[str]]:
        now = {(p.name, p.own_pid) for p in supervision.programs(init) if p.name in PROGRAMS}
        seen.update(now)
        if len(seen) > STARTS_MAX:
            raise KeepsEnding(f"{' or '.join(PROGRAMS)} on {host.name} ends as soon as it starts")
        status = run(within(layout.namespace(host.name), argv), check=False)
        return status, [name for name, own_pid in now if not own_pid]

    until(
        look,
        is_enough=lambda answer: answer == ("200", []),
        what=f"({url}, programs that do not run)",
        within_s=READY_S,
        step_s=0.2,
    )


def _runs(init: int, name: str) -> bool:
    return any(p.own_pid for p in supervision.programs(init) if p.name == name)
