"""The drill in which etcd loses its leader."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def etcd_host_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off the host of etcd's leader: the other two elect one, nobody notices."""
    with faults.power_off(stage.lab, stage.etcd_leader()) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
