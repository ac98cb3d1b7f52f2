"""Replication that no commit waits for: what every other drill relies on, taken away."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from failover_tests.statements import statement
from ha.lab import Lab
from ha.lab.errors import CommandFailed
from ha.lab.waiting import until

_EDIT_S = 20.0
_CONFIGURED = ("-c", "/etc/evergrid/patroni.yml")


@contextmanager
def asynchronous(lab: Lab) -> Iterator[Fault]:
    """
    Let commits be acknowledged by the primary alone, until leaving.

    :raises NotInTime: if commits still wait for a replica
    """
    began_s = time.monotonic()
    try:
        _set_mode(lab, "false")
        until(
            lambda: lab.query(statement("synchronous_standbys"))[0]["names"],
            is_enough=lambda names: names == "",
            what="the primary to wait for no replica",
            within_s=budgets.RECOVERY_S,
        )
        host = str(lab.primary())
        proof = "synchronous_standby_names is empty"
        yield Fault(what="asynchronous replication", hosts=(host,), began_s=began_s, proof=proof)
    finally:
        until(
            lambda: _is_set(lab, "quorum"),
            what="quorum replication to be switched on again",
            within_s=budgets.RECOVERY_S,
        )


def _is_set(lab: Lab, mode: str) -> bool:
    try:
        _set_mode(lab, mode)
    except CommandFailed:  # no primary at this moment
        return False
    return True


def _set_mode(lab: Lab, mode: str) -> None:
    """Set Patroni's `synchronous_mode` from a database host that is on."""
    hosts = [host.name for host in lab.topology.with_role("database")]
    patronictl = [sys.executable, "-c", "from patroni.ctl import ctl; ctl()", *_CONFIGURED]
    lab.exec(
        next(host for host in hosts if lab.is_up(host)),
        [*patronictl, "edit-config", "--force", "--quiet", "--set", f"synchronous_mode={mode}"],
        timeout_s=_EDIT_S,
    )
