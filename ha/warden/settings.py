"""Settings: what the warden is told about its host, from /etc/evergrid/warden.json."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ha.topology import Feature


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One host's warden.

    `peers` are the other database hosts, name to address; `stores` the members of etcd as
    "address:port"; `scope` is Patroni's name of the cluster.
    """

    host: str
    address: str
    scope: str
    peers: dict[str, str]
    stores: tuple[str, ...]
    port: int
    patroni_port: int
    postgres_port: int
    patroni_password: str
    data_folder: str
    socket_folder: str
    run_folder: str
    features: frozenset[Feature]


def read(path: Path) -> Settings:
    """
    Return the settings in `path`.

    :raises msgspec.ValidationError: if one is missing, unknown or of the wrong type
    """
    return msgspec.json.decode(path.read_bytes(), type=Settings)
