"""Render: turns a topology into the configuration file of every process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from ipaddress import IPv4Network
from typing import Any

import jinja2

from ha import environment, limits, problems, programs, rules
from ha.origin import Origin
from ha.secrets import Secrets
from ha.supervised import supervised
from ha.topology import Host, Role, Topology, TopologyWrong

# PostgreSQL's connections. 20 stay free for operations: Patroni, replication, a person with psql.
MAX_CONNECTIONS = 300
RESERVED_CONNECTIONS = 20
# Two processes a host: one more than the cores of the smallest host would only take turns.
API_PROCESSES = 2
# Sockets one process may have open: the few requests that the edge lets it have, many times over.
API_CONNECTIONS_MAX = 1_000
# Requests that the edge lets a host have at once, writes and reads each: twice as many as could
# have a connection to PostgreSQL, because a host's processes do not share them evenly.
API_REQUESTS_MAX = 2 * API_PROCESSES * environment.CONNECTIONS_MAX
# Clients at once, waiting or idle. Each costs two sockets; small machines and containers allow a
# process 20,000, and HAProxy refuses to start with fewer than it might need.
EDGE_CONNECTIONS_MAX = 9_000
# So many writes may wait, and so many reads: 120 a second of each through the 25 s of the longest
# failover, of which those of the first 3 s wait in the API. Another third is left to those who are
# answered meanwhile.
EDGE_WAITING_MAX = EDGE_CONNECTIONS_MAX // 3
SOCKETS_MAX = 20_000
_SIZES = {
    "api_processes": API_PROCESSES,
    "api_connections_max": API_CONNECTIONS_MAX,
    "api_clients_max": API_PROCESSES * API_CONNECTIONS_MAX,
    "api_requests_max": API_REQUESTS_MAX,
    "edge_connections_max": EDGE_CONNECTIONS_MAX,
    "edge_waiting_max": EDGE_WAITING_MAX,
    "sockets_max": SOCKETS_MAX,
}
# One a week: every moment of the last three weeks at least can be restored.
FULL_BACKUPS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Job:
    """What Prometheus scrapes, or looks at, under one name: a port on some hosts."""

    name: str
    port: int
    hosts: tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """A file of one role: its name under /etc/evergrid, its template."""

    name: str
    template: str


_FILES: dict[Role, tuple[_File, ...]] = {
    "database": (
        _File("patroni.yml", "patroni.yml"),
        _File("pgbackrest.conf", "pgbackrest_database.conf"),
        _File("archive_get.sh", "archive_get.sh"),
        _File("archive_push.sh", "archive_push.sh"),
        _File("warden.json", "warden.json"),
    ),
    "dcs": (_File("etcd.yml", "etcd.yml"), _File("etcdctl.env", "etcdctl.env")),
    "app": (
        _File("haproxy.cfg", "haproxy_app.cfg"),
        _File("gunicorn.conf.py", "gunicorn.conf.py"),
        _File("service.env", "service.env"),
    ),
    "edge": (
        _File("haproxy.cfg", "haproxy_edge.cfg"),
        _File("edge.sh", "edge.sh"),
        _File("keepalived.conf", "keepalived.conf"),
    ),
    "monitor": (
        _File("prometheus.yml", "prometheus.yml"),
        _File("prometheus_web.yml", "prometheus_web.yml"),
        _File("blackbox.yml", "blackbox.yml"),
    ),
    "backup": (_File("pgbackrest.conf", "pgbackrest_backup.conf"),),
    "client": (),
}
_EVERY_HOST = (
    _File("curlrc", "curlrc"),
    _File("supervisord.conf", "supervisord.conf"),
    _File("sysctl.conf", "sysctl.conf"),
)
# A burst of clients that come back after a failover must not be refused by the kernel.
_QUEUES: dict[str, object] = {"net.core.somaxconn": 4096, "net.ipv4.tcp_max_syn_backlog": 4096}
_SYSCTL: dict[Role, dict[str, object]] = {
    "app": _QUEUES,
    # Of programs that ask for keepalive and leave its times to the kernel, two hours: a pg_rewind
    # that was cut off from its source in the middle waited for it, its host was no replica so long.
    "database": {
        "net.ipv4.tcp_keepalive_time": 5,
        "net.ipv4.tcp_keepalive_intvl": 1,
        "net.ipv4.tcp_keepalive_probes": 5,
    },
    # The edge is not root, yet listens on port 80; it opens a connection a request. It gives up a
    # request that a dead host never acknowledged after 1.4 s (with 2 it would be 3 s: the kernel
    # looks only when a retransmission is due, at 0.2, 0.6, 1.4, 3.0 s). HAProxy 2.6 has no tcp-ut
    # for its servers.
    "edge": _QUEUES
    | {
        "net.ipv4.ip_unprivileged_port_start": 80,
        "net.ipv4.ip_local_port_range": "10240 65000",
        "net.ipv4.tcp_retries2": 1,
    },
}


def render(
    topology: Topology, secrets: Secrets, *, release: str, origin: Origin | None = None
) -> dict[str, str]:
    """
    Return every configuration file as `{"<host>/<file>": text}`; it means /etc/evergrid/<file>.

    `release` is the folder of the installed product that processes are run from; `origin` the
    backup that the databases are born from, if they are.
    :raises TopologyWrong: if the topology breaks a rule; the message lists all that are broken
    """
    if broken := rules.broken(topology):
        raise TopologyWrong("; ".join(broken))
    found = templates()
    shared = _shared(topology, secrets) | {"origin": origin, "release": release}
    return {
        f"{host.name}/{file.name}": found.get_template(f"{file.template}.j2").render(
            shared | _of_host(host, topology, secrets, release)
        )
        for host in topology.hosts
        for file in _files(host, origin)
    }


def _files(host: Host, origin: Origin | None) -> Iterator[_File]:
    """Return what lies in /etc/evergrid of `host`."""
    for role in host.roles:
        yield from _FILES[role]
    if origin and "backup" in host.roles:
        yield _File("source.conf", "source.conf")
    yield from _EVERY_HOST


def _shared(topology: Topology, secrets: Secrets) -> dict[str, Any]:
    """Return what the templates may name that is the same on every host."""
    apps, dcs = topology.with_role("app"), topology.with_role("dcs")
    etcd_port = topology.ports.etcd_peer
    return {
        "topology": topology,
        "secrets": secrets,
        "ports": topology.ports,
        "timings": topology.timings,
        "apps": apps,
        "databases": topology.with_role("database"),
        "dcs": dcs,
        "backup": topology.with_role("backup")[0],
        "full_backups_kept": FULL_BACKUPS_KEPT,
        "initial_cluster": ",".join(f"{m.name}=https://{m.address}:{etcd_port}" for m in dcs),
        "max_connections": MAX_CONNECTIONS,
        "local_connections_max": (MAX_CONNECTIONS - RESERVED_CONNECTIONS) // len(apps),
        **_SIZES,
        "body_max_bytes": problems.BODY_MAX_BYTES,
        "problems": problems.ERRORS,
        "refusals": problems.REFUSALS,
        "in_the_open": problems.IN_THE_OPEN,
        "limits": topology.limits,
        "quotas": limits.quotas(topology),
        "budgets": limits.budgets(topology),
        "window_s": limits.window_s(topology),
        "principal_header": limits.PRINCIPAL_HEADER,
        "uri_max_bytes": limits.URI_MAX_BYTES,
        "headers_max_bytes": limits.HEADERS_MAX_BYTES,
        "headers_max": limits.HEADERS_MAX,
        "entries_max": limits.ENTRIES_MAX,
        "token_known_h": limits.TOKEN_KNOWN_H,
        "prefix_length": IPv4Network(topology.subnet).prefixlen,
        "jobs": _jobs(topology),
        "presented": presented(topology),
    }


def _of_host(host: Host, topology: Topology, secrets: Secrets, release: str) -> dict[str, Any]:
    """Return what the templates may name that differs from host to host."""
    settings: dict[str, object] = {}
    for role in host.roles:
        settings |= _SYSCTL.get(role, {})
    return {
        "host": host,
        "peers": tuple(edge for edge in topology.with_role("edge") if edge != host),
        "other_databases": tuple(d for d in topology.with_role("database") if d != host),
        "environment": environment.of_service(topology, secrets, host).items(),
        "programs": [
            asdict(program)
            | {
                "kills_group": str(program.takes_children).lower(),
                "supervised": supervised(program),
            }
            for program in programs.of(host, topology=topology, release=release)
        ],
        "settings": settings.items(),
    }


def _jobs(topology: Topology) -> tuple[Job, ...]:
    """Return what Prometheus scrapes; the alerts count on the names."""
    ports, hosts = topology.ports, topology.with_role
    return (
        Job("prometheus", ports.prometheus, hosts("monitor")),
        Job("api", ports.api, hosts("app")),
        Job("worker", ports.worker_metrics, hosts("app")),
        Job("local_haproxy", ports.local_stats, hosts("app")),
        Job("edge", ports.edge_stats, hosts("edge")),
        Job("patroni", ports.patroni, hosts("database")),
        Job("backup", ports.backup_metrics, hosts("backup")),
        Job("warden", ports.warden, hosts("database")),
        Job("etcd", ports.etcd_client, hosts("dcs")),
    )


def presented(topology: Topology) -> tuple[Job, ...]:
    """Return every port, but PostgreSQL's own, at which a certificate is presented."""
    ports, hosts = topology.ports, topology.with_role
    return (
        *_jobs(topology),
        Job("clients", ports.edge_https, hosts("edge")),
        Job("etcd_peers", ports.etcd_peer, hosts("dcs")),
        Job("pgbackrest", ports.pgbackrest, (*hosts("database"), *hosts("backup"))),
    )


def templates() -> jinja2.Environment:
    """Return the templates; one that names what is not there fails instead of leaving a gap."""
    folder = resources.files("ha") / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  configuration files, not pages
    )
