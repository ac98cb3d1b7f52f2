"""The drill in which PostgreSQL crashes."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.POSTMASTER_KILLED_WRITE_STALL_S,
    read_stall_s=budgets.READ_STALL_S,
    failovers_max=1,
    takeovers_min=1,
)


@drill(_PROMISES)
def postmaster_killed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Kill the primary's postmaster: another host takes over within two seconds."""
    with faults.killed(stage.lab, stage.primary(), "postgres") as fault:
        load.is_served_again()
    return (fault,)
