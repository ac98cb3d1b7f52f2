"""Healths: where each program of a host is asked if it serves."""

from __future__ import annotations

from ha.topology import Host, Topology


def of(host: Host, topology: Topology) -> dict[str, str]:
    """
    Return what answers once a program of `host` serves, by the program's name.

    `http://` answers 200 then; `tcp://` accepts a connection. keepalived answers nobody.
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
        ("patroni", "http", "patroni", "/health"),
        ("warden", "http", "warden", "/live"),
    ),
    "dcs": (("etcd", "http", "etcd_client", "/health"),),
    "app": (
        ("haproxy", "http", "local_stats", "/metrics"),
        ("api", "http", "api", "/ready"),
        ("worker", "http", "worker_metrics", "/metrics"),
    ),
    "edge": (("haproxy", "http", "edge_stats", "/live"),),
    "monitor": (("prometheus", "http", "prometheus", "/-/ready"),),
    "backup": (
        ("pgbackrest", "tcp", "pgbackrest", ""),
        ("backups", "http", "backup_metrics", "/metrics"),
    ),
}
