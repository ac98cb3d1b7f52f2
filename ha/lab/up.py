"""Up: brings a lab up from whatever state it is in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from ha import render
from ha.lab import (
    cluster,
    doorway,
    down,
    faults,
    files,
    health,
    hosts,
    logs,
    network,
    processes,
    service,
    state,
)
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed, LabFailed
from ha.lab.lab import Lab
from ha.lab.layout import Layout
from ha.lab.progress import Progress
from ha.lab.state import State
from ha.lab.waiting import until
from ha.topology import Host, Role, Topology

# Three members elect a leader in a second or two.
ETCD_S = 30.0
# initdb, then two clones, at the pace of one slow disk.
CLUSTER_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    What to bring up.

    `release` is the installation the hosts run; no `demo` leaves the database without customers;
    a bare lab has the cluster only, without the service on top.
    """

    layout: Layout
    topology: Topology
    release: str
    demo: service.Demo | None
    is_bare: bool
    today: date


def up(order: Order, progress: Progress) -> Lab:
    """
    Bring the lab up as ordered. What is in place already stays as it is.

    :raises LabFailed: with the log line that says why
    """
    with state.locked(order.layout):
        known = _remember(order, progress)
        lab = Lab(order.layout)
        if _is_done(order, known, lab):
            progress.say("Everything is in place.")
            return lab
        _boot_all(order, known, lab, progress)
        if not order.is_bare:
            _serve(order, lab, progress)
        return lab


def _remember(order: Order, progress: Progress) -> State:
    """Return what is known of the lab after making sure that it fits the order."""
    known = state.load(order.layout)
    if known is None:
        if down.has_leftovers(order.layout):
            with progress.step("Clear what a killed lab of this name left behind"):
                down.sweep(order.layout)
        known = State(topology=order.topology, release=order.release)
    if known.topology != order.topology:
        raise LabFailed(
            f"the lab {order.layout.lab!r} was brought up from another topology; "
            "take it down first"
        )
    if known.release != order.release:
        _stop_all(order, progress, why=f"{known.release} is not what is installed now")
        known = msgspec.structs.replace(known, release=order.release)
    network.refuse_subnet_in_use(order.layout, order.topology)
    state.save(order.layout, known)
    return known


def _is_done(order: Order, known: State, lab: Lab) -> bool:
    """Test if nothing is left to do."""
    is_served = order.is_bare or known.migrated == order.release
    is_loaded = order.demo is None or order.is_bare or known.is_loaded
    return is_served and is_loaded and not health.complaints(lab, is_bare=order.is_bare)
