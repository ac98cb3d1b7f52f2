"""Machines: boots one host of a fleet as a real one would, systemd as its first process."""

from __future__ import annotations

import shutil
from ipaddress import IPv4Network
from pathlib import Path

from ha.fleet import network
from ha.fleet.layout import BASE, Layout
from ha.lab import processes
from ha.lab.commands import detach, run
from ha.lab.errors import CommandFailed
from ha.lab.waiting import until
from ha.topology import Host, Topology

# What systemd-nspawn calls its end of the cable.
INTERFACE = "host0"
# 8 to 12 s for one, twelve at once on two cores.
BOOT_S = 180.0
SSH_S = 5
REAPED_S = 10.0

# A machine has a group of processes of its own, below which its systemd makes all others; its end
# is the end of them all. systemd-nspawn leaves to its caller to boot anew: then it says 133.
_GROUPS = "evergrid-fleet"
_BOOT = """\
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir -p "$tree/$0" && echo 0 >"$tree/$0/cgroup.procs" || exit
done
code=133
while [ "$code" -eq 133 ]; do "$@"; code=$?; done
exit "$code"
"""
_TREES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))

# As /etc/systemd/network/10-fleet.network.
_NETWORK = """\
[Match]
Name={interface}
[Network]
Address={address}/{prefix}
Gateway={gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


def is_on(layout: Layout, host: str) -> bool:
    """Test if a process of the machine is left."""
    events = _group(layout, host) / "cgroup.events"
    return events.exists() and "populated 1" in events.read_text(encoding="ascii")


def _group(layout: Layout, host: str) -> Path:
    tree = next(each for each in _TREES if (each / "cgroup.procs").exists())
    return tree / _GROUPS / layout.machine(host)


def prepare(layout: Layout, topology: Topology, host: Host) -> None:
    """Lay the machine's own disk over the image, and on it what a provider would put there."""
    disk, root = layout.disk(host.name), layout.root(host.name)
    for folder in ("upper", "work", "root"):
        (disk / folder).mkdir(parents=True, exist_ok=True)
    if not root.is_mount():
        layers = f"lowerdir={BASE},upperdir={disk / 'upper'},workdir={disk / 'work'}"
        run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)])
    for path, text in files(layout, topology, host).items():
        written = root / path
        written.parent.mkdir(mode=0o700 if ".ssh" in path else 0o755, parents=True, exist_ok=True)
        written.write_text(text, encoding="ascii")
    if not list((root / "etc/ssh").glob("ssh_host_*_key")):
        run(["ssh-keygen", "-q", "-A", "-f", str(root)])


def files(layout: Layout, topology: Topology, host: Host) -> dict[str, str]:
    """Return the files of a bare machine, by their path below its root."""
    prefix = IPv4Network(topology.subnet).prefixlen
    return {
        "etc/hostname": f"{host.name}\n",
        # etcd asks for the name of its own loopback address.
        "etc/hosts": f"127.0.0.1 localhost\n{host.address} {host.name}\n",
        "etc/systemd/network/10-fleet.network": _NETWORK.format(
            interface=topology.interface,
            address=host.address,
            prefix=prefix,
            gateway=network.gateway(topology),
        ),
        "root/.ssh/authorized_keys": layout.key.with_suffix(".pub").read_text(encoding="ascii"),
    }


def boot(layout: Layout, host: Host) -> None:
    """Start the machine; `wait_for_ssh` tells when it is up."""
    argv = [
        "/bin/sh",
        "-c",
        _BOOT,
        f"{_GROUPS}/{layout.machine(host.name)}",
        "systemd-nspawn",
        "--quiet",
        "--boot",
        # The first process of this computer need not be systemd.
        "--register=no",
        "--keep-unit",
        f"--machine={layout.machine(host.name)}",
        f"--hostname={host.name}",
        f"--directory={layout.root(host.name)}",
        f"--network-bridge={layout.bridge}",
        "--resolv-conf=copy-host",
        "--link-journal=no",
    ]
    detach(
        argv,
        environment={
            processes.MARK: layout.mark(host.name),
            "HOME": "/root",
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        },
        log=layout.log(host.name),
    )


def wait_for_ssh(layout: Layout, host: Host) -> None:
    """
    Return once somebody may log in.

    :raises NotInTime: if that takes too long; the machine's console.log says why
    """
    until(
        lambda: answer(layout, host),
        is_enough=lambda said: said == "ready",
        what=f"{host.name} lets its operator in ({layout.log(host.name)})",
        within_s=BOOT_S,
        step_s=0.5,
    )


def answer(layout: Layout, host: Host) -> str:
    """Return "ready" if ssh lets us in, else what it said."""
    try:
        return run([*ssh(layout, host), "echo", "ready"], timeout_s=SSH_S + 2).strip()
    except CommandFailed as failure:
        return str(failure)


def ssh(layout: Layout, host: Host) -> list[str]:
    """Return the command that runs what follows it as root on the machine."""
    options = (
        f"UserKnownHostsFile={layout.known_hosts}",
        "StrictHostKeyChecking=yes",
        "BatchMode=yes",
        f"ConnectTimeout={SSH_S}",
    )
    flags = [word for option in options for word in ("-o", option)]
    return ["ssh", "-i", str(layout.key), *flags, f"root@{host.address}"]


def public_key(layout: Layout, host: Host) -> str:
    """Return the line by which ssh knows the machine."""
    text = (layout.root(host.name) / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
    kind, key, *_ = text.split()
    return f"{host.address} {kind} {key}\n"


def cut_off(layout: Layout, host: str) -> None:
    """
    Take the power from a machine: all its processes end at once.

    :raises NotInTime: if one outlives it
    """
    kill = _group(layout, host) / "cgroup.kill"
    if kill.exists():
        kill.write_text("1", encoding="ascii")
    until(
        lambda: is_on(layout, host),
        is_enough=lambda runs: not runs,
        what=f"{host} is off",
        within_s=REAPED_S,
    )


def forget(layout: Layout, host: str) -> None:
    """Remove the disk of a machine that is off, and the groups its processes were in."""
    for tree in (*_TREES, Path("/sys/fs/cgroup/systemd")):
        for group in sorted((tree / _GROUPS / layout.machine(host)).glob("**/"), reverse=True):
            group.rmdir()
    root = layout.root(host)
    if root.is_mount():
        run(["umount", str(root)])
    if Path(layout.disk(host)).exists():
        shutil.rmtree(layout.disk(host))
