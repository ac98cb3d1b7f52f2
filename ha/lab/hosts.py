"""Hosts: boots a host as a machine would, from its files on disk to its running supervisor."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence
from importlib import resources

import jinja2

from ha import ownership
from ha.lab import disks, logs, network, processes, supervision
from ha.lab.commands import detach
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.lab.state import State
from ha.lab.waiting import until
from ha.topology import Host

# Far above the two seconds a boot takes with twelve hosts at once on two cores.
BOOT_S = 20.0
# From `nsenter` to the first line of the boot script.
START_S = 5.0
# Longer than any program of ours needs to stop (PostgreSQL: primary_stop_timeout 15 s).
STOP_S = 40.0
# The niceness of hosts' sessions. Of an app host's: two processes of the API and HAProxy, thrice
# the weight of one session. What decides who leads needs little, but at once, just when everybody
# wants all; on real hosts it has a processor. (Switchovers in turn, 200 requests a second: 1.46 to
# 1.60 s without a write; without it 1.72 to 3.69.)
_PRECEDENCE = {"app": -5, "database": -10, "dcs": -10}
# So often a host is looked for before it counts as gone.
_GONE_LOOKS = 10
_GONE_EVERY_S = 0.1


class HostOff(LabFailed):
    """The host is powered off."""


def init(layout: Layout, host: Host) -> int:
    """
    Return the pid of the first process of the host.

    :raises HostOff: if there is none
    """
    found = processes.init_of(layout, host.name)
    if found is None:
        raise HostOff(f"{host.name} is off; `evergrid-ha power-on {host.name}` boots it")
    return found


def command(layout: Layout, host: Host, argv: Sequence[str]) -> list[str]:
    """
    Return the command that runs `argv` as root on the host.

    :raises HostOff: if the host is off
    """
    enter = ["nsenter", f"--target={init(layout, host)}", "--mount", "--uts", "--ipc", "--net"]
    return [*enter, "--pid", "--", *argv]


def boot(layout: Layout, state: State, host: Host) -> None:
    """Start the host; `wait_until_booted` tells when it is up."""
    network.plug_in(layout, state.topology, host)
    disks.release(layout, host.name)
    script = layout.host_folder(host.name) / "boot"
    script.write_text(boot_script(layout, state, host), encoding="utf-8")
    namespaces = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc"]
    enter = ["nsenter", f"--net={layout.namespace_path(host.name)}"]
    detach(
        [*enter, "unshare", *namespaces, "sh", str(script)],
        environment={
            processes.MARK: f"{layout.lab}/{host.name}",
            "HOME": "/run/evergrid",
            # A host of a lab has a share of one core: etcd, Prometheus need not divide it.
            "GOMAXPROCS": "1",
        },
        log=layout.host_folder(host.name) / "boot.log",
    )


def boot_script(layout: Layout, state: State, host: Host) -> str:
    """Return what the first process of the host runs."""
    template = (resources.files("ha.lab") / "boot.sh.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # noqa: S701 - a shell script, not a page
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(template).render(
        host=host.name,
        folder=layout.host_folder(host.name),
        disk=disks.image(layout, host.name) if disks.has_own(layout, host.name) else None,
        release=state.release,
        directories=ownership.directories(host),
        precedence=min((_PRECEDENCE.get(role, 0) for role in host.roles), default=0),
        source=state.origin.repository if state.origin and "backup" in host.roles else None,
    )


def wait_until_booted(layout: Layout, host: Host) -> None:
    """
    Return once the host's supervisor answers.

    :raises LabFailed: if it does not in time, or booting ended; with the last line of its boot log
    """
    try:
        until(
            lambda: processes.init_of(layout, host.name),
            what=f"{host.name} starts to boot",
            within_s=START_S,
        )
        until(
            lambda: _is_booted(layout, host),
            what=f"the supervisor of {host.name} answers",
            within_s=BOOT_S,
        )
    except LabFailed as error:
        error.log = layout.host_folder(host.name) / "boot.log"
        error.log_line = logs.telling_line(error.log)
        raise


def stop(layout: Layout, hosts: Iterable[Host]) -> None:
    """
    Shut the hosts down in order, at the same time: each supervisor stops its programs.

    :raises NotInTime: if it takes longer than any program may
    """
    inits = [pid for host in hosts if (pid := processes.init_of(layout, host.name))]
    processes.send(inits, signal.SIGTERM)  # tini forwards it to the supervisor
    until(
        lambda: [pid for pid in inits if processes.is_running(pid)],
        is_enough=lambda left: not left,
        what="the hosts shut down",
        within_s=STOP_S,
    )


def _is_booted(layout: Layout, host: Host) -> bool:
    """
    Test if the supervisor answers.

    :raises LabFailed: if nothing of the host is left that could ever answer
    """
    # Between two programs (execve(2)) a process has no environment that it could be known by.
    for _ in range(_GONE_LOOKS):
        if pid := processes.init_of(layout, host.name):
            return supervision.answers(pid)
        time.sleep(_GONE_EVERY_S)
    raise LabFailed(f"{host.name} went off while it booted")
