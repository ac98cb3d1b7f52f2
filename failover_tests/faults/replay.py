"""Replay that stands still on a replica, while it goes on receiving."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from failover_tests.statements import statement
from ha.lab import Lab
from ha.lab.errors import LabFailed
from ha.lab.waiting import until


@contextmanager
def replay_paused(lab: Lab, host: str) -> Iterator[Fault]:
    """
    Let a replica replay nothing until leaving.

    :raises NotInTime: if it goes on replaying
    """
    began_s = time.monotonic()
    lab.query(statement("replay_pause"), host)
    try:
        until(
            lambda: lab.query(statement("replay_state"), host)[0]["state"],
            is_enough=lambda state: state == "paused",
            what=f"replay on {host} to stand still",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = "PostgreSQL says that it is paused"
        yield Fault(what="replay paused", hosts=(host,), began_s=began_s, proof=proof)
    finally:
        # Of a host that crashed meanwhile, or was promoted, nothing is paused any more.
        with contextlib.suppress(LabFailed):
            lab.query(statement("replay_resume"), host)
