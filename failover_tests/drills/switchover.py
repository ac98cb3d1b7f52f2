"""The drill in which an operator moves the primary."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.SWITCHOVER_WRITE_STALL_S,
    read_stall_s=budgets.READ_STALL_S,
    failovers_max=1,
    takeovers_min=1,
)


@drill(_PROMISES)
def switchover(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Switch over as an operator does: clients wait for less than a second."""
    with faults.switched_over(stage.lab, from_host=stage.primary()) as fault:
        load.is_served_again()
    return (fault,)
