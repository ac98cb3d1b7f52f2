"""The drill in which all of etcd is gone for a minute."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def etcd_all_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off all hosts of etcd for a minute: failsafe mode keeps the primary."""
    with faults.power_off(stage.lab, *stage.hosts("dcs")) as fault:
        load.goes_on(for_s=budgets.MINUTE_S)
    return (fault,)
