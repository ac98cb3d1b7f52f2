"""The drill in which Patroni crashes beside a healthy PostgreSQL."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def patroni_killed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Kill the primary's Patroni: its successor adopts PostgreSQL, nobody notices."""
    with faults.killed(stage.lab, stage.primary(), "patroni") as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
