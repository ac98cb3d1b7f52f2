"""Ownership: which user may read each file or folder of a host."""

from __future__ import annotations

from dataclasses import dataclass

from ha.topology import Host, Role


@dataclass(frozen=True, slots=True)
class Owned:
    """An owner with the mode, as chown and chmod take them."""

    user: str
    group: str
    mode: int


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder that must be there before a host's processes start."""

    path: str
    owned: Owned


# Users whose programs prove by a certificate on which host they run; `ansible/prepare` makes it.
KEYS_GROUP = "evergrid-keys"

# No process may change its own configuration; those that hold a password, nobody else may read.
_PUBLIC = Owned("root", "root", 0o644)
_FILES = {
    "patroni.yml": Owned("root", "postgres", 0o640),
    "warden.json": Owned("root", "postgres", 0o640),
    "service.env": Owned("root", "evergrid", 0o640),
    "host.crt.key": Owned("root", KEYS_GROUP, 0o640),
}

# /run is empty after every start, so all of these are made each time. Patroni removes its data
# folder before it clones a replica anew: the folder above it must be its own.
_DIRECTORIES: dict[Role, tuple[Directory, ...]] = {
    "database": (
        Directory("/var/lib/evergrid/postgresql", Owned("postgres", "postgres", 0o700)),
        Directory("/var/log/evergrid/postgresql", Owned("postgres", "postgres", 0o750)),
        Directory("/run/evergrid/postgresql", Owned("postgres", "postgres", 0o755)),
        Directory("/run/evergrid/pgbackrest", Owned("postgres", "postgres", 0o700)),
        Directory("/run/evergrid/warden", Owned("postgres", "postgres", 0o700)),
    ),
    "dcs": (Directory("/var/lib/evergrid/etcd", Owned("etcd", "etcd", 0o700)),),
    "app": (
        Directory("/run/evergrid/haproxy", Owned("haproxy", "haproxy", 0o750)),
        Directory("/run/evergrid/gunicorn", Owned("evergrid", "evergrid", 0o700)),
        Directory("/run/evergrid/metrics", Owned("evergrid", "evergrid", 0o750)),
    ),
    "edge": (Directory("/run/evergrid/haproxy", Owned("haproxy", "haproxy", 0o750)),),
    "monitor": (
        Directory("/var/lib/evergrid/prometheus", Owned("prometheus", "prometheus", 0o750)),
    ),
    "backup": (
        Directory("/var/lib/evergrid/pgbackrest", Owned("postgres", "postgres", 0o700)),
        Directory("/run/evergrid/pgbackrest", Owned("postgres", "postgres", 0o700)),
    ),
    "client": (),
}


def of_file(name: str) -> Owned:
    """Return who owns `/etc/evergrid/<name>`."""
    return _FILES.get(name, _PUBLIC)


def directories(host: Host) -> tuple[Directory, ...]:
    """Return the folders that the processes of `host` need."""
    return tuple(directory for role in host.roles for directory in _DIRECTORIES[role])
