"""Disks without a byte left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha.lab import Lab
from ha.lab.waiting import until

# A file beside the database's own, on the same disk, as the database's user.
_PROOF = "/var/lib/evergrid/postgresql/proof"
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


def _is_writable_when_filled(lab: Lab, host: str) -> bool:
    """Fill what is free, also what PostgreSQL freed when it failed; test if a file still fits."""
    lab.fill_disk(host)
    return _is_writable(lab, host)


def _is_writable(lab: Lab, host: str) -> bool:
    argv = ["runuser", "-u", "postgres", "--", "sh", "-c", _WRITES]
    return "written" in lab.exec(host, argv, timeout_s=10, check=False)
