"""
Deployment: what Ansible is given for one site.

A site is a folder with `topology.toml`. Its passwords and certificates are made once, into
`site.json`, which Ansible Vault can encrypt: they reach `render` through its standard input, so
that neither a command line nor a file of ours shows them.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import msgspec

from ha import (
    certificates,
    environment,
    healths,
    installation,
    packages,
    programs,
    secrets,
    topology,
    units,
)
from ha.certificates import Certificates
from ha.installation import Installed
from ha.origin import Origin
from ha.secrets import Secrets
from ha.topology import Host, Topology

_SECRET = 0o600
_PRIVATE = 0o700


class SiteWrong(Exception):
    """A folder is no site, or what was made for it cannot be read."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made once for a site, then stays the same."""

    secrets: Secrets
    certificates: Certificates


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a host, as Ansible copies it; `source` is where its text lies."""

    path: str
    source: str
    owner: str
    group: str
    mode: str
    programs: tuple[str, ...]
    change: str


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """
    One program of a host; hosts start theirs in the order of the list, the firewall first.

    `health` is where it is asked if it serves (`ha.healths`); empty if it is not asked.
    """

    program: str
    unit: str
    can_reload: bool
    health: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that Ansible puts on one host."""

    host: str
    roles: tuple[str, ...]
    files: list[Placed]
    units: list[Unit]


def read(site: Path) -> Topology:
    """
    Return the topology of a site.

    :raises SiteWrong: if the folder has none
    :raises TopologyWrong: if it cannot be read
    """
    described = site / "topology.toml"
    if not described.is_file():
        raise SiteWrong(f"{site} is no site: it has no topology.toml")
    return topology.load(described)


def found(site: Path) -> Path:
    """
    Make passwords and certificates for a site that has none yet; return where they lie.

    :raises SiteWrong: if it has some: other passwords would lock its programs out
    """
    path = site / "site.json"
    kept = Kept(secrets=secrets.generate(), certificates=certificates.issue(read(site)))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET)
    except FileExistsError as error:
        raise SiteWrong(f"{path} exists: this site has passwords already") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(_text(kept))
    return path


def certified(site: Topology, told: bytes, step: str) -> bytes:
    """
    Return the text of `site.json` after one step with its certificates (`certificates.STEPS`).

    `told` is its text before.
    :raises SiteWrong: if that cannot be read
    :raises CertificatesWrong: if there is no such step, or it is not the next one
    """
    if step not in certificates.STEPS:
        names = ", ".join(certificates.STEPS)
        raise certificates.CertificatesWrong(f"{step!r} is no step; there are {names}")
    known = kept(told)
    changed = certificates.STEPS[step](known.certificates, site)
    return _text(msgspec.structs.replace(known, certificates=changed))


def inventory(site: Topology) -> dict[str, Any]:
    """
    Return Ansible's inventory: a group for each role, all hosts as `evergrid`, what they need.

    The group `control` is whoever runs Ansible; no host of the site is in it.
    """
    roles = sorted({role for host in site.hosts for role in host.roles})
    groups: dict[str, Any] = {
        role: {"hosts": [host.name for host in site.with_role(role)]} for role in roles
    }
    groups["evergrid"] = {"hosts": [host.name for host in site.hosts]}
    groups["control"] = {"hosts": ["localhost"], "vars": {"ansible_connection": "local"}}
    groups["all"] = {"vars": {"evergrid_site": variables(site)}}
    hosts = {
        host.name: {
            "ansible_host": host.address,
            "evergrid_roles": list(host.roles),
            "evergrid_packages": list(packages.of(host)),
        }
        for host in site.hosts
    }
    return groups | {"_meta": {"hostvars": hosts}}


def variables(site: Topology) -> dict[str, Any]:
    """
    Return what playbooks ask of a site.

    `drained_within_s` is how long an edge may wait for the last answer of a host that is drained;
    `stanza` what pgBackRest and Patroni call the site.
    """
    return {
        "name": site.name,
        "stanza": site.name,
        "interface": site.interface,
        "virtual_address": site.virtual_address,
        "operators": list(site.operators),
        "ports": msgspec.to_builtins(site.ports),
        "drained_within_s": site.timings.edge_server + 5,
        "masked_units": list(packages.MASKED),
    }


def is_operator(site: Topology, address: str) -> bool:
    """Test if the firewalls of the site let an address in by ssh."""
    return any(IPv4Address(address) in IPv4Network(network) for network in site.operators)


def kept(told: bytes) -> Kept:
    """
    Return what was made for a site, from the text of its `site.json`.

    :raises SiteWrong: if that cannot be read
    """
    try:
        return msgspec.json.decode(told, type=Kept)
    except msgspec.DecodeError as error:
        raise SiteWrong(f"what was made for the site cannot be read: {error}") from error


def administration(site: Topology, told: bytes) -> dict[str, str]:
    """
    Return the variables of the commands that make roles or migrate, on the first app host.

    :raises SiteWrong: if `told`, the text of `site.json`, cannot be read
    """
    passwords, host = kept(told).secrets, site.with_role("app")[0]
    return environment.of_service(site, passwords, host) | environment.of_roles(site, passwords)


def write(
    site: Topology, told: bytes, *, release: str, out: Path, origin: Origin | None = None
) -> list[Path]:
    """
    Write every file of every host below `out`, a manifest beside them; return the manifests.

    `told` is the text of `site.json`, `origin` the backup that the databases are born from, if
    they are. The folder is for its owner alone.
    :raises SiteWrong: if that cannot be read, or a host has no certificate
    :raises TopologyWrong: if the topology breaks a rule
    """
    known = kept(told)
    certified = known.certificates.keys
    bare = [h.name for h in site.hosts if h.roles != ("client",) and h.name not in certified]
    if bare:
        names = " and ".join(bare)
        raise SiteWrong(f"{names} has no certificate: `evergrid-ha site certify` makes it")
    placed = installation.of(
        site, known.secrets, known.certificates, release=release, origin=origin
    )
    out.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    out.chmod(_PRIVATE)
    return [_write_host(site.host(name), site, files, out) for name, files in placed.items()]


def _text(kept: Kept) -> bytes:
    return msgspec.json.format(msgspec.json.encode(kept))


def _write_host(host: Host, site: Topology, files: tuple[Installed, ...], out: Path) -> Path:
    folder = out / host.name
    manifest = Manifest(
        host=host.name,
        roles=host.roles,
        files=[_place(file, folder) for file in files],
        units=_units(host, site),
    )
    path = folder / "manifest.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return path


def _units(host: Host, site: Topology) -> list[Unit]:
    healths_ = healths.of(host, site)
    firewall = Unit(program=installation.FIREWALL, unit=units.FIREWALL, can_reload=True, health="")
    found = sorted(programs.of(host, topology=site, release=""), key=lambda each: each.priority)
    return [
        firewall,
        *(
            Unit(
                program=program.name,
                unit=units.name(program.name),
                can_reload=bool(program.reload_signal),
                health=healths_.get(program.name, ""),
            )
            for program in found
        ),
    ]


def _place(file: Installed, folder: Path) -> Placed:
    source = folder / file.path.lstrip("/")
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(file.text, encoding="utf-8")
    return Placed(
        path=file.path,
        source=str(source),
        owner=file.owned.user,
        group=file.owned.group,
        mode=f"{file.owned.mode:04o}",
        programs=file.programs,
        change=file.change,
    )
