"""Site: the folder by which Ansible knows a fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import msgspec

from ha import deployment, topology
from ha.fleet.layout import Layout
from ha.fleet.machines import INTERFACE
from ha.lab.commands import run
from ha.topology import Topology

_INVENTORY = """\
#!/bin/sh
exec evergrid-ha site inventory "$(dirname "$0")"
"""


def described(found: Topology, *, name: str, subnet: str) -> Topology:
    """
    Return a topology as a fleet has it: its own subnet, this computer the only operator.

    Clients are no machines: whoever has the computer is one.
    :raises TopologyWrong: if `subnet` is too small
    """
    moved = topology.rebased(found, name=name, subnet=subnet)
    first = next(IPv4Network(subnet).hosts())
    hosts = tuple(host for host in moved.hosts if host.roles != ("client",))
    return replace(moved, interface=INTERFACE, operators=(f"{first}/32",), hosts=hosts)


def toml(found: Topology) -> str:
    """Return a topology as `ha.topology` reads it."""
    document = msgspec.to_builtins(found)
    hosts = document.pop("hosts")
    lines = [*_table(document), *(line for host in hosts for line in ("[[hosts]]", *_table(host)))]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, Any], *, name: str = "") -> Iterator[str]:
    """Give the lines of a table, those of the tables in it last."""
    inner = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    for key, value in values.items():
        if key not in inner:
            yield f"{_key(key)} = {json.dumps(value)}"
    for key, value in inner.items():
        path = f"{name}{_key(key)}"
        yield from (f"[{path}]", *_table(value, name=f"{path}."))


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def write(layout: Layout, found: Topology) -> None:
    """Make the folder, with passwords of its own, and the key that opens the machines."""
    layout.site.mkdir(parents=True, exist_ok=True)
    layout.folder.chmod(0o700)
    (layout.site / "topology.toml").write_text(toml(found), encoding="utf-8")
    hosts = layout.site / "hosts"
    hosts.write_text(_INVENTORY, encoding="ascii")
    hosts.chmod(0o755)
    variables = layout.site / "group_vars" / "all.yml"
    variables.parent.mkdir(exist_ok=True)
    variables.write_text(json.dumps(_variables(layout), indent=2), encoding="ascii")
    if not (layout.site / "site.json").exists():
        deployment.found(layout.site)
    if not layout.key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(layout.key)])


def _variables(layout: Layout) -> dict[str, str]:
    """Return what Ansible is told of the way in; JSON is YAML too."""
    trust = f"-o UserKnownHostsFile={layout.known_hosts} -o StrictHostKeyChecking=yes"
    return {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(layout.key),
        "ansible_ssh_common_args": trust,
    }
