"""The drill in which the primary's disk has no byte left."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.preparations import own_disks
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.STANDING_STILL_WRITE_STALL_S, failovers_max=1, takeovers_min=1
)


@drill(_PROMISES, prepares=own_disks)
def disk_full(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Fill the disk of the primary: a host that can write takes over."""
    with faults.full(stage.lab, stage.primary()) as fault:
        load.goes_on(for_s=budgets.CUT_S)
        load.is_served_again()
        load.catches_up()
    return (fault,)
