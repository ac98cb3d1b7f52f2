"""Healths: where each program of a host is asked if it serves."""

from __future__ import annotations

from ha.topology import Host, Topology


def of(host: Host, topology: Topology) -> dict[str, str]:
    """
    Return what answers once a program of `host` serves, by the program's name.

    `https://` answers 200 then, to a host of the site; `tcp://` accepts a connection. keepalived
    answers nobody, blackbox_exporter its own host only.
    """
    found: dict[str, str] = {}
    for role in host.roles:
        for program, scheme, port, path in _ASKED.get(role, ()):
            found[program] = f"{scheme}://{host.address}:{getattr(topology.ports, port)}{path}"
    return found


# By role: the program, how it is asked. Patroni says 200 once its PostgreSQL runs, etcd once it has
# a leader, the API once it can write and read; a load balancer's page says that it runs.
_ASKED: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "database": (
        ("pgbackrest", "tcp", "pgbackrest", ""),
        ("patroni", "https", "patroni", "/health"),
        ("warden", "https", "warden", "/live"),
    ),
    "dcs": (("etcd", "https", "etcd_client", "/health"),),
    "app": (
        ("haproxy", "https", "local_stats", "/metrics"),
        ("api", "https", "api", "/ready"),
        ("worker", "https", "worker_metrics", "/metrics"),
    ),
    "edge": (("haproxy", "https", "edge_stats", "/live"),),
    "monitor": (("prometheus", "https", "prometheus", "/-/ready"),),
    "backup": (
        ("pgbackrest", "tcp", "pgbackrest", ""),
        ("backups", "https", "backup_metrics", "/metrics"),
    ),
}
