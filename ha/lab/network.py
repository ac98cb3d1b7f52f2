"""Network: the lab's switch, one namespace per host, no way out of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ha.lab import firewall, routes
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed
from ha.lab.layout import NAMESPACES, Layout
from ha.topology import Host, Topology

# A reboot must not give a host a new hardware address: its neighbours would send to the old one
# until their ARP entries age. Locally administered, then the IPv4 address.
_MAC_PREFIX = "02:e9"
_IPV6_OFF = "net.ipv6.conf.all.disable_ipv6=1"


def create(layout: Layout, topology: Topology) -> None:
    """
    Make the switch unless it exists, with the route that keeps the subnet's traffic inside.

    :raises SubnetInUse: if something else on this machine uses the subnet
    """
    routes.refuse_if_in_use(layout, topology.subnet)
    if not exists(layout.bridge):
        _ip(f"link add {layout.bridge} type bridge")
    _mute(layout.bridge)
    # The alias tells `remove` which route is the lab's, should its files be lost.
    _ip(f"link set {layout.bridge} alias {topology.subnet} up")
    routes.block(topology.subnet)
    firewall.let_pass(layout)


def plug_in(layout: Layout, topology: Topology, host: Host) -> None:
    """
    Give the host a network as fresh as after a reboot: no socket, route or filter is left.

    The host has an address, its own subnet, and no other route.
    """
    namespace, link = layout.namespace(host.name), layout.link(host.name)
    cable = topology.interface
    unplug(layout, host.name)
    run(["ip", "netns", "add", namespace])
    _ip(
        f"link add {link} type veth "
        f"peer name {cable} netns {namespace} address {_hardware_address(host.address)}"
    )
    _without_ipv6(link)
    _ip(f"link set {link} {_into(layout)} alias {namespace} up")
    prefix = IPv4Network(topology.subnet).prefixlen
    run(within(namespace, ["sysctl", "--quiet", "--ignore", "--write", _IPV6_OFF]))
    _ip(
        "link set lo up",
        f"address add {host.address}/{prefix} dev {cable}",
        f"link set {cable} up",
        namespace=namespace,
    )


def unplug(layout: Layout, host: str) -> None:
    """Remove the host's cable and namespace, as far as they exist."""
    if exists(layout.port(host)):
        _ip(f"link delete {layout.port(host)}")
    if exists(layout.link(host)):
        _ip(f"link delete {layout.link(host)}")
    if layout.namespace_path(host).exists():
        run(["ip", "netns", "delete", layout.namespace(host)])


def splice(layout: Layout, host: str) -> None:
    """Make a second cable beside the host's, whose far end somebody may carry frames to."""
    port, far = layout.port(host), layout.far_link(host)
    _ip(f"link add {port} type veth peer name {far}")
    for link in (port, far, layout.link(host)):
        _mute(link)
    _ip(f"link set {port} alias {layout.namespace(host)}-slow up", f"link set {far} up")


def lead_through(layout: Layout, host: str) -> None:
    """Plug the second cable into the switch instead of the host's own."""
    _ip(f"link set {layout.link(host)} nomaster", f"link set {layout.port(host)} {_into(layout)}")


def unsplice(layout: Layout, host: str) -> None:
    """Undo `splice` and `lead_through`, as far as they were done."""
    if exists(layout.port(host)):
        _ip(f"link delete {layout.port(host)}")
    if exists(layout.link(host)):
        _ip(f"link set {layout.link(host)} {_into(layout)}")


def is_spliced(layout: Layout, host: str) -> bool:
    """Test if the host reaches the switch by a second cable only."""
    return exists(layout.port(host))


def set_link(layout: Layout, host: str, state: str) -> None:
    """Bring the host's cable "up" or "down"; down, nothing passes either way from that moment."""
    _ip(f"link set {layout.link(host)} {state}")


def is_link_up(layout: Layout, host: str) -> bool:
    """Test if the host's cable exists and is up."""
    flags = Path(f"/sys/class/net/{layout.link(host)}/flags")
    try:
        return bool(int(flags.read_text(encoding="ascii"), 16) & 1)  # IFF_UP
    except FileNotFoundError:
        return False


def addresses(layout: Layout, host: str) -> list[str]:
    """Return the addresses the host has now; a virtual one comes and goes."""
    argv = ["ip", "-json", "-4", "address", "show"]
    found = json.loads(run(within(layout.namespace(host), argv)))
    return [a["local"] for link in found for a in link.get("addr_info", []) if "local" in a]


def subnet_of(layout: Layout) -> str | None:
    """Return the subnet of the lab's switch, or none if there is no switch that says so."""
    alias = Path(f"/sys/class/net/{layout.bridge}/ifalias")
    try:
        return alias.read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def remove(layout: Layout, subnet: str | None) -> None:
    """Remove every namespace, cable, filter and route of the lab, also those of a killed one."""
    for path in sorted(NAMESPACES.glob(f"{layout.namespace('')}*")):
        unplug(layout, path.name.removeprefix(layout.namespace("")))
    for link in _plugged_into(layout.bridge):
        _ip(f"link delete {link}")
    if exists(layout.bridge):
        _ip(f"link delete {layout.bridge}")
    run(["nft", f"add table bridge {layout.cuts}; delete table bridge {layout.cuts}"])
    firewall.forget(layout)
    if subnet:
        routes.unblock(subnet)
    _forget_namespace_folder()


def exists(link: str) -> bool:
    """Test if this machine has a link of that name."""
    return Path(f"/sys/class/net/{link}").exists()


def _plugged_into(bridge: str) -> list[str]:
    return sorted(path.name for path in Path(f"/sys/class/net/{bridge}/brif").glob("*"))


def _into(layout: Layout) -> str:
    """Return how ip(8) is told that a link is a port of the lab's switch."""
    return f"master {layout.bridge}"


def _mute(link: str) -> None:
    """
    Let the machine itself neither answer nor forward on the switch, or a cable out of it.

    They have no address, yet without this it would answer ARP for the machine's others, and
    a machine that forwards (because it also runs containers) would be a way out.
    """
    _without_ipv6(link)
    ipv4 = Path(f"/proc/sys/net/ipv4/conf/{link}")
    (ipv4 / "arp_ignore").write_text("8", encoding="ascii")
    (ipv4 / "forwarding").write_text("0", encoding="ascii")


def _without_ipv6(link: str) -> None:
    """Keep the kernel from giving the link an IPv6 address of its own accord."""
    switch = Path(f"/proc/sys/net/ipv6/conf/{link}/disable_ipv6")
    if switch.exists():  # not on a kernel that was started without IPv6
        switch.write_text("1", encoding="ascii")


def _ip(*commands: str, namespace: str | None = None) -> None:
    """Run several commands of ip(8) at once, in a namespace or in the machine's own network."""
    where: Sequence[str] = ["-netns", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], input="\n".join(commands) + "\n")


def _hardware_address(address: str) -> str:
    return ":".join((_MAC_PREFIX, *(f"{byte:02x}" for byte in IPv4Address(address).packed)))


def _forget_namespace_folder() -> None:
    """Undo what ip-netns(8) leaves mounted at its first use, if no namespace is left at all."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    if f" {NAMESPACES} " in mounts and not any(NAMESPACES.iterdir()):
        try:
            run(["umount", str(NAMESPACES)])
        except CommandFailed:  # somebody made a namespace just now
            return
        NAMESPACES.rmdir()
