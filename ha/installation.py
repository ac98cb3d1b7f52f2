"""Installation: every file of ours on a real host, with what has to be done when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ha import certificates, flows, ownership, programs, render, units
from ha.certificates import Certificates
from ha.origin import Origin
from ha.ownership import Owned
from ha.secrets import Secrets
from ha.topology import Host, Topology

# What has to be done after a file has changed: nothing (it is read when it is needed), or that its
# program reads it anew, or that it starts anew, or that the kernel or systemd does.
Change = Literal["none", "reload", "restart", "sysctl", "tmpfiles"]

CONFIGURATION = "/etc/evergrid"
_UNITS = "/etc/systemd/system"
_ROOT = Owned("root", "root", 0o644)
# No program that stays, yet started and reloaded like one.
FIREWALL = "firewall"

# Who reads a certificate when told to; etcd, the wardens, Prometheus and what looks for it see for
# themselves that it was replaced.
_CERTIFIED: tuple[tuple[str, ...], Change] = (
    ("patroni", "haproxy", "pgbackrest", "backups"),
    "reload",
)
# By the name of the file: the programs that it concerns, and how they take it.
_TAKEN: dict[str, tuple[tuple[str, ...], Change]] = {
    "patroni.yml": (("patroni",), "reload"),
    "warden.json": (("warden",), "restart"),
    "etcd.yml": (("etcd",), "restart"),
    "haproxy.cfg": (("haproxy",), "reload"),
    "edge.sh": (("haproxy",), "restart"),
    "keepalived.conf": (("keepalived",), "reload"),
    "gunicorn.conf.py": (("api",), "reload"),
    "service.env": (("api", "worker"), "restart"),
    "prometheus.yml": (("prometheus",), "reload"),
    "blackbox.yml": (("blackbox",), "reload"),
    "pgbackrest.conf": (("pgbackrest",), "restart"),
    "authority.crt": _CERTIFIED,
    "host.crt": _CERTIFIED,
    "host.crt.key": _CERTIFIED,
}
# Read by whoever needs them, each time anew.
_UNTAKEN = frozenset(
    {
        "archive_get.sh",
        "archive_push.sh",
        "curlrc",
        "etcdctl.env",
        "prometheus_web.yml",
        "source.conf",
    }
)
# The lab's own way to run programs.
_OF_THE_LAB = frozenset({"supervisord.conf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One file of a host; `programs` are those that a change of it concerns."""

    path: str
    text: str
    owned: Owned
    programs: tuple[str, ...] = ()
    change: Change = "none"


def of(
    topology: Topology,
    secrets: Secrets,
    signed: Certificates,
    *,
    release: str,
    origin: Origin | None = None,
) -> dict[str, tuple[Installed, ...]]:
    """
    Return all files of all hosts, by host.

    :raises TopologyWrong: if the topology breaks a rule; the message lists all that are broken
    """
    texts = render.render(topology, secrets, release=release, origin=origin)
    texts |= certificates.files(signed, topology)
    texts |= alert_rules(topology)
    return {
        host.name: (
            *_configuration(host, topology, texts),
            *_system(host, topology),
            *_units(host, topology, release),
        )
        for host in topology.hosts
    }


def certified(host: Host, topology: Topology) -> tuple[str, ...]:
    """Return the programs of a host that have to be told when its certificate was replaced."""
    own = {p.name for p in programs.of(host, topology=topology, release="")}
    return tuple(program for program in _CERTIFIED[0] if program in own)


def alert_rules(topology: Topology) -> dict[str, str]:
    """Return the alerts installed beside this package, as files of the monitor."""
    folder = Path(__file__).parents[1] / "monitoring" / "rules"
    return {
        f"{monitor.name}/rules/{path.name}": path.read_text(encoding="utf-8")
        for monitor in topology.with_role("monitor")
        for path in sorted(folder.glob("*.yml"))
        if not path.stem.endswith("_test")
    }


def _configuration(host: Host, topology: Topology, texts: dict[str, str]) -> list[Installed]:
    """Return what lies in /etc/evergrid, and the kernel's settings."""
    found = []
    own = {p.name for p in programs.of(host, topology=topology, release="")}
    for name, text in texts.items():
        owner, _, file = name.partition("/")
        if owner != host.name or file in _OF_THE_LAB:
            continue
        if file == "sysctl.conf":
            path = "/etc/sysctl.d/90-evergrid.conf"
            found.append(Installed(path=path, text=text, owned=_ROOT, change="sysctl"))
            continue
        concerned, change = _taken(file, own)
        path, owned = f"{CONFIGURATION}/{file}", ownership.of_file(file)
        found.append(
            Installed(path=path, text=text, owned=owned, programs=concerned, change=change)
        )
    return found


def _taken(file: str, own: set[str]) -> tuple[tuple[str, ...], Change]:
    """
    Return which of a host's `own` programs a file of /etc/evergrid concerns.

    A file that nobody thought of is a bug.
    """
    if file in _UNTAKEN:
        return (), "none"
    if file == certificates.AUTHORITY_FILE and "etcd" in own:
        return ("etcd",), "restart"  # the one thing that it reads once only
    named, change = _TAKEN["prometheus.yml" if file.startswith("rules/") else file]
    concerned = tuple(program for program in named if program in own)
    return concerned, change if concerned else "none"


def firewall(host: Host, openings: Sequence[flows.Opening]) -> str:
    """Return the firewall of a host that lets `openings` in."""
    template = render.templates().get_template("nftables.conf.j2")
    return template.render(host=host, openings=openings)


def _system(host: Host, topology: Topology) -> list[Installed]:
    """Return the firewall, and the folders that are made at every start."""
    templates = render.templates()
    directories = ownership.directories(host)
    return [
        Installed(
            path=f"{CONFIGURATION}/nftables.conf",
            text=firewall(host, flows.openings(host, topology)),
            owned=_ROOT,
            programs=(FIREWALL,),
            change="reload",
        ),
        Installed(
            path="/etc/tmpfiles.d/evergrid.conf",
            text=templates.get_template("tmpfiles.conf.j2").render(
                host=host, directories=directories
            ),
            owned=_ROOT,
            change="tmpfiles",
        ),
    ]


def _units(host: Host, topology: Topology, release: str) -> list[Installed]:
    texts = units.texts(
        host,
        topology,
        release=release,
        templates=render.templates(),
        sockets_max=render.SOCKETS_MAX,
    )
    of_unit = {units.name(p.name): p.name for p in programs.of(host, topology=topology, release="")}
    of_unit[units.FIREWALL] = FIREWALL
    return [
        Installed(
            path=f"{_UNITS}/{name}",
            text=text,
            owned=_ROOT,
            programs=(of_unit[name],) if name in of_unit else (),
            change="restart" if name in of_unit else "none",
        )
        for name, text in texts.items()
    ]
