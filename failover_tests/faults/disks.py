"""Disks without a byte left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha.lab import Lab
from ha.lab.waiting import until

# A file beside the database's own, on the same disk, as the database's user.
_PROOF = "/var/lib/evergrid/postgresql/proof"
# What is freed is taken before anybody can write much to it.
_AGAIN_S = 0.02
_WRITES = f"head -c 65536 /dev/zero >{_PROOF} && echo written; rm -f {_PROOF}"


@contextmanager
def full(lab: Lab, host: str) -> Iterator[Fault]:
    """
    Fill the disk of the database on `host`, which is its own; free it on leaving.

    :raises NoOwnDisk: if it shares the machine's (`preparations.own_disks`)
    :raises NotInTime: if the database's user could not write before, or still can
    """
    until(
        lambda: _is_writable(lab, host),
        what=f"the disk of {host} to take a file before",
        within_s=budgets.FAULT_PROVEN_S,
    )
    began_s = time.monotonic()
    try:
        until(
            lambda: _is_writable_when_filled(lab, host),
            is_enough=lambda seen: not seen,
            what=f"the disk of {host} to be full",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = "the database's user cannot write a file of 64 KiB beside it"
        yield Fault(what="disk full", hosts=(host,), began_s=began_s, proof=proof)
    finally:
        lab.free_disk(host)


@contextmanager
def kept_full(lab: Lab, host: str) -> Iterator[Fault]:
    """
    Fill the disk as `full` does; take what is freed on it as well, until leaving.

    :raises NoOwnDisk: as `full`
    :raises NotInTime: as `full`
    :raises FaultWithoutEffect: if something that was freed could not be taken
    """
    over = threading.Event()
    with full(lab, host) as fault, ThreadPoolExecutor(1) as pool:
        taking = pool.submit(_take, lab, host, over)
        try:
            yield replace(fault, what="disk kept full")
        finally:
            over.set()
        taking.result()


def _take(lab: Lab, host: str, over: threading.Event) -> None:
    while not over.wait(_AGAIN_S):
        lab.fill_disk(host)


def _is_writable_when_filled(lab: Lab, host: str) -> bool:
    """Fill what is free, also what PostgreSQL freed when it failed; test if a file still fits."""
    lab.fill_disk(host)
    return _is_writable(lab, host)


def _is_writable(lab: Lab, host: str) -> bool:
    argv = ["runuser", "-u", "postgres", "--", "sh", "-c", _WRITES]
    return "written" in lab.exec(host, argv, timeout_s=10, check=False)
