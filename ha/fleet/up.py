"""Up: boots the machines of a fleet that are off, bare the first time."""

from __future__ import annotations

from ha.fleet import image, machines, network, site
from ha.fleet.layout import Layout
from ha.lab.progress import Progress
from ha.topology import Host, Topology, load


def up(layout: Layout, topology: Topology, progress: Progress) -> None:
    """
    Boot every machine that is off; those that are on stay as they are.

    :raises LabFailed: if one does not come up
    """
    network.refuse_if_in_use(layout, topology.subnet)
    with progress.step("Make the image of a bare machine"):
        image.make()
    with progress.step("Make the site's folder, its secrets, the key that opens the machines"):
        site.write(layout, topology)
    with progress.step("Connect the network"):
        network.create(layout, topology)
    off = [host for host in topology.hosts if not machines.is_on(layout, host.name)]
    with progress.step(f"Boot {len(off)} machines"):
        for host in off:
            machines.prepare(layout, topology, host)
        _know(layout, topology)
        for host in off:
            machines.boot(layout, host)
        for host in off:
            machines.wait_for_ssh(layout, host)


def destroy(layout: Layout, host: Host, progress: Progress) -> None:
    """Lose a machine with its disk; the next `up` puts a bare one in its place."""
    with progress.step(f"Destroy {host.name}"):
        machines.cut_off(layout, host.name)
        machines.forget(layout, host.name)


def known(layout: Layout) -> Topology:
    """
    Return the topology that the fleet was brought up with.

    :raises TopologyWrong: if its file cannot be read
    """
    return load(layout.site / "topology.toml")


def _know(layout: Layout, topology: Topology) -> None:
    """Write down the public key of every machine: ssh asks nobody, and trusts no other."""
    lines = [machines.public_key(layout, host) for host in topology.hosts]
    layout.known_hosts.write_text("".join(lines), encoding="ascii")
