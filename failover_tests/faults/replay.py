"""Replay that stands still on a replica, while it goes on receiving."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from failover_tests.statements import statement
from ha.lab import Lab
from ha.lab.errors import LabFailed
from ha.lab.lab import DATABASE, SOCKET_FOLDER
from ha.lab.waiting import until


@contextmanager
def replay_paused(lab: Lab, host: str) -> Iterator[Fault]:
    """
    Let a replica replay nothing until leaving.

    :raises NotInTime: if it goes on replaying
    """
    began_s = time.monotonic()
    with _pausing(lab, host):
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


@contextmanager
def _pausing(lab: Lab, host: str) -> Iterator[None]:
    """Run what pauses replay again and again, in a session that can be told from others."""
    where = ["-h", SOCKET_FOLDER, "-p", str(lab.topology.ports.postgres), "-d", DATABASE]
    psql = ["env", "PGAPPNAME=replay-paused", "psql", "-Xq", *where]
    argv = ["runuser", "-u", "postgres", "--", *psql, "-c", statement("replay_paused")]
    process = subprocess.Popen(
        lab.command(host, argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
