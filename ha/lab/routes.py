"""Routes: keeps the lab's subnet apart from everything else on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network

from ha.lab import state
from ha.lab.commands import run
from ha.lab.errors import LabFailed
from ha.lab.layout import ROOT, Layout


class SubnetInUse(LabFailed):
    """Something else on this machine uses the addresses the lab would have."""


def refuse_if_in_use(layout: Layout, subnet: str) -> None:
    """
    Refuse a subnet that another lab, or another network of this machine, uses a part of.

    :raises SubnetInUse: naming who uses it
    """
    wanted = IPv4Network(subnet)
    for network, owner in _taken(except_lab=layout.lab):
        if network.overlaps(wanted):
            raise SubnetInUse(
                f"{subnet} is in use by {owner} ({network}); choose another with --subnet"
            )


def block(subnet: str) -> None:
    """Let no packet for the subnet leave this machine, whatever its default route is."""
    run(["ip", "route", "replace", "blackhole", subnet])


def unblock(subnet: str) -> None:
    """Remove what `block` made, if it is there."""
    run(["ip", "route", "delete", "blackhole", subnet], check=False)


def _taken(*, except_lab: str) -> Iterator[tuple[IPv4Network, str]]:
    """Give every network in use with its user; not the lab's own, not the default route."""
    labs = _labs()
    own = {network for lab, network in labs if lab == except_lab}
    yield from ((network, f"the lab {lab!r}") for lab, network in labs if lab != except_lab)
    for route in json.loads(run(["ip", "-json", "-4", "route", "show"])):
        if route["dst"] == "default":
            continue
        network = IPv4Network(route["dst"])
        if route.get("type") == "blackhole":
            if network not in own:
                yield network, "a blackhole route"
        else:
            yield network, f"the interface {route.get('dev', '?')}"


def _labs() -> list[tuple[str, IPv4Network]]:
    """
    Return the labs this machine has on disk with their subnets.

    One whose file cannot be read is passed over: while it runs, its blackhole route speaks for it.
    """
    labs = [path.parent.name for path in ROOT.glob("*/state.json")]
    subnets = {lab: state.subnet(Layout(lab)) for lab in labs}
    return [(lab, IPv4Network(subnet)) for lab, subnet in subnets.items() if subnet]
