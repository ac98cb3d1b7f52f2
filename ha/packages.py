"""Packages: what Debian gives a host of each role; none of its own units may run there."""

from __future__ import annotations

from ha.topology import Host, Role

# Python, the firewall (netbase: the names of protocols), what our scripts call (keepalived.conf:
# curl).
_EVERY_HOST = (
    "ca-certificates",
    "curl",
    "iproute2",
    "netbase",
    "nftables",
    "openssl",
    "procps",
    "python3",
    "python3-venv",
    "util-linux",
)
_OF_ROLE: dict[Role, tuple[str, ...]] = {
    "database": ("postgresql-15", "pgbackrest"),
    "dcs": ("etcd-server", "etcd-client"),
    "app": ("fonts-noto-cjk", "haproxy"),
    "edge": ("haproxy", "keepalived"),
    "monitor": ("prometheus", "prometheus-blackbox-exporter"),
    "backup": ("pgbackrest",),
    "client": (),
}
# Those that the packages bring along, Patroni's for whoever installed it before: a second, foreign
# PostgreSQL is the oldest way to two primaries, and Debian's firewall flushes everybody's tables.
MASKED = (
    "etcd.service",
    "haproxy.service",
    "keepalived.service",
    "nftables.service",
    "patroni.service",
    "pgbackrest.service",
    "postgresql.service",
    "postgresql@.service",
    "prometheus-blackbox-exporter.service",
    "prometheus.service",
)


def of(host: Host) -> tuple[str, ...]:
    """Return the packages of `host`, each once, in the order of the alphabet."""
    return tuple(sorted({*_EVERY_HOST, *(name for role in host.roles for name in _OF_ROLE[role])}))
