"""Shared settings: what the databases of a lab share, as the files of this release say it."""

from __future__ import annotations

import json

from ha import dynamic
from ha.lab import configuration
from ha.lab.lab import Lab
from ha.lab.state import State

# etcd answers in milliseconds.
_ASK_S = 10.0
# As an operator on the host would: where etcd is, and what proves who asks.
_ETCDCTL = '. /etc/evergrid/etcdctl.env; exec etcdctl "$@"'


def settle(lab: Lab, known: State) -> list[str]:
    """
    Have etcd hold what the rendered files say; return each change as a sentence.

    While no Patroni runs: then what PostgreSQL takes at its start alone is taken as well. It is the
    key that `patronictl edit-config` writes. A cluster that is not born yet writes it by itself.
    """
    name = lab.topology.with_role("database")[0].name
    texts = configuration.texts(
        lab.layout, lab.topology, release=known.release, origin=known.origin
    )
    wanted = dynamic.wanted(texts[f"{name}/patroni.yml"])
    key = f"/service/{lab.topology.name}/config"
    shown = _etcdctl(lab, "get", "--print-value-only", key)
    if not shown.strip():
        return []
    found = json.loads(shown)
    changes = dynamic.difference(wanted, found)
    if changes:
        _etcdctl(lab, "put", key, value=json.dumps(dynamic.merged(wanted, found)))
    return dynamic.sentences(changes)


def _etcdctl(lab: Lab, *arguments: str, value: str | None = None) -> str:
    """Ask etcd on its first host; a value to put comes through its standard input."""
    host = lab.topology.with_role("dcs")[0]
    argv = ["sh", "-c", _ETCDCTL, "etcdctl", *arguments]
    return lab.exec(host.name, argv, input=value, timeout_s=_ASK_S)
