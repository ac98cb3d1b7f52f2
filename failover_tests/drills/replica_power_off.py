"""The drill in which one of two replicas loses its power."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(slowest_s=budgets.REPLICA_LOST_SLOWEST_S)


@drill(_PROMISES)
def replica_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off a replica: the other confirms every commit."""
    replica, _ = stage.replicas()
    with faults.power_off(stage.lab, replica) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
