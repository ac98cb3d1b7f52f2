"""Hosts: boots a host as a machine would, from its files on disk to its running supervisor."""

from __future__ import annotations

import signal
from importlib import resources

import jinja2

from ha import ownership
from ha.lab import network, processes, supervision
from ha.lab.commands import detach
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.lab.state import State
from ha.lab.waiting import NotInTime, until
from ha.topology import Host

# Far above the two seconds a boot takes with twelve hosts at once on two cores.
BOOT_S = 20.0
# Longer than any program of ours needs to stop (PostgreSQL: primary_stop_timeout 15 s).
STOP_S = 40.0



def boot(layout: Layout, state: State, host: Host) -> None:
    """Start the host; `wait_until_booted` tells when it is up."""
    network.plug_in(layout, state.topology, host)
    script = layout.host_folder(host.name) / "boot"
    script.write_text(boot_script(layout, state, host), encoding="utf-8")
    namespaces = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc"]
    enter = ["nsenter", f"--net={layout.namespace_path(host.name)}"]
    detach(
        [*enter, "unshare", *namespaces, "sh", str(script)],
        environment={processes.MARK: f"{layout.lab}/{host.name}", "HOME": "/run/evergrid"},
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
        release=state.release,
        directories=ownership.directories(host),
    )


def wait_until_booted(layout: Layout, host: Host) -> None:
    """
    Return once the host's supervisor answers.

    :raises LabFailed: if it does not in time; with the last line of its boot log
    """

    try:
        until(
            lambda: supervision.answers(processes.init_of(layout, host.name)),
            what=f"{host.name} boots",
            within_s=BOOT_S,
        )
    except NotInTime as error:
        log = layout.host_folder(host.name) / "boot.log"
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise LabFailed(str(error), log_line="".join(last), log=log) from error


def stop(layout: Layout, host: Host) -> None:
    """
    Shut the host down in order: its supervisor stops the programs, then the host is off.

    :raises NotInTime: if it takes longer than any program may
    """
    init = processes.init_of(layout, host.name)
    if init is None:
        return
    processes.send([init], signal.SIGTERM)
    until(
        lambda: processes.look_up(init) is None,
        what=f"{host.name} shuts down",
        within_s=STOP_S,
    )
