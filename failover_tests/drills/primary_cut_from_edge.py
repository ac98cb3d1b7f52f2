"""The drill in which the edge does not reach the primary."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def primary_cut_from_edge(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Cut the primary off from the edge hosts: nothing of theirs goes there, nobody notices."""
    with faults.cut_off(stage.lab, stage.primary(), stage.hosts("edge")) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
