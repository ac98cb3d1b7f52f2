"""Network: the fleet's switch, with one way out, for Debian's packages."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path

from ha.fleet.layout import FleetFailed, Layout
from ha.lab.commands import run
from ha.topology import Topology

_FORWARDING = "/proc/sys/net/ipv4/conf/{}/forwarding"
# Any address that is not of this computer tells by which link packets leave (RFC 5737).
_ELSEWHERE = "192.0.2.1"


def gateway(topology: Topology) -> str:
    """Return the address of this computer on the switch: the first of the operators'."""
    return topology.operators[0].partition("/")[0]


def create(layout: Layout, topology: Topology) -> None:
    """
    Make the switch with our address on it, and the way out, as far as they are not there.

    Only this switch and the link to the outside forward: `ip_forward` would switch it on for all,
    also for the switches of labs, which must lead nowhere.
    :raises FleetFailed: if this computer has no link to the outside
    """
    prefix = IPv4Network(topology.subnet).prefixlen
    if not exists(layout.bridge):
        run(["ip", "link", "add", layout.bridge, "type", "bridge"])
    run(["ip", "address", "replace", f"{gateway(topology)}/{prefix}", "dev", layout.bridge])
    run(["ip", "link", "set", layout.bridge, "up"])
    uplink = _uplink()
    before = layout.folder / "forwarding"
    if not before.exists():
        before.write_text(f"{uplink} {_forwarding(uplink)}", encoding="ascii")
    for link in (layout.bridge, uplink):
        Path(_FORWARDING.format(link)).write_text("1", encoding="ascii")
    run(["nft", "-f", "-"], input=rules(layout, topology))


def rules(layout: Layout, topology: Topology) -> str:
    """Return the packet filter's table: whoever leaves the switch does so under our address."""
    leaving = f'ip saddr {topology.subnet} oifname != "{layout.bridge}"'
    return f"""\
table ip {layout.table}
delete table ip {layout.table}
table ip {layout.table} {{
    chain leaving {{
        type nat hook postrouting priority srcnat; policy accept;
        {leaving} masquerade
    }}
}}
"""


def remove(layout: Layout) -> None:
    """Undo `create`, as far as it was done."""
    run(["nft", f"add table ip {layout.table}; delete table ip {layout.table}"])
    if exists(layout.bridge):
        run(["ip", "link", "delete", layout.bridge])
    before = layout.folder / "forwarding"
    if before.exists():
        uplink, value = before.read_text(encoding="ascii").split()
        if exists(uplink):
            Path(_FORWARDING.format(uplink)).write_text(value, encoding="ascii")
        before.unlink()


def exists(link: str) -> bool:
    """Test if this computer has a link of that name."""
    return Path(f"/sys/class/net/{link}").exists()


def refuse_if_in_use(layout: Layout, subnet: str) -> None:
    """
    Refuse a subnet that something else on this computer uses.

    :raises FleetFailed: then
    """
    found = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
    wanted = IPv4Network(subnet)
    for route in found:
        target = route.get("dst", "default")
        if target == "default" or route.get("dev") == layout.bridge:
            continue
        if wanted.overlaps(IPv4Network(target, strict=False)):
            raise FleetFailed(f"{target} of {subnet} is in use on this computer")


def _uplink() -> str:
    found = json.loads(run(["ip", "-json", "-4", "route", "get", _ELSEWHERE], check=False) or "[]")
    if not found or "dev" not in found[0]:
        raise FleetFailed("this computer has no way out: machines could not install packages")
    return str(found[0]["dev"])


def _forwarding(link: str) -> str:
    return Path(_FORWARDING.format(link)).read_text(encoding="ascii").strip()
