"""Restored: a fresh lab made from the backups of another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path

from rich.console import Console

from failover_tests import budgets
from ha.backups.metrics import PROOF
from ha.lab import Lab, routes
from ha.lab.down import down
from ha.lab.layout import Layout
from ha.lab.progress import Progress
from ha.lab.restore import Request, restore
from ha.lab.waiting import until

# How many networks after the lab's own are tried.
_NETWORKS_MAX = 20


@contextmanager
def restored(lab: Lab, *, to: datetime, log: Path) -> Iterator[Lab]:
    """
    Restore the databases of `lab` as they were at `to` onto a fresh lab, which is gone on leaving.

    :raises LabFailed: if that fails; `log` holds how far it came
    """
    layout = Layout(f"{lab.layout.lab[:11]}r")
    with log.open("w", encoding="utf-8") as file:
        progress = Progress(Console(file=file, highlight=False, width=160))
        request = Request(
            source=lab.layout,
            layout=layout,
            subnet=_free_subnet(lab, layout),
            target=to,
            release=sys.prefix,
            is_bare=True,
        )
        try:
            yield restore(request, progress)
        finally:
            down(layout, progress)


def wait_for_backup(lab: Lab) -> None:
    """Wait for the first full backup of a lab that was just brought up."""
    host = lab.topology.with_role("backup")[0].name
    folder = f"/var/lib/evergrid/pgbackrest/backup/{lab.topology.name}"
    until(
        lambda: lab.exec(host, ["find", folder, "-name", "latest"], timeout_s=5, check=False),
        what="a first backup",
        within_s=budgets.FIRST_BACKUP_S,
        step_s=1,
    )


def prove(lab: Lab) -> None:
    """Let the backups of `lab` know that a restore of them was found right."""
    lab.exec(lab.topology.with_role("backup")[0].name, ["touch", str(PROOF)], timeout_s=5)


def _free_subnet(lab: Lab, layout: Layout) -> str:
    """
    Return the first network after the lab's own that nobody on this machine uses.

    :raises SubnetInUse: if none of the next twenty is free
    """
    own = IPv4Network(lab.topology.subnet)
    networks = [
        str(IPv4Network((int(own.network_address) + own.num_addresses * n, own.prefixlen)))
        for n in range(1, _NETWORKS_MAX + 1)
    ]
    for network in networks[:-1]:
        try:
            routes.refuse_if_in_use(layout, network)
        except routes.SubnetInUse:
            continue
        return network
    return networks[-1]
